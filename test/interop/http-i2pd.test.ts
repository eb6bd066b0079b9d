// @minwww/http over i2pd: our fetch from an i2pd server tunnel, i2pd's HTTP proxy from our server, and an example.
import t from 'tap'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createI2p } from '@minwww/http'
import type { CreateOptions } from '@minwww/http'
import { encodeB33 } from '@minwww/i2cp'
import { fetchPage } from '../../packages/http/examples/fetch-page.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchThroughProxy } from '../testnet/fetch.ts'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { networkMissing, startNetwork } from '../testnet/network.ts'

t.setTimeout(340_000)

/** i2pd keeps one path per peer for 30 s, and a path can be dead: the attempts must outlive it. */
const ATTEMPTS = 15
const BETWEEN = 3_000
const WAIT = 20_000
const SIZE = 300_000

const TUNNELS = { 'inbound.length': 1, 'outbound.length': 1, 'inbound.quantity': 2, 'outbound.quantity': 2 } as const

t.test('i2pd', { skip: networkMissing() ?? false }, async t => {
  const network = await startNetwork({ hops: [1] })
  t.teardown(async () => await network.stop())
  const options = (k: number): CreateOptions => ({ router: { connect: () => network.connect(k) }, options: TUNNELS })
  const i2p = await createI2p(options(3))
  t.teardown(async () => await i2p.close())
  const site = network.site(1)
  const agent = i2p.agent

  await t.test("our fetch from i2pd's server tunnel", async t => {
    const { status, body } = await again(async () => {
      const response = await i2p.fetch(`http://${site}/bytes/${SIZE}?seed=5`, { timeout: WAIT })
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
    })
    t.equal(status, 200)
    t.ok(body.equals(reproducibleBytes(SIZE, 5)))
    const sent = reproducibleBytes(SIZE, 6)
    const digest = await again(async () =>
      await (await i2p.fetch(`http://${site}/digest`, { method: 'POST', body: sent, timeout: 2 * WAIT })).json())
    t.same(digest, { length: SIZE, sha256: createHash('sha256').update(sent).digest('hex') })
    const page = await again(async () => {
      const request = get(`http://${site}/bytes/1000`, { agent, signal: AbortSignal.timeout(WAIT) })
      const [response] = await once(request, 'response') as [IncomingMessage]
      return await buffer(response)
    })
    t.ok(page.equals(reproducibleBytes(1000, 1)), 'the agent')
  })

  await t.test("i2pd's HTTP proxy from our server", async t => {
    i2p.createServer(({ method, url, socket }, response) => response.end(`${method} ${url} from ${socket.remoteAddress}`)).listen(80)
    const page = await again(async () => {
      const answer = await fetchThroughProxy(network.connect(network.proxy(1)), `http://${i2p.address}/page`, WAIT)
      if (answer.status !== 200) throw new Error(`status ${answer.status}`)
      return answer
    })
    t.match(page.body.toString(), /^GET \/page from [a-z2-7]{52}\.b32\.i2p$/)
  })

  await t.test("i2pd's HTTP proxy from an encrypted LeaseSet of ours", async t => {
    const { router, options: tunnels } = options(4)
    const hidden = await createI2p({ router: router!, options: { ...tunnels, 'i2cp.leaseSetType': '5' } })
    t.teardown(async () => await hidden.close())
    hidden.createServer((_, response) => response.end('hidden')).listen(80)
    const { signingType, signingPublicKey } = hidden.destination
    const url = `http://${encodeB33({ signingType, signingPublicKey })}/`
    const page = await again(async () => {
      const answer = await fetchThroughProxy(network.connect(network.proxy(1)), url, WAIT)
      if (answer.status !== 200) throw new Error(`status ${answer.status}`)
      return answer
    })
    t.equal(page.body.toString(), 'hidden')
    const asked = i2p.fetch(url, { timeout: WAIT })
    await t.rejects(asked, { cause: { message: /i2pd looks up no encrypted LeaseSets/ } }, 'by our own session it cannot be looked up')
  })

  await t.test('an example: fetch a page', async t => {
    t.equal((await again(async () => await fetchPage(`http://${site}/bytes/500`, options(4)))).length > 0, true)
  })

  await t.test('a ping to i2pd, and services, which this i2pd cannot look up', async t => {
    const other = await createI2p(options(4))
    t.teardown(async () => await other.close())
    const { rtt } = await again(async () => await other.ping(i2p.destination, { timeout: WAIT }))
    t.ok(rtt > 0, `${rtt} ms`)
    await t.rejects(other.services(i2p.address, { timeout: 5_000 }), { name: 'I2pError' })
  })

  await t.test('nothing is left', async t => {
    await i2p.close()
    await leavesNothing(t, network)
  })
})

async function again<T> (attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === ATTEMPTS) throw error
      await sleep(BETWEEN)
    }
  }
}

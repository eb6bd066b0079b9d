/**
 * Clients that come to one exit at the same moment, each from a Destination of its own that the exit has never heard: a figure of
 * docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/new-clients.ts [options]
 *
 * Options: --suite bookworm|trixie|sid, --hops 1, --delay 100, --clients 20, --rounds 2.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Test } from 'tap'
import { ClientDriver } from '@minwww/client'
import { createSession, type Session } from '@minwww/i2cp'
import { Destination } from '@minwww/i2cp/codec'
import { startService } from '../e2e/harness.ts'
import { startNetwork, type Suite, type TestNetwork } from '../testnet/network.ts'
import { createWebServer } from '../testnet/web.mjs'

const EXIT_ROUTER = 4
const CLIENT_ROUTERS = [1, 3, 5, 6]
const ROUTERS = 8
const PATIENCE = 60_000

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    hops: { type: 'string', default: '1' },
    delay: { type: 'string', default: '100' },
    clients: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '2' }
  }
})

const ends: Array<() => unknown> = []
const owner = { teardown: (end: () => unknown) => { ends.push(end) } } as unknown as Test

try {
  const network = await startNetwork({
    hops: [1], delay: Number(values.delay), ...(values.suite !== undefined && { suite: values.suite as Suite }), readyTimeout: 180_000
  })
  ends.push(async () => await network.stop())
  const web = createWebServer().listen(0, '127.0.0.1')
  await once(web, 'listening')
  ends.push(() => web.close())
  const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const { host, port } = await network.forward(EXIT_ROUTER)
  const lengths = { 'inbound.length': Number(values.hops), 'outbound.length': Number(values.hops) }
  const options = Object.entries(lengths).flatMap(([name, value]) => ['--i2cp-option', `${name}=${value}`])
  const exit = await startService(owner, ['exit', '--router', `${host}:${port}`, '--site', `site.i2p=${origin}`, ...options])
  const destination = Destination.fromBase64(exit.json.destination as string)
  const routers = await Promise.all(CLIENT_ROUTERS.map(async k => await network.forward(k)))
  for (let round = 1; round <= Number(values.rounds); round++) {
    const before = tooOften(network)
    const sessions = await Promise.all(Array.from({ length: Number(values.clients) }, async (_, i) => await createSession({
      router: routers[i % routers.length]!, options: { ...lengths, 'inbound.quantity': 2, 'outbound.quantity': 2 }
    })))
    const times = await Promise.all(sessions.map(async (session, i) => await firstPage(session, `${round}-${i}`)))
    times.sort((a, b) => a - b)
    const [median, last] = [times[times.length >> 1], times.at(-1)].map(time => Math.round(time ?? Infinity))
    console.log(
      `${values.suite ?? 'own'} round ${round}: ${times.length} new clients at once, first page p50 ${median} last ${last} ms; ` +
      `"come too often" ${tooOften(network) - before}`
    )
    await Promise.all(sessions.map(async session => await session.close()))
  }

  async function firstPage (session: Session, tag: string): Promise<number> {
    const driver = new ClientDriver({ sessions: [session] })
    const began = performance.now()
    driver.addExit('exit', destination)
    const message = Buffer.from(`GET http://site.i2p/bytes/2048?${tag} HTTP/1.1\r\nHost: site.i2p\r\n\r\n`)
    return await driver.fetch({ message, site: 'site.i2p', idempotent: true, timeout: PATIENCE })
      .then(() => performance.now() - began, () => Infinity).finally(() => driver.close())
  }
} finally {
  for (const end of ends.reverse()) await end()
}
process.exit(0)

/** In all routers' logs. */
function tooOften (network: TestNetwork): number {
  return Array.from({ length: ROUTERS }, (_, i) => readFileSync(join(network.directory, `r${i + 1}`, 'i2pd.log'), 'latin1'))
    .reduce((sum, log) => sum + log.split('come too often').length - 1, 0)
}

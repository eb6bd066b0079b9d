/**
 * Clients that come to one exit at the same moment, each from a Destination of its own that the exit has never heard: a figure of
 * docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/new-clients.ts [options]
 *
 * Options: --suite bookworm|trixie|sid, --hops 1, --delay 100, --clients 20, --rounds 2.
 */
import { parseArgs } from 'node:util'
import { ClientDriver } from '@minwww/client'
import { createSession, type Session } from '@minwww/i2cp'
import { Destination } from '@minwww/i2cp/codec'
import { startService } from '../e2e/harness.ts'
import { i2cpFlags, inPlace, percentile, tooOften } from './place.ts'

const EXIT_ROUTER = 4
const CLIENT_ROUTERS = [1, 3, 5, 6]
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

await inPlace({ suite: values.suite, delay: values.delay }, async ({ network, owner, routerAt, site }) => {
  const refused = (): number => [...tooOften(network).values()].reduce((sum, count) => sum + count, 0)
  const exit = await startService(owner, [
    'exit', '--router', await routerAt(EXIT_ROUTER), '--site', `site.i2p=${(await site()).origin}`, ...i2cpFlags(values.hops)
  ])
  const destination = Destination.fromBase64(exit.json.destination as string)
  const routers = await Promise.all(CLIENT_ROUTERS.map(async k => await network.forward(k)))
  for (let round = 1; round <= Number(values.rounds); round++) {
    const before = refused()
    const sessions = await Promise.all(Array.from({ length: Number(values.clients) }, async (_, i) => await createSession({
      router: routers[i % routers.length]!,
      options: {
        'inbound.length': Number(values.hops), 'outbound.length': Number(values.hops), 'inbound.quantity': 2, 'outbound.quantity': 2
      }
    })))
    const times = await Promise.all(sessions.map(async (session, i) => await firstPage(session, destination, `${round}-${i}`)))
    console.log(
      `${values.suite ?? 'own'} round ${round}: ${times.length} new clients at once, ` +
      `first page p50 ${percentile(times, 0.5)} last ${percentile(times, 1)} ms; ` +
      `"come too often" ${refused() - before}`
    )
    await Promise.all(sessions.map(async session => await session.close()))
  }
})

async function firstPage (session: Session, exit: Destination, tag: string): Promise<number> {
  const driver = new ClientDriver({ sessions: [session] })
  const began = performance.now()
  driver.addExit('exit', exit)
  const message = Buffer.from(`GET http://site.i2p/bytes/2048?${tag} HTTP/1.1\r\nHost: site.i2p\r\n\r\n`)
  return await driver.fetch({ message, site: 'site.i2p', idempotent: true, timeout: PATIENCE })
    .then(() => performance.now() - began, () => Infinity).finally(() => driver.close())
}

import t from 'tap'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { createSession } from '@minwww/i2cp'
import type { Destination, Session } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createStreamManager } from '@minwww/streaming'
import { seeded } from '@minwww/testkit'
import { ParityCore } from '../src/parity/index.ts'
import { minimumPayload } from '../src/sizes.ts'

t.setTimeout(120_000)

/** A response of 200 KB through the embedded router, 5 % of the tunnel messages lost. Returns what each end's parity did. */
async function fetch (t: Pick<typeof import('tap').t, 'teardown' | 'ok' | 'equal'>, { client, exit }: { client: boolean, exit: boolean }) {
  const router = createLocalRouter({ seed: 5, latency: 20, loss: 0.05 })
  const open = async (): Promise<Session> => await createSession({ connect: () => router.connect() })
  const [near, far] = [await open(), await open()]
  const layers = [client, exit].map(has => has ? new ParityCore<Destination>({ random: seeded(9) }) : undefined)
  const lengths: number[] = []
  let left = 0
  for (const [i, session] of [near, far].entries()) {
    const send = session.send.bind(session)
    session.send = (to, payload, options) => {
      const length = Math.max(payload.length, options.padTo ?? 0)
      left += length
      // An exit whose HELLO is lost, or late, answers as to anybody.
      if (layers[i] === undefined || layers[i].size.channels > 0) lengths.push(length)
      return send(to, payload, options)
    }
  }
  let told = 0
  const [ours, theirs] = [near, far].map((session, i) => {
    const layer = layers[i]
    return createStreamManager(session, {}, { ...(layer !== undefined && { layer }) })
  }) as [ReturnType<typeof createStreamManager>, ReturnType<typeof createStreamManager>]
  t.teardown(async () => {
    ours.close()
    theirs.close()
    await Promise.all([near.close(), far.close()])
    await router.close()
  })
  for (const manager of [ours, theirs]) manager.on('sent', (_to, bytes) => { told += bytes })
  const page = Buffer.from(seeded(1)(200_000))
  const server = theirs.createServer(socket => { socket.once('data', () => socket.end(page)) })
  server.listen(80)
  await once(server, 'listening')
  const socket = ours.connect({ destination: far.destination, port: 80, isLayered: true })
  socket.write('GET')
  t.ok((await buffer(socket)).equals(page))
  t.equal(told, left, 'all that leaves is told')
  return { statistics: layers.map(layer => layer?.statistics), shortest: Math.min(...lengths) }
}

t.test('over sessions and sockets: what is lost is rebuilt', async t => {
  const { statistics: [near, far], shortest } = await fetch(t, { client: true, exit: true })
  t.equal(shortest, minimumPayload(1), 'no gateway holds any of it back')
  t.ok(near!.rebuilt > 0 && far!.sent > 0, `${near!.rebuilt} rebuilt of ${far!.sent} symbols`)
})

t.test('a peer without parity is a peer as any other', async t => {
  const { statistics: [near] } = await fetch(t, { client: true, exit: false })
  t.equal(near!.received, 0)
  const { statistics: [, far] } = await fetch(t, { client: false, exit: true })
  t.strictSame([far!.sent, far!.received], [0, 0])
})

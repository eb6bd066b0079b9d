// Every example runs, over the embedded router.
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fromBase32 } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createI2p } from '../src/index.ts'
import { enterRoom, openRoom } from '../examples/chat.ts'
import { askEcho, serveEcho } from '../examples/echo-datagrams.ts'
import { createApp } from '../examples/fastify-app.ts'
import { fetchPage } from '../examples/fetch-page.ts'
import { receiveFile, sendFile } from '../examples/send-file.ts'
import type { Progress } from '../examples/send-file.ts'
import { serveSite } from '../examples/serve-site.ts'
import { announce, PEER_ID, shakeHands } from '../examples/torrent.ts'
import { askClock, serveClock } from '../examples/websocket.ts'
import { codeOf, world } from './support.ts'

t.setTimeout(90_000)

const EXAMPLES = fileURLToPath(new URL('../examples/', import.meta.url))

t.test('serve a site, and fetch a page of it', async t => {
  const router = createLocalRouter({ seed: 4, latency: 2 })
  const folder = t.testdir({ 'index.html': '<h1>hello</h1>', secret: {} })
  const site = await serveSite(folder, { router, services: { '_http._tcp': { ttl: 86_400, port: 80 } } })
  t.teardown(async () => {
    await site.close()
    await router.close()
  })
  t.equal(await fetchPage(`http://${site.address}/`, { router }), '<h1>hello</h1>')
  await t.rejects(fetchPage(`http://${site.address}/nothing`, { router }), /404/)
  await t.rejects(fetchPage(`http://${site.address}/..%2f..%2f${'x'.repeat(3)}`, { router }), /404/)
  t.equal(await codeOf(fetchPage('http://unknown.i2p/', { router })), 'I2P_UNKNOWN_NAME')
})

t.test('a chat over streams', async t => {
  const { alice, bob, router } = await world(t)
  const carol = await createI2p({ router })
  t.teardown(async () => await carol.close())
  await openRoom(bob)
  const guests = await Promise.all([alice, carol].map(async i2p => await enterRoom(i2p, 'bob.i2p')))
  const lines = createInterface({ input: guests[1]! })
  const said = once(lines, 'line')
  await said
  const heard = new Promise<string>(resolve => lines.on('line', line => { if (line.includes(': ')) resolve(line) }))
  guests[0]!.write('good evening\n')
  t.equal(await heard, `${alice.address.slice(0, 8)}: good evening`)
  const gone = new Promise<void>(resolve => lines.on('line', line => { if (line.includes('has gone')) resolve() }))
  guests[0]!.end()
  await gone
  guests[1]!.destroy()
})

t.test('a file, with progress', async t => {
  const { alice, bob } = await world(t, { loss: 0.02 })
  const folder = t.testdir({})
  const bytes = randomBytes(300_000)
  await writeFile(join(folder, 'from'), bytes)
  const received = receiveFile(bob, join(folder, 'to'))
  const seen: Progress[] = []
  t.equal(await sendFile(alice, 'bob.i2p', join(folder, 'from'), progress => seen.push(progress)), true)
  t.match(await received, /^[0-9a-f]{64}$/)
  t.ok(bytes.equals(await readFile(join(folder, 'to'))))
  t.ok(seen.length > 1)
  t.equal(seen.at(-1)!.size, bytes.length)
  t.ok(seen.at(-1)!.window > 0)
})

t.test('an echo over datagrams', async t => {
  const { alice, bob } = await world(t)
  await serveEcho(bob)
  t.equal(await askEcho(alice, 'bob.i2p', 'hello'), 'hello')
})

t.test('a fastify app', async t => {
  const { alice, bob } = await world(t)
  const app = createApp(bob)
  await app.listen({ port: 80 })
  const post = async (body: string): Promise<number> =>
    (await alice.fetch('http://bob.i2p/notes', { method: 'POST', body, headers: { 'content-type': 'text/plain' } })).status
  t.equal(await post('first'), 201)
  t.same(await (await alice.fetch('http://bob.i2p/notes')).json(), [`${alice.address}: first`])
  await app.close()
  t.equal(bob.state, 'closed')
})

t.test('a WebSocket', async t => {
  const { alice, bob } = await world(t)
  await serveClock(bob, () => 'now')
  t.equal(await askClock(alice, 'bob.i2p'), 'now')
})

t.test("a test of one's own app, in virtual time", async t => {
  const file = join(EXAMPLES, 'own-app.test.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    '--conditions=@minwww/source', '--import', 'tsx', '--test', '--test-reporter=tap', file
  ], { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined } })
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /# pass 1\b/)
})

t.test('BitTorrent: a tracker and a peer, in at most 50 lines', async t => {
  const { alice, bob } = await world(t)
  const infoHash = randomBytes(20)
  bob.createServer((request, response) => {
    const query = request.url ?? ''
    const known = query.includes(`info_hash=${infoHash.toString('hex').replace(/../g, '%$&')}&`) &&
      query.includes(`ip=${alice.destination.base64}.i2p&`)
    const peers = fromBase32(bob.address.slice(0, 52))
    response.end(known
      ? Buffer.concat([Buffer.from('d8:intervali60e5:peers32:'), peers, Buffer.from('5:waitsli1ei2eee')])
      : 'd14:failure reason7:unknowne')
  }).listen(80)
  bob.createStreamServer(socket => {
    const rest = Buffer.concat([Buffer.alloc(20, 'B'), Buffer.of(0, 0, 0, 2, 5, 0xff)])
    socket.once('data', (head: Buffer) => socket.write(Buffer.concat([head.subarray(0, 48), rest])))
    socket.on('error', () => {}) // the other side hangs up
  }).listen(6881)
  const peers = await announce(alice, 'http://bob.i2p/announce', infoHash)
  t.same(peers, [bob.address])
  const { socket, peerId } = await shakeHands(alice, peers[0]!, infoHash)
  t.equal(peerId.toString(), 'B'.repeat(20))
  const bitfield = socket.read() as Buffer | null ?? (await once(socket, 'data') as [Buffer])[0]
  t.same([...bitfield], [0, 0, 0, 2, 5, 0xff])
  socket.destroy()
  t.equal(PEER_ID.length, 20)
  await t.rejects(announce(alice, 'http://bob.i2p/announce', randomBytes(20)), /unknown/)
  const lines = (await readFile(join(EXAMPLES, 'torrent.ts'), 'utf8')).trimEnd().split('\n')
  t.ok(lines.length <= 50, `${lines.length} lines`)
})

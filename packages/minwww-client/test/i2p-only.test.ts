import t from 'tap'
import { encodeB33, RED25519 } from '@minwww/i2cp'
import { get, keys, parseRaw, raw, startProxy } from './proxy-support.ts'
import { echo, FakeStreams, portOf, startPeer } from './stream-support.ts'

/** A proxy in the mode, with a site of I2P behind a stream. */
async function start () {
  const peer = await startPeer(echo)
  const streams = new FakeStreams()
  streams.ports.set(peer.keys.destination.b32, portOf(peer.server))
  const fixture = await startProxy(() => ({ body: 'from an exit' }), { i2pOnly: true, exits: [], streams })
  for (const name of ['known.i2p', peer.keys.destination.b32]) fixture.session.names.set(name, peer.keys.destination)
  const end = async (): Promise<void> => {
    await fixture.proxy.close()
    peer.server.closeAllConnections()
    peer.server.close()
  }
  return { ...fixture, peer, streams, end }
}

const HTML: [string, string] = ['Accept', 'text/html']

t.test('sites of I2P open, and everything else is refused here', async t => {
  const { port, core, streams, peer, end } = await start()
  const b33 = encodeB33({ signingPublicKey: Buffer.alloc(32, 9), signingType: RED25519 })
  t.equal((await get(port, 'http://known.i2p/a')).text, 'from the exit')
  t.equal((await get(port, `http://${peer.keys.destination.b32}/b`, [['Content-Length', '1']], 'POST', 'x')).status, 200)
  const opened = streams.connected.length
  t.ok(opened > 0)
  const WEB = [
    'http://web.example/', 'http://192.0.2.7/', 'http://[2001:db8::1]/', 'http://localhost/', 'http://a.onion/', 'http://i2p.example/'
  ]
  for (const url of WEB) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
      const answer = await get(port, url, [HTML], method)
      t.strictSame([answer.status, answer.get('x-minwww-error')], [403, 'MINWWW_I2P_ONLY'], `${method} ${url}`)
    }
    const posted = await get(port, url, [['Content-Length', '1']], 'POST', 'x')
    t.equal(posted.get('x-minwww-error'), 'MINWWW_I2P_ONLY', url)
    const host = new URL(url).host
    const connected = parseRaw(await raw(port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nAccept: text/html\r\n\r\n`))
    t.equal(connected.get('x-minwww-error'), 'MINWWW_I2P_ONLY', `CONNECT ${host}`)
    t.match(connected.text, /<strong>I2P only<\/strong>/)
    const upgraded = await raw(port, `GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, {
      half: false
    })
    t.equal(parseRaw(upgraded).get('x-minwww-error'), 'MINWWW_I2P_ONLY', `WebSocket ${host}`)
  }
  for (const host of ['unknown.i2p', keys().destination.b32, b33]) {
    const answer = await get(port, `http://${host}/`, [HTML])
    t.equal(answer.status, 502, host)
    t.match(answer.text, /<strong>I2P only<\/strong>/)
  }
  t.match((await get(port, 'http://unknown.i2p/', [HTML])).text, /jump/, 'jump services are offered')
  t.equal(streams.connected.length, opened, 'no stream was opened for any of it')
  t.equal(core.requests.length, 0, 'and no message sent')
  await end()
})

t.test('a link that brings a Destination asks no exit who knows the name', async t => {
  const { port, core, end } = await start()
  const answer = await get(port, `http://new.i2p/?i2paddresshelper=${keys().destination.base64}`, [HTML])
  t.equal(answer.get('x-minwww-error'), 'MINWWW_NEW_NAME')
  const [, page = ''] = /content="0;url=([^"]+)"/.exec(answer.text) ?? []
  t.match((await get(port, page.replaceAll('&amp;', '&'), [HTML])).text, /<strong>I2P only<\/strong>[^]*Remember new.i2p/)
  t.equal(core.requests.length, 0)
  await end()
})

t.test('no exit is taken, neither at the start nor later', async t => {
  await t.rejects(startProxy(() => ({}), { i2pOnly: true }), RangeError)
  const { proxy, port, end } = await start()
  t.throws(() => proxy.addExit(keys().destination.base64), RangeError)
  const console = await get(port, 'http://minwww.i2p/console')
  const [, nonce = ''] = /name="minwww-nonce" content="(\w+)"/.exec(console.text) ?? []
  const body = JSON.stringify({ destination: keys().destination.base64 })
  const fields: Array<[string, string]> = [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(body.length)],
    ['X-MinWWW-Nonce', nonce]
  ]
  const added = await get(port, 'http://minwww.i2p/console/exits/add', fields, 'POST', body)
  t.equal(added.status, 400)
  t.match(added.text, /takes no exit/)
  t.strictSame(proxy.exits(), [])
  await end()
})

t.test('every page of the proxy shows the mode', async t => {
  const { port, end } = await start()
  for (const path of ['', 'did-it-work', 'console', 'no-such-page']) {
    t.match((await get(port, `http://minwww.i2p/${path}`, [HTML])).text, /I2P only/, path)
  }
  t.match((await get(port, 'http://minwww.i2p/did-it-work', [HTML])).text, /<h1>It works<\/h1>/)
  t.match((await get(port, 'http://minwww.i2p/did-it-work')).text, /nothing is ever sent to an exit/)
  await end()
  const usual = await startProxy(() => ({}))
  t.notMatch((await get(usual.port, 'http://minwww.i2p/', [HTML])).text, /I2P only/)
  t.notMatch((await get(usual.port, 'http://minwww.i2p/console', [HTML])).text, /I2P only/)
  await usual.proxy.close()
})

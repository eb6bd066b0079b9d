import t from 'tap'
import { Readable } from 'node:stream'
import { HostHeader } from '../src/host-header.ts'

const through = async (...pieces: string[]): Promise<string> =>
  Buffer.concat(
    await Readable.from(pieces.map(piece => Buffer.from(piece, 'latin1'))).pipe(new HostHeader('site.i2p')).toArray()
  ).toString('latin1')

t.test('the first request gets the Host that the site knows, and is the last of its connection', async t => {
  const request = 'POST /a HTTP/1.1\r\nhost: 127.0.0.1:9000\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nX-A: 1\r\nContent-Length: ' +
    '3\r\n\r\nabc'
  const wanted = 'POST /a HTTP/1.1\r\nHost: site.i2p\r\nX-A: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'
  t.equal(await through(request), wanted)
  t.equal(await through(...request), wanted, 'byte by byte')
  t.equal(
    await through('GET / HTTP/1.0\r\nA: b\r\n\r\n'), 'GET / HTTP/1.0\r\nHost: site.i2p\r\nA: b\r\nConnection: close\r\n\r\n',
    'one without'
  )
})

t.test('a WebSocket stays one', async t => {
  t.equal(await through('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00Host: a\r\n\r\n'),
    'GET / HTTP/1.1\r\nHost: site.i2p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00Host: a\r\n\r\n')
})

t.test('what is no request passes when it ends; a head without end does not fill the memory', async t => {
  t.equal(await through('not http'), 'not http')
  await t.rejects(new Promise((resolve, reject) => {
    const stream = new HostHeader('site.i2p')
    stream.on('error', reject).on('end', resolve).resume()
    stream.write(Buffer.alloc(70_000, 'a'))
  }), { name: 'RangeError' })
})

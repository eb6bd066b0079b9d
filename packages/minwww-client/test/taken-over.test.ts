import t from 'tap'
import { request } from 'node:http'
import { Duplex } from 'node:stream'
import { parseTarget } from '../src/http/target.ts'
import { connected, replyTo } from '../src/route/stream-path.ts'

const LIMITS = { connect: 1_000, answer: 1_000 }

/** A stream whose peer says something and resets it, both before anybody can look. */
function resetAfter (words: string): Duplex {
  const stream: Duplex = new Duplex({
    read () {},
    write (_chunk, _encoding, callback) {
      callback()
      setImmediate(() => {
        stream.push(words)
        stream.destroy(new Error('the peer reset the stream'))
      })
    }
  })
  return stream
}

t.test('a peer that takes a stream over and resets it at once ends nothing but the stream', async t => {
  for (const [method, words] of [
    ['CONNECT', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['GET', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n']
  ] as const) {
    const stream = resetAfter(words)
    const headers = method === 'GET' ? { Connection: 'Upgrade', Upgrade: 'websocket' } : {}
    const outgoing = request({ method, path: method === 'GET' ? '/' : 'a.example:443', headers, createConnection: () => stream })
    outgoing.end()
    const { signal } = new AbortController()
    // An error that nobody listens to would end the process, and with it this test.
    const reply = await replyTo(outgoing, { method, target: parseTarget('http://a.example/'), fields: [], signal }, LIMITS)
    t.equal(reply.kind, 'taken over')
    t.ok(stream.destroyed)
  }
})

t.test('the same of a stream to a site, as soon as it is taken', async t => {
  const stream = new Duplex({ read () {}, write (_chunk, _encoding, callback) { callback() } })
  setImmediate(() => {
    stream.emit('connect')
    stream.destroy(new Error('the peer reset the stream'))
  })
  await connected(stream, new AbortController().signal, 1_000)
  t.ok(stream.destroyed)
})

// Streams that wait at an exit for the next rest.
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { duplexPair, type Duplex } from 'node:stream'
import { mock } from 'node:test'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { REST_FIELD } from '@minwww/protocol'
import { parseTarget } from '../src/http/target.ts'
import { RestStream } from '../src/route/rest-stream.ts'
import { StreamAgent, type StreamPeer } from '../src/route/streams.ts'
import { WaitingStreams } from '../src/route/waiting-streams.ts'
import { keys } from './proxy-support.ts'

/** An agent whose streams end at `exits`, with one idle stream to `peer`. */
async function idle (t: Test): Promise<{ agent: StreamAgent, peer: StreamPeer, exits: Duplex[] }> {
  const { destination } = keys()
  const exits: Duplex[] = []
  const agent = new StreamAgent({
    connect: () => {
      const [own, exit] = duplexPair()
      exits.push(exit)
      return Object.assign(own, { ref () {}, unref () {}, setTimeout () {}, setKeepAlive () {}, setNoDelay () {} })
    }
  })
  t.teardown(() => agent.destroy())
  const peer: StreamPeer = { kind: 'exit', id: 'exit', destination, port: 80 }
  const outgoing = httpRequest({ agent, peer, path: 'http://a.example/', headers: { host: 'a.example' } } as object)
  outgoing.end()
  const [response] = await Promise.all([
    once(outgoing, 'response').then(([response]) => response as IncomingMessage),
    once(outgoing, 'socket').then(() => exits[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  ])
  response.resume()
  await once(response, 'close')
  await new Promise(setImmediate)
  return { agent, peer, exits }
}

t.test('an exit that never ends the waiting has no stream for ever', async t => {
  const { agent, peer, exits } = await idle(t)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const waiting = new WaitingStreams()
  waiting.wait(agent, peer, 0)
  exits[0]!.write('HTTP/1.1 102 Processing\r\n\r\n')
  const name = { exit: peer.destination, source: 0, session: '0'.repeat(16), id: 1 }
  const expected = () => waiting.expect(name, AbortSignal.abort()) !== undefined
  for (let turn = 0; turn < 100 && !expected(); turn++) await new Promise(setImmediate)
  mock.timers.tick(90_000)
  await new Promise(setImmediate)
  t.equal(expected(), true, 'an exit ends it after a minute')
  mock.timers.tick(60_000)
  await new Promise(setImmediate)
  t.equal(expected(), false)
  t.strictSame(Object.keys(agent.sockets), [])
  t.equal(exits.length, 1)
})

t.test('a rest may be on its way on a stream of which the exit has not been heard yet', async t => {
  const { agent, peer, exits } = await idle(t)
  const waiting = new WaitingStreams()
  waiting.wait(agent, peer, 0)
  const name = { exit: peer.destination, source: 0, session: '0'.repeat(16), id: 1 }
  const request = { method: 'GET', target: parseTarget('http://a.example/'), fields: [], signal: new AbortController().signal }
  const rest = new RestStream(agent, 'exit', name, request, undefined, waiting)
  const body = buffer(rest.bodyAfter([Buffer.from('begin')], 8))
  while (exits.length < 2) await new Promise(setImmediate)
  await once(exits[1]!, 'readable')
  exits[1]!.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  exits[0]!.write(`HTTP/1.1 200 OK\r\n${REST_FIELD}: ${name.session}/1\r\nContent-Length: 3\r\n\r\nend`)
  t.equal(String(await body), 'beginend')
})

// Large answers that a client asks for at once: a whole exit, with a site on this machine that takes a moment for each.
import { createServer, type ServerResponse } from 'node:http'
import t from 'tap'
import { decodeMessage } from '@minwww/protocol'
import { FakeStreams } from './support/streams.ts'
import { until, wholeExit } from './support/whole-exit.ts'

const KB = 1_024
const STEP = 20
const LARGE = 400_000
/** Bytes of a head, and what the coding of an object adds. */
const HEAD = 400

t.test('six large answers at once: the first beginnings are long, the others have the least', async t => {
  const responses: ServerResponse[] = []
  const site = createServer((_, response) => { responses.push(response) })
  const { exit, client, clock, session, facts } = await wholeExit(t, site, { streams: new FakeStreams() })
  /** Bytes of what is said of each, in their order. */
  const sizes = (): Map<number, number> => new Map(session.sent.flatMap(({ payload }): Array<[number, number]> => {
    const message = decodeMessage(payload, client.session.server)
    return message.type === 'reply' && message.size > 0 ? [[message.id, message.size]] : []
  }))
  const pass = async (isSo: () => boolean): Promise<void> => {
    for (; !isSo(); clock.advance(STEP)) for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  // Who has not answered yet has little.
  client.open(1, facts('/first'))
  await until(() => responses.length === 1)
  responses.shift()!.end('hello')
  await pass(() => sizes().has(1))
  for (let id = 2; id < 8; id++) client.request(id, facts(`/${id}`))
  await until(() => responses.length === 6)
  for (const response of responses) response.setHeader('content-type', 'image/png').setHeader('content-length', LARGE).end(Buffer.alloc(LARGE, 7))
  await until(() => exit.stats.rests === 6)
  await pass(() => sizes().size === 7)
  const lengths = [...sizes().values()].slice(1).sort((a, b) => b - a)
  t.equal(lengths.length, 6)
  for (const length of lengths.slice(0, 2)) t.ok(length >= 112 * KB && length < 112 * KB + HEAD, `${length} bytes`)
  for (const length of lengths.slice(4)) t.ok(length >= 48 * KB && length < 48 * KB + HEAD, `${length} bytes`)
  const all = lengths.reduce((sum, length) => sum + length)
  t.ok(all < 520 * KB, `${all} bytes, where six long ones are 672 KB`)
})

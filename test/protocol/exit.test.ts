/** One page, fetched by our client's core from an exit that knows docs/reference/protocol.md only. In virtual time. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { Destination as I2pDestination, LocalDestination } from '@minwww/i2cp/codec'
import { ClientCore } from '@minwww/client/core'
import type { ClientEvent } from '@minwww/client/core'
import { EPOCH, seeded } from '@minwww/testkit'
import {
  decode, Destination, error, readDatagram, readObject, readOnce, reply, sessionOf, symbolOf, TYPE, untagged, working, writeObject
} from './second.ts'
import type { Session } from './second.ts'

const RAW = 18
const DATAGRAM2 = 19
const PACE = 72
const GET = 'GET http://site.i2p/page HTTP/1.1\r\nHost: site.i2p\r\n\r\n'
const POST = 'POST http://site.i2p/form HTTP/1.1\r\nHost: site.i2p\r\n\r\n'
const ROUND_TRIP = 40

/** What the exit reads of a message (section 3, 4). */
interface Heard { type: number, attempt: number, copy: number, id: number, content: Buffer }

function clientAndExit () {
  const random = seeded('second exit')
  const destination = new Destination(random(32))
  const hash = createHash('sha256').update(destination.bytes).digest()
  const core = new ClientCore({ keys: [LocalDestination.generate(random)], random })
  const events: ClientEvent[] = []
  let session: Session | undefined
  let now = EPOCH
  core.addExit(now, { id: 'second', destination: I2pDestination.parse(destination.bytes) })

  function hear (protocol: number, payload: Buffer): Heard | undefined {
    const content = protocol === DATAGRAM2 ? readDatagram(hash, payload) : session && untagged(session.client, payload)
    if (content === undefined) throw new Error('a message that is not genuine')
    const type = content[0]! & 0x0f
    if (type === TYPE.open) session = sessionOf(Buffer.from(content.subarray(18, 34)))
    if (content[0]! >> 4 !== 1 || session === undefined || !content.subarray(2, 10).equals(session.id)) throw new Error('a wrong prefix')
    return { type, attempt: content[1]! >> 4, copy: content[1]! & 0x0f, id: content.readUInt32BE(10), content }
  }

  /** Until the client says something, copies aside; undefined when it has nothing to say for so many ms. */
  function next (milliseconds = 60_000): Heard | undefined {
    for (const end = now + milliseconds; now <= end;) {
      for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) events.push(event)
      const out = core.pollTransmit(now)
      if (out !== undefined) {
        t.match(out, { toPort: 80, source: 0 })
        const heard = hear(out.protocol, out.payload)
        if (heard?.copy === 0) return heard
        continue
      }
      const due = core.nextTimeout()
      if (due === undefined || due > end) return undefined
      now = Math.max(now, due)
      core.handleTimeout(now)
    }
    return undefined
  }

  function answer (payload: Buffer): void {
    now += ROUND_TRIP
    core.receive(now, 0, { protocol: RAW, fromPort: 80, toPort: 4480, payload })
    for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) events.push(event)
  }

  const get = (): number => core.request(now, { message: Buffer.from(GET), site: 'site.i2p', idempotent: true })
  const post = (body: Buffer): number =>
    core.request(now, { message: Buffer.concat([Buffer.from(POST), body]), site: 'site.i2p', idempotent: false })
  const results = (): ClientEvent[] => events.filter(({ type }) => type !== 'exit-state')
  return { next, answer, get, post, results, random, session: () => session! }
}

t.test('a probe, REQUEST, a REPLY with one of two symbols lost, WANT, ERROR 3', async t => {
  const { next, answer, get, results, random, session } = clientAndExit()
  const probe = next()!
  t.equal(probe.type, TYPE.open)
  t.equal(probe.content.readUInt32BE(14), EPOCH / 1000)
  t.equal(probe.content.readUInt16BE(38), 0, 'an empty object')
  answer(reply(session(), probe.id, { size: 0, index: 0, last: 0, pace: PACE, time: 0, symbol: Buffer.alloc(653) }))

  const page = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n'), random(1_450)])
  const object = writeObject(page)
  const length = Math.ceil(object.length / 2)
  const symbol = (index: number, last: number, { id, attempt }: Heard): Buffer =>
    reply(session(), id, { size: object.length, index, last, pace: PACE, time: 0, symbol: symbolOf(object, length, index) }, attempt)
  const handle = get()
  const asked = next()!
  t.equal(asked.type, TYPE.request, 'the session is open')
  t.equal(asked.attempt, 0)
  const size = asked.content.readUInt16BE(18)
  t.equal(readObject(asked.content.subarray(20, 20 + size)).toString(), GET)
  t.ok(asked.content.subarray(20 + size).every(byte => byte === 0), 'padding')
  t.ok(asked.content.length + 8 >= 683)
  answer(symbol(1, 1, asked))
  t.strictSame(results(), [])

  const wanted = next()!
  t.equal(wanted.type, TYPE.want)
  t.equal(wanted.id, asked.id)
  t.equal(wanted.attempt, 1)
  const [from, count] = [wanted.content[17]!, wanted.content[18]!]
  t.equal(from, 2, 'a fresh index')
  t.ok(count >= 1)
  answer(symbol(from, from + count - 1, wanted))
  t.match(results(), [{ type: 'response', handle, exit: 'second' }])
  const [event] = results()
  t.ok(event?.type === 'response' && event.message.equals(page))

  const second = get()
  const large = next()!
  t.not(large.id, asked.id)
  answer(error(session(), large.id, { code: 3, size: 1_000_000, detail: 'too large' }, large.attempt))
  t.match(results()[1], { type: 'failed', handle: second, code: 'too-large', size: 1_000_000, detail: 'too large' })

  const third = get()
  const slow = next()!
  answer(working(session(), slow.id, 5))
  t.equal(next(9_000), undefined, 'nobody is asked meanwhile')
  const begun = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun')
  const coded = writeObject(begun)
  answer(reply(session(), slow.id, { part: 1, size: coded.length, index: 0, last: 0, pace: PACE, time: 0, symbol: coded }, slow.attempt))
  const rest = { source: 0, session: session().id.toString('hex'), id: slow.id }
  t.match(results().slice(2), [{ type: 'begins', handle: third, rest }, { type: 'response', handle: third, message: begun, rest }])
})

t.test('a POST has a token for the exit that answered the probe, in a REQUEST and in BODYs; a new exit gets another one', async t => {
  const { next, answer, post, results, random, session } = clientAndExit()
  const told = (byte: number, { id }: Heard): Buffer =>
    reply(session(), id, { size: 0, index: 0, last: 0, pace: PACE, time: 0, symbol: Buffer.concat([Buffer.alloc(8, byte)], 653) })
  answer(told(1, next()!))
  const done = writeObject(Buffer.from('HTTP/1.1 200 OK\r\n\r\ndone'))
  const finish = ({ id, attempt }: Heard): void =>
    answer(reply(session(), id, { size: done.length, index: 0, last: 0, pace: PACE, time: 0, symbol: done }, attempt))

  post(Buffer.from('a=b'))
  const asked = next()!
  t.equal(asked.type, TYPE.request)
  const endOf = ({ content }: Heard): number => 20 + content.readUInt16BE(18)
  t.equal(readObject(asked.content.subarray(20, endOf(asked))).toString(), `${POST}a=b`)
  const once = readOnce(asked.content.subarray(endOf(asked)))
  t.strictSame([once.incarnation, once.time], [Buffer.alloc(8, 1), Math.floor((EPOCH + ROUND_TRIP) / 1000)])
  finish(asked)

  const large = random(20_000)
  post(large)
  const symbols = new Map<number, Buffer>()
  const first = next()!
  const size = first.content.readUIntBE(14, 3)
  for (let heard: Heard | undefined = first; heard !== undefined; heard = next()) {
    t.equal(heard.type, TYPE.body)
    const symbol = heard.content.subarray(22)
    symbols.set(heard.content[17]!, symbol)
    if (Math.ceil(size / symbol.length) === symbols.size) break
  }
  const joined = readOnce(decode(size, symbols))
  t.not(joined.token.toString('hex'), once.token.toString('hex'))
  t.ok(readObject(joined.rest).equals(Buffer.concat([Buffer.from(POST), large])))
  finish(first)
  t.match(results(), [{ type: 'response' }, { type: 'response' }])

  while (next(0) !== undefined) { /* parity */ }
  // It had started before this was sent: the one before cannot have it.
  post(Buffer.from('c=d'))
  const stale = next()!
  answer(error(session(), stale.id, { code: 11, size: 60_000 }, stale.attempt))
  answer(told(2, next()!))
  const anew = next()!
  t.equal(anew.type, TYPE.open, 'as every repetition')
  t.strictSame(readOnce(anew.content.subarray(40 + anew.content.readUInt16BE(38))).incarnation, Buffer.alloc(8, 2))
  finish(anew)
  // It started later: nobody knows.
  post(Buffer.from('e=f'))
  const lost = next()!
  answer(error(session(), lost.id, { code: 11, size: ROUND_TRIP }, lost.attempt))
  t.match(results().slice(2), [{ type: 'response' }, { type: 'failed', code: 'outcome-unknown' }])
})

/** One page, fetched from our exit's core by a client that knows docs/reference/protocol.md only. In virtual time. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import { ServerCore } from '@minwww/server/core'
import { EPOCH, seeded } from '@minwww/testkit'
import {
  body, cancel, decode, Destination, error, hashOf, onceBlock, openBody, pushBlock, readObject, readPromises,
  readReply, reply, request, sessionOf, symbolOf, untagged, want, working, writeObject
} from './second.ts'

const RAW = 18
const DATAGRAM2 = 19
const CLIENT_PORT = 1_234
const EXIT_PORT = 80
const GET = Buffer.from('GET http://site.i2p/page HTTP/1.1\r\nHost: site.i2p\r\n\r\n')
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n'
const POST = Buffer.from('POST http://site.i2p/form HTTP/1.1\r\nHost: site.i2p\r\n\r\na=b')
/** At 12 % loss, in single tunnel messages: 1,500 bytes are two symbols and two of parity (section 5). */
const PATH = { loss: 120, rate: 0, max: 72, shape: 1 }
/** 128 KiB/s (section 7.1). */
const PACE = 72

/** The time in a REPLY, which must be the exit's own. */
function sentAt (message: Buffer): number {
  const time = message.readUInt16BE(20)
  t.ok((time - EPOCH % 65_536 + 65_536) % 65_536 < 1_000, 'when it was sent, by the exit\'s clock')
  return time
}

function exitAndClient () {
  const random = seeded('second client')
  const keys = LocalDestination.generate(random)
  const core = new ServerCore({ keys, random: seeded('core'), now: EPOCH })
  const session = sessionOf(random(16))
  const destination = new Destination(random(32))
  const fetched: Array<{ handle: number, message: string, name: object }> = []
  let now = EPOCH

  function exchange (protocol: number, payload: Buffer): Buffer[] {
    core.receive(now, { protocol, fromPort: CLIENT_PORT, toPort: EXIT_PORT, payload })
    return sent(100)
  }

  /** What the exit sends within so many ms. */
  function sent (milliseconds: number): Buffer[] {
    const end = now + milliseconds
    const payloads: Buffer[] = []
    for (let isDone = false; !isDone;) {
      for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) {
        if (event.type === 'fetch') fetched.push({ handle: event.handle, message: event.message.toString('latin1'), name: event.name })
      }
      for (let out = core.pollTransmit(now); out !== undefined; out = core.pollTransmit(now)) {
        t.match(out, { protocol: RAW, fromPort: EXIT_PORT, toPort: CLIENT_PORT })
        t.ok(Buffer.from(out.to.bytes).equals(destination.bytes), 'to the Destination that signed')
        payloads.push(out.payload)
      }
      const next = core.nextTimeout()
      isDone = next === undefined || next > end
      now = isDone ? end : Math.max(now, next!)
      core.handleTimeout(now)
    }
    return payloads
  }

  function respond (response: Buffer, part: 'whole' | 'beginning' = 'whole'): Buffer[] {
    core.respond(now, fetched.at(-1)!.handle, response, part)
    return sent(100)
  }

  const open = (id: number, object: Buffer, attempt = 0): Buffer[] =>
    exchange(DATAGRAM2, destination.datagram(keys.destination.hash, openBody(session, id, Math.floor(now / 1000), PATH, object, attempt)))
  const raw = (payload: Buffer): Buffer[] => exchange(RAW, payload)
  /** The exit promises, and keeps it. */
  function promise (url: string, response: string): { page: Buffer[], pushed: Buffer[] } {
    const [{ id, handle } = { id: 0, handle: 0 }] = core.promise(now, fetched.at(-1)!.handle, 1)
    const page = respond(Buffer.from(`+${id.toString(16)} ${url}\r\n${HEAD}page`))
    core.respond(now, handle, Buffer.from(`GET ${url} HTTP/1.1\r\nHost: site.i2p\r\n\r\n${response}`))
    return { page, pushed: sent(100) }
  }
  return { session, fetched, open, raw, respond, promise, random, wait: sent }
}

t.test('OPEN, a REPLY of two symbols with parity, WANT, a repetition, CANCEL, ERROR', async t => {
  const { session, fetched, open, raw, respond, random, wait } = exitAndClient()
  const page = Buffer.concat([Buffer.from(HEAD), random(1_450)])

  const heard = working(session, 1, 0).toString('hex')
  t.strictSame(open(1, writeObject(GET)).map(message => message.toString('hex')), [heard], 'a stranger is told that he was heard')
  t.equal(fetched[0]?.message, GET.toString())

  const burst = respond(page)
  t.equal(burst.length, 4)
  const replies = burst.map(message => readReply(untagged(session.server, message)!))
  const { size } = replies[0]!
  const length = Math.ceil(size / 2)
  const object = Buffer.concat(replies.slice(0, 2).map(({ symbol }) => symbol), size)
  t.ok(readObject(object).equals(page))
  replies.forEach((_, index) => {
    const time = sentAt(burst[index]!)
    const expected = reply(session, 1, { size, index, last: 3, pace: PACE, time, symbol: symbolOf(object, length, index) })
    t.equal(burst[index]!.toString('hex'), expected.toString('hex'), `the bytes of symbol ${index}`)
  })
  t.ok(readObject(decode(size, new Map([2, 3].map(index => [index, replies[index]!.symbol])))).equals(page), 'from parity alone')

  const wanted = raw(want(session, 1, PATH, 4, 1, 1))
  const fifth = reply(session, 1, { size, index: 4, last: 4, pace: PACE, time: sentAt(wanted[0]!), symbol: symbolOf(object, length, 4) }, 1)
  t.strictSame(wanted.map(message => message.toString('hex')), [fifth.toString('hex')], 'WANT brings symbol 4')
  t.strictSame(raw(want(session, 1, PATH, 4, 1, 1)), [], 'and its copy nothing')

  const again = raw(request(session, 1, PATH, writeObject(GET), 2)).map(message => readReply(untagged(session.server, message)!))
  t.strictSame(again.map(({ index, last }) => [index, last]), [[0, 1], [1, 1]], 'cut to the bytes that a small reply has left')
  t.equal(fetched.length, 1, 'nothing was fetched twice')

  t.strictSame(raw(cancel(session, 1, 2)), [])
  const unknown = raw(want(session, 1, PATH, 5, 1, 3))
  t.equal(unknown[0]?.toString('hex'), error(session, 1, { code: 1 }, 3).toString('hex'), 'ERROR 1: the exit has forgotten')

  raw(request(session, 2, PATH, writeObject(GET)))
  t.strictSame(wait(99), [], '200 ms have not passed')
  const said = working(session, 2, 5).toString('hex')
  t.strictSame(wait(5_001).map(message => message.toString('hex')), [said, said], 'it works, and still')
  const large = Buffer.concat([Buffer.from(HEAD), random(131_072)])
  const tooLarge = error(session, 2, { code: 3, size: large.length })
  t.equal(respond(large)[0]?.toString('hex'), tooLarge.toString('hex'), 'ERROR 3: too large, and how large')

  raw(request(session, 3, PATH, writeObject(GET)))
  const begun = respond(Buffer.from(`${HEAD}begun`), 'beginning').map(message => readReply(untagged(session.server, message)!))
  t.match(begun, [{ part: 1, index: 0 }])
  t.equal(readObject(begun[0]!.symbol.subarray(0, begun[0]!.size)).toString(), `${HEAD}begun`)
  t.strictSame(fetched.at(-1)!.name, { session: session.id.toString('hex'), id: 3 }, 'what its stream asks for')
})

t.test('what is not genuine, or comes again, has no answer', async t => {
  const { session, fetched, open, raw } = exitAndClient()
  t.strictSame(raw(request(session, 1, PATH, writeObject(GET))), [], 'no session yet')
  const probed = open(1, Buffer.alloc(0))
  const incarnation = readReply(untagged(session.server, probed[0]!)!).symbol.subarray(0, 8)
  t.ok(incarnation.some(byte => byte !== 0), 'it tells when it started')
  const empty = (index: number): Buffer => reply(
    session, 1, { size: 0, index, last: 4, pace: PACE, time: sentAt(probed[0]!), symbol: Buffer.concat([incarnation], 653) }
  )
  t.strictSame(probed.map(message => message.toString('hex')), [0, 1, 2, 3, 4].map(index => empty(index).toString('hex')), 'a probe')
  t.strictSame(open(1, Buffer.alloc(0)), [], 'played again')
  const forged = request(session, 2, PATH, writeObject(GET))
  forged[forged.length - 1]! ^= 1
  t.strictSame(raw(forged), [])
  t.strictSame(raw(request({ ...session, client: createHash('sha256').digest() }, 2, PATH, writeObject(GET))), [])
  t.equal(fetched.length, 0)
  raw(request(session, 2, PATH, writeObject(GET)))
  t.equal(fetched.length, 1)
})

t.test('a request that allows pushes: a promise in front of the page, a PUSH, WANT and CANCEL for it', async t => {
  const { session, fetched, open, raw, respond, promise } = exitAndClient()
  open(1, writeObject(GET))
  respond(Buffer.from(`${HEAD}first`))
  raw(request(session, 2, PATH, writeObject(GET), 0, 683, pushBlock(80, [hashOf('http://site.i2p/seen.css')])))
  t.equal(fetched.length, 2)
  const { page, pushed } = promise('http://site.i2p/style.css', `${HEAD}style`)
  const read = (message: Buffer | undefined): string => {
    const { symbol, size } = readReply(untagged(session.server, message!)!)
    return readObject(symbol.subarray(0, size)).toString()
  }
  const { promises, message } = readPromises(read(page.find(each => each[0] === 0x14)))
  t.strictSame(promises, [[0x80000001, 'http://site.i2p/style.css']])
  t.equal(message, `${HEAD}page`)
  const [first] = pushed.filter(each => each[0] === 0x18)
  t.equal(first?.readUInt32BE(10), 0x80000001)
  t.equal(read(first), `GET http://site.i2p/style.css HTTP/1.1\r\nHost: site.i2p\r\n\r\n${HEAD}style`)
  t.match(raw(want(session, 0x80000001, PATH, 3, 1, 1)).map(each => each[0]), [0x18])
  t.strictSame(raw(cancel(session, 0x80000001, 1)), [])
  t.equal(raw(want(session, 0x80000001, PATH, 5, 1, 2))[0]?.toString('hex'), error(session, 0x80000001, { code: 1 }, 2).toString('hex'))
})

t.test('a token is carried out once: under another id, in one message or in symbols; an exit before this one is named', async t => {
  const { session, fetched, open, raw, respond } = exitAndClient()
  const incarnation = readReply(untagged(session.server, open(1, Buffer.alloc(0))[0]!)!).symbol.subarray(0, 8)
  const time = EPOCH / 1000
  const block = onceBlock(incarnation, time, Buffer.alloc(16, 1))
  const object = writeObject(POST)
  const read = (message: Buffer | undefined): string => {
    const { symbol, size } = readReply(untagged(session.server, message!)!)
    return readObject(symbol.subarray(0, size)).toString()
  }
  raw(request(session, 2, PATH, object, 0, 683, block))
  t.strictSame(fetched.map(({ message, name }) => [message, name]), [[POST.toString(), { token: '01'.repeat(16) }]])
  const said = raw(request(session, 3, PATH, object, 0, 683, block))
  t.equal(said[0]?.toString('hex'), working(session, 3, 5).toString('hex'), 'it is being carried out')
  const answers = respond(Buffer.from(`${HEAD}done`)).filter(each => each[0] === 0x14 && each[17] === 0)
  t.strictSame(answers.map(each => [each.readUInt32BE(10), read(each)]), [2, 3].map(id => [id, `${HEAD}done`]), 'one answer for both')
  t.equal(read(raw(request(session, 4, PATH, object, 0, 683, block))[0]), `${HEAD}done`, 'and for who asks later')

  const joined = Buffer.concat([onceBlock(incarnation, time, Buffer.alloc(16, 2)), object])
  const symbols = [0, 1].map(index => ({ size: joined.length, index, last: 1, pace: PACE, time: 0, symbol: symbolOf(joined, 60, index) }))
  for (const symbol of symbols) raw(body(session, 5, symbol))
  t.strictSame(fetched.map(({ name }) => name), ['01', '02'].map(token => ({ token: token.repeat(16) })))
  for (const symbol of symbols) raw(body(session, 6, symbol))
  t.equal(fetched.length, 2, 'in symbols again')

  const before = raw(request(session, 7, PATH, object, 0, 683, onceBlock(Buffer.alloc(8, 9), time, Buffer.alloc(16, 3))))
  const age = before[0]!.readUInt32BE(17)
  t.equal(before[0]?.toString('hex'), error(session, 7, { code: 11, size: age }).toString('hex'), 'ERROR 11')
  t.ok(age >= 400 && age < 2_000, `${age} ms after its start`)
  const late = raw(request(session, 8, PATH, object, 0, 683, onceBlock(incarnation, time + 120, Buffer.alloc(16, 4))))
  t.equal(late[0]?.toString('hex'), error(session, 8, { code: 11 }).toString('hex'))
  t.equal(fetched.length, 2)
})

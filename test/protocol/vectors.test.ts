import t from 'tap'
import {
  cancel, covered, decode, Destination, error, group, hashOf, hello, inverse, multiply, onceBlock, openBody, prefix, push,
  pushBlock, readObject, repairs, reply, request, sessionOf, symbolOf, tagged, TYPE, vectors, want, working
} from './second.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const session = sessionOf(bytes(vectors.keys.secret))
const ID = 0x01020304
const PATH = { loss: 4, rate: 72, max: 72, shape: 8 }
const OBJECT = Buffer.from('\0GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n\r\n')

t.test('an implementation of the document makes the bytes of the vectors', async t => {
  const { id, client, server } = session
  t.strictSame({ session: id.toString('hex'), client: client.toString('hex'), server: server.toString('hex') },
    { session: vectors.keys.session, client: vectors.keys.client, server: vectors.keys.server })
  const said = (name: string): string => vectors.messages[name]!.bytes
  t.equal(request(session, ID, PATH, OBJECT, 0, 0).toString('hex'), said('request'))
  t.equal(tagged(client, [prefix(TYPE.request, session, ID, 1, 2), Buffer.of(4, 72, 72, 8, 0, OBJECT.length), OBJECT], 683).toString('hex'),
    said('paddedRequest'))
  t.equal(request(session, ID, PATH, Buffer.alloc(0), 0, 0).toString('hex'), said('probe'))
  t.equal(want(session, ID, PATH, 5, 3, 1, 0).toString('hex'), said('want'))
  t.equal(cancel(session, ID, 1, 0).toString('hex'), said('cancel'))
  const page = Buffer.from('\0HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello')
  t.equal(reply(session, ID, { size: page.length, index: 0, last: 0, pace: 72, time: 65_244, symbol: page }).toString('hex'), said('reply'))
  const beginning = { part: 1, size: page.length, index: 0, last: 0, pace: 72, time: 65_244, symbol: page }
  t.equal(reply(session, ID, beginning).toString('hex'), said('beginning'))
  t.equal(working(session, ID, 5, 0, 0).toString('hex'), said('working'))
  const block = pushBlock(80, [hashOf('http://site.i2p/seen.css')])
  t.equal(request(session, ID, PATH, OBJECT, 0, 0, block).toString('hex'), said('pushRequest'))
  const { once } = vectors.messages.onceRequest!.fields as { once: { incarnation: string, time: number, token: string } }
  const onceOf = onceBlock(bytes(once.incarnation), once.time, bytes(once.token))
  t.equal(request(session, ID, PATH, OBJECT, 0, 0, onceOf).toString('hex'), said('onceRequest'))
  const pushed = { size: page.length, index: 0, last: 0, pace: 72, time: 65_244, symbol: page }
  t.equal(push(session, 0x80000001, pushed).toString('hex'), said('push'))
  const empty = { size: 0, index: 0, last: 0, pace: 72, time: 65_244, symbol: Buffer.alloc(8) }
  t.equal(reply(session, ID, empty).toString('hex'), said('emptyReply'))
  t.equal(error(session, ID, { code: 3, size: 1_000_000, detail: 'too large' }, 0, 0).toString('hex'), said('error'))
})

t.test('its parity beneath streams is that of the vectors', async t => {
  const { parity } = vectors
  const [data, close] = parity.packets.map(({ body }, kind) => covered(1, 7 + kind, kind, bytes(body), parity.symbolLength))
  const object = Buffer.concat([data!, close!])
  const symbols = [2, 3].map(i => symbolOf(object, parity.symbolLength, i))
  t.strictSame(symbols.map(symbol => symbol.toString('hex')), parity.symbols)
  t.equal(hello(session, ID, 1).toString('hex'), parity.hello.bytes)
  t.equal(group(session, ID, { to: 2, from: 1, first: 7, count: 2, index: 0, symbol: symbols[0]! }).toString('hex'), parity.group.bytes)
  t.equal(repairs(session, ID, 2, 1, 3, 1).toString('hex'), parity.repairs.bytes)
})

t.test('its OPEN is signed as the vectors are', async t => {
  const { open } = vectors
  const destination = new Destination(bytes(open.seed), bytes(open.destination).subarray(0, 352))
  const body = openBody(session, ID, 1_700_000_000, { ...PATH, rate: 0 }, OBJECT)
  t.equal(body.toString('hex'), open.body)
  t.equal(destination.datagram(bytes(open.target), body).toString('hex'), open.datagram)
})

t.test('its exit says what it is in the line of the vectors', async t => {
  const { descriptor } = vectors
  const exit = new Destination(bytes(descriptor.seed), bytes(descriptor.destination).subarray(0, 352))
  t.equal(exit.describes([
    'action=exit', `date=${descriptor.date}`, `expires=${descriptor.expires}`, 'minwww=1', 'web=yes', 'methods=GET,HEAD', 'ports=80,443',
    'filters=denied-hosts', 'requests=3000', 'free=80', 'push=no'
  ]), descriptor.line)
})

t.test('its objects and its erasure code are those of the vectors', async t => {
  for (const name of ['identity', 'deflate', 'storedBody']) {
    t.equal(readObject(bytes(vectors.objects[name]!.bytes)).toString('latin1'), vectors.objects[name]!.text, name)
  }
  for (const { a, b, product, inverse: inverted } of vectors.field) t.strictSame([multiply(a, b), inverse(a)], [product, inverted])
  const { object, symbolLength, symbols } = vectors.erasure.small
  for (const [index, symbol] of Object.entries(symbols)) {
    t.equal(symbolOf(bytes(object), symbolLength, Number(index)).toString('hex'), symbol, `symbol ${index}`)
  }
  const three = new Map([255, 1, 3].map(index => [index, bytes(symbols[index]!)]))
  t.equal(decode(10, three).toString(), '0123456789')
})

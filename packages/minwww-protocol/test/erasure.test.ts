import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { ErasureDecoder, ErasureEncoder, MAX_OBJECT } from '../src/index.ts'

const SEED = 20_26

const shuffledIndices = fc.array(fc.double({ noNaN: true }), { minLength: 256, maxLength: 256 })
  .map(keys => keys.map((key, index) => ({ key, index })).sort((a, b) => a.key - b.key || a.index - b.index).map(({ index }) => index))

t.test('any k of the 256 symbols give the object back', async t => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.integer({ min: 12, max: 700 }), shuffledIndices,
    (object, symbolLength, indices) => {
      const encoder = new ErasureEncoder(object, symbolLength)
      const decoder = new ErasureDecoder(object.length, symbolLength)
      for (const index of indices) {
        if (decoder.complete) break
        decoder.add(index, encoder.symbol(index))
      }
      return decoder.received === encoder.k && decoder.result().equals(object)
    }
  ), { seed: seedOf(t, SEED), numRuns: 300 })
})

t.test('the largest object, with one, thirty and only parity symbols', async t => {
  const object = Buffer.from(Array.from({ length: MAX_OBJECT }, (_, i) => i * 31 + (i >> 8)))
  const encoder = new ErasureEncoder(object, 1024)
  t.equal(encoder.k, 128)
  for (const lost of [0, 1, 30, 128]) {
    const decoder = new ErasureDecoder(object.length, 1024)
    for (let index = lost; index < lost + 128; index++) decoder.add(index, encoder.symbol(index))
    t.ok(decoder.result().equals(object), `${lost} lost`)
  }
})

t.test('parity of known bytes stays what it is: both ends must agree', async t => {
  const encoder = new ErasureEncoder(Buffer.from([1, 2, 3, 4, 5, 6]), 2)
  const bytes = [3, 4, 5, 255].map(index => encoder.symbol(index).toString('hex'))
  t.strictSame(bytes, [parity(3), parity(4), parity(5), parity(255)])

  /** The definition, digit by digit. */
  function parity (row: number): string {
    const data = [[1, 2], [3, 4], [5, 6]]
    return [0, 1].map(i => data.reduce((sum, symbol, j) => sum ^ times(inverse(row ^ j), symbol[i]!), 0))
      .map(byte => byte.toString(16).padStart(2, '0')).join('')
  }
})

t.test('a decoder takes only what can belong to its object', async t => {
  const encoder = new ErasureEncoder(Buffer.alloc(100, 7), 40)
  const decoder = new ErasureDecoder(100, 40)
  t.equal(decoder.k, 3)
  t.throws(() => decoder.result(), { code: 'MINWWW_BAD_SYMBOL' })
  t.equal(decoder.add(0, Buffer.alloc(39)), false, 'another length')
  t.equal(decoder.add(256, Buffer.alloc(40)), false, 'no such index')
  t.equal(decoder.add(-1, Buffer.alloc(40)), false, 'no such index')
  t.equal(decoder.add(2, encoder.symbol(2)), true)
  t.equal(decoder.add(2, encoder.symbol(2)), false, 'twice')
  t.equal(decoder.add(9, encoder.symbol(9)), true)
  t.equal(decoder.add(200, encoder.symbol(200)), true)
  t.equal(decoder.add(1, encoder.symbol(1)), false, 'complete already')
  t.ok(decoder.result().equals(Buffer.alloc(100, 7)))
})

t.test('the front of an object is here as far as its data symbols have no gap', async t => {
  const object = Buffer.from(Array.from({ length: 100 }, (_, i) => i))
  const encoder = new ErasureEncoder(object, 40)
  const decoder = new ErasureDecoder(100, 40)
  const fronts = () => [decoder.leading, ...[0, 40, 80, 100].map(from => decoder.front(from).toString('hex'))]
  const expected = (leading: number) =>
    [leading, ...[0, 40, 80, 100].map(from => object.subarray(from, Math.max(from, leading)).toString('hex'))]
  for (const [index, leading] of [[undefined, 0], [1, 0], [0, 80], [200, 80]] as const) {
    if (index !== undefined) decoder.add(index, encoder.symbol(index))
    t.strictSame(fronts(), expected(leading), `after ${index}`)
  }
  const whole = new ErasureDecoder(100, 40)
  for (const index of [2, 0, 1]) whole.add(index, encoder.symbol(index))
  t.equal(whole.leading, 100)
  t.ok(whole.front(0).equals(object) && whole.front(80).equals(object.subarray(80)))
  t.strictSame([whole.front(100).length, whole.leading], [0, 100])
  t.equal(new ErasureDecoder(0, 40).leading, 0)
})

t.test('parity is computed once', async t => {
  const encoder = new ErasureEncoder(Buffer.alloc(100, 7), 40)
  t.equal(encoder.symbol(5), encoder.symbol(5))
})

t.test('sizes that cannot be', async t => {
  t.throws(() => new ErasureDecoder(MAX_OBJECT + 1, 60_000), { code: 'MINWWW_BAD_SYMBOL' })
  t.throws(() => new ErasureDecoder(-1, 60_000), { code: 'MINWWW_BAD_SYMBOL' })
  t.throws(() => new ErasureEncoder(Buffer.alloc(10), 5).symbol(-1), { code: 'MINWWW_BAD_SYMBOL' })
  t.equal(new ErasureDecoder(512, 2).k, 256)
  t.throws(() => new ErasureDecoder(1000, 3), { code: 'MINWWW_BAD_SYMBOL' }, '334 symbols')
  t.throws(() => new ErasureDecoder(1, 0), { code: 'MINWWW_BAD_SYMBOL' })
  t.throws(() => new ErasureEncoder(Buffer.alloc(10), 5).symbol(256), { code: 'MINWWW_BAD_SYMBOL' })
  const empty = new ErasureDecoder(0, 655)
  t.equal(empty.complete, true)
  t.equal(empty.result().length, 0)
})

function times (a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit & 1) === 1) product ^= a
    a <<= 1
    if (a > 255) a ^= 0x11d
  }
  return product
}

function inverse (a: number): number {
  return Array.from({ length: 256 }, (_, b) => b).find(b => times(a, b) === 1)!
}

import { createHash } from 'node:crypto'
import t from 'tap'
import {
  addressHash, encodePromises, encodePushed, MAX_PROMISED_URL, MAX_PROMISES, parsePushed, PUSH_IDS, splitPromises
} from '../src/promises.ts'

const MESSAGE = Buffer.from('HTTP/1.1 200 OK\r\n\r\nbody')
const BAD = { code: 'MINWWW_BAD_HTTP' }
/** Bytes in which a promise has to end. */
const MOST = MAX_PROMISED_URL + 16

const promisesOf = (count: number) => Array.from({ length: count }, (_, i) => ({ id: PUSH_IDS + i, url: `http://a.i2p/${i}` }))

t.test('promises come back as they were, with the message behind them', async t => {
  for (const count of [0, 1, 2, MAX_PROMISES]) {
    const promises = promisesOf(count)
    t.strictSame(splitPromises(Buffer.concat([encodePromises(promises), MESSAGE])), { promises, message: MESSAGE }, `${count}`)
  }
  t.equal(encodePromises([{ id: 0xffffffff, url: 'http://a.i2p/' }]).toString('latin1'), '+ffffffff http://a.i2p/\r\n')
  t.throws(() => splitPromises(Buffer.concat([encodePromises(promisesOf(MAX_PROMISES + 1)), MESSAGE])), { ...BAD, message: /promise/ })
})

t.test('what ends among promises is no message yet', async t => {
  const lines = encodePromises(promisesOf(2))
  for (let length = 0; length <= lines.length; length++) t.equal(splitPromises(lines.subarray(0, length)), undefined, `${length}`)
  t.strictSame(splitPromises(Buffer.concat([lines, MESSAGE.subarray(0, 1)])), { promises: promisesOf(2), message: MESSAGE.subarray(0, 1) })
})

t.test('a promise has an end within its bound', async t => {
  const begin = '+80000000 http://'
  const open = (length: number) => Buffer.from(begin + 'a'.repeat(length - begin.length))
  t.equal(splitPromises(open(MOST)), undefined, 'it may still come')
  t.throws(() => splitPromises(open(MOST + 1)), { ...BAD, message: /without an end/ })
  const longest = MOST - begin.length - 2
  const closed = (length: number) => Buffer.concat([Buffer.from(`${begin}${'a'.repeat(length)}\r\n`), MESSAGE])
  t.equal(splitPromises(closed(longest))?.promises[0]?.url, `http://${'a'.repeat(longest)}`)
  t.throws(() => splitPromises(closed(longest + 1)), BAD)
  // The bound is that of each one, not of all.
  const second = Buffer.concat([encodePromises(promisesOf(1)), open(MOST)])
  t.equal(splitPromises(second), undefined)
  t.throws(() => splitPromises(Buffer.concat([second, Buffer.from('a')])), BAD)
  t.equal(splitPromises(Buffer.concat([encodePromises(promisesOf(1)), closed(longest)]))?.promises.length, 2)
})

t.test('a line that is no promise is refused', async t => {
  for (const line of [
    '+70000000 http://a.i2p/', '+8000000 http://a.i2p/', '+800000000 http://a.i2p/', '+8000000A http://a.i2p/', '+80000000 http://',
    '+80000000 https://a.i2p/', '+80000000  http://a.i2p/', '+80000000 http://a.i2p/ b', '+80000000 http://a.i2p/\u00e4',
    '+80000000 http://a.i2p/\n', '++80000000 http://a.i2p/'
  ]) t.throws(() => splitPromises(Buffer.concat([Buffer.from(`${line}\r\n`, 'latin1'), MESSAGE])), BAD, line)
  for (const id of ['80000000', '9fffffff', 'a0000000', 'f0123456']) {
    t.equal(splitPromises(Buffer.from(`+${id} http://a.i2p/\r\nH`))?.promises[0]?.id, Number.parseInt(id, 16))
  }
})

t.test('the object of a push says what it answers', async t => {
  const url = 'http://a.i2p/style.css'
  const headers: Array<[string, string]> = [['Host', 'a.i2p'], ['Accept-Encoding', 'gzip']]
  const promises = promisesOf(2)
  const whole = { url, headers, promises, message: MESSAGE }
  t.strictSame(parsePushed(encodePushed(url, headers, Buffer.concat([encodePromises(promises), MESSAGE]))), whole)
  t.strictSame(parsePushed(encodePushed(url, headers, MESSAGE)), { ...whole, promises: [] })
  const bare = encodePushed(url, headers, Buffer.alloc(0))
  for (let length = 0; length <= bare.length; length++) t.throws(() => parsePushed(bare.subarray(0, length)), BAD, `${length}`)
  const post = Buffer.from(bare.toString('latin1').replace('GET', 'POST'), 'latin1')
  t.throws(() => parsePushed(Buffer.concat([post, MESSAGE])), { ...BAD, message: /no response/ })
})

t.test('an address in a digest is the beginning of its hash', async t => {
  t.strictSame(addressHash('http://a.i2p/'), createHash('sha256').update('http://a.i2p/').digest().subarray(0, 3))
})

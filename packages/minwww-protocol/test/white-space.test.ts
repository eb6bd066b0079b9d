import { SeededRandom } from '@minwww/testkit'
import t from 'tap'
import { parseRequest, parseResponse, trimWhiteSpace } from '../src/index.ts'

t.test('the ends of a text lose their white space, and nothing else changes', async t => {
  const random = new SeededRandom(9)
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: random.below(12) }, () => random.pick(['\t', ' ', 'a', ':', '\r'])).join('')
    if (trimWhiteSpace(text) !== text.replace(/^[\t ]+|[\t ]+$/g, '')) t.fail(JSON.stringify(text))
  }
})

t.test('a field that is one long run costs no time', async t => {
  const began = performance.now()
  for (let i = 0; i < 20; i++) {
    for (const character of [' ', '\t', '.', ',']) {
      const run = `a${character.repeat(31_000)}b`
      t.equal(parseRequest(Buffer.from(`GET http://a.i2p/ HTTP/1.1\r\nX: ${run}\r\n\r\n`)).headers[0]?.[1], run)
      t.equal(parseResponse(Buffer.from(`HTTP/1.1 200 OK\r\nX: ${run}\r\nContent-Length: 0\r\n\r\n`)).headers[0]?.[1], run)
    }
  }
  t.ok(performance.now() - began < 8_000, `${Math.round(performance.now() - began)} ms; each of 80 with white space took 400 and more`)
})

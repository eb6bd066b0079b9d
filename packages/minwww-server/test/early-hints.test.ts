// A whole exit in virtual time, with a site on this machine that says 103 (Early Hints) before its page.
import { createServer } from 'node:net'
import { decodeObject, encodeRate, MAX_RESPONSE, splitPromises } from '@minwww/protocol'
import t, { type Test } from 'tap'
import { MAX_HINTS } from '../src/exit/responder.ts'
import { loadWithPushes } from './support/whole-exit.ts'

/** A page of one reply in one symbol, that names nothing. */
const PAGE = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello'
const PUSHED = 'HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 2\r\n\r\n{}'

const hints = (...links: string[]): string => `HTTP/1.1 103 Early Hints\r\n${links.map(link => `Link: ${link}\r\n`).join('')}\r\n`

/** What the exit answers to a client of it that takes pushes, whose site says `said` to a request for its page. */
async function answerTo (t: Test, said: string, budget = encodeRate(1e6)) {
  const asked: string[] = []
  const site = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', data => {
      const path = /^GET (\S+)/.exec(data.toString())?.[1] ?? ''
      asked.push(path)
      socket.write(path === '/' ? said : PUSHED)
    })
  })
  const { exit, messages } = await loadWithPushes(t, site, budget)
  const reply = messages.find(({ type, id }) => type === 'reply' && id === 2)
  if (reply?.type !== 'reply') throw new Error('no answer')
  const { promises, message } = splitPromises(decodeObject(reply.symbol.subarray(0, reply.size), MAX_RESPONSE))!
  return { promises: promises.map(({ url }) => url), message: message.toString('latin1'), asked, pushed: exit.stats.pushes.sent }
}

t.test('what a 103 names is promised with the page, and pushed', async t => {
  const link = '</a.css>; rel=preload; as=style'
  const { promises, message, asked, pushed } = await answerTo(t, hints(link) + hints('</b.js>; rel=preload; as=script', link) + PAGE)
  t.strictSame(promises, ['http://site.i2p/a.css', 'http://site.i2p/b.js'])
  t.strictSame(asked.sort(), ['/', '/a.css', '/b.js', '/before'])
  t.equal(pushed, 2)
  t.notMatch(message, /Link|103/, 'and is no field of the answer')
})

t.test('nothing is promised without a 103, by another interim answer, for another host, or to who takes no pushes', async t => {
  const other = 'HTTP/1.1 102 Processing\r\nLink: </a.css>; rel=preload; as=style\r\n\r\n'
  for (const said of ['', other, hints('<http://other.i2p/a.css>; rel=preload; as=style'), hints('</a>; rel=next')]) {
    t.strictSame((await answerTo(t, said + PAGE)).promises, [])
  }
  t.strictSame((await answerTo(t, hints('</a.css>; rel=preload; as=style') + PAGE, 0)).promises, [])
})

t.test('of hints without an end a few are kept', async t => {
  const link = (n: number): string => `</${n}-${'x'.repeat(1_000)}.css>; rel=preload; as=style`
  const many = Array.from({ length: 12 }, (_, n) => hints(...Array.from({ length: 40 }, (_, i) => link(40 * n + i))))
  const { promises } = await answerTo(t, many.join('') + PAGE)
  t.ok(promises.length > 10 && promises.length <= MAX_HINTS / 1_000, `${promises.length} promises`)
})

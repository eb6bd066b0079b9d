// A whole exit in virtual time, with a site on this machine whose page has a large picture: it is refused by its length, unread.
import { createServer } from 'node:http'
import { decodeMessage, encodeRate, ERROR_CODES, PUSH_IDS } from '@minwww/protocol'
import t from 'tap'
import { wholeExit } from './support/whole-exit.ts'

const STEP = 20
const STEPS = 50
const SIZE = 30_000_000

t.test('what is too large to be pushed is refused by its Content-Length, with its size, and not read', async t => {
  const asked: string[] = []
  const site = createServer(({ url = '' }, response) => {
    asked.push(url)
    if (url === '/large.png') response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': SIZE }).write(Buffer.alloc(200_000))
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><img src=/large.png>')
  })
  const { exit, client, clock, session, facts: plain } = await wholeExit(t, site)
  const facts = (path: string) => ({ ...plain(path), push: { budget: encodeRate(1e6), digest: Buffer.alloc(0) } })
  const pass = async (): Promise<void> => {
    for (let step = 0; step < STEPS; step++) {
      clock.advance(STEP)
      do await new Promise(resolve => setImmediate(resolve)); while (exit.stats.running > 0)
    }
  }
  // Who has not answered yet is sent nothing that it did not ask for.
  client.open(1, facts('/before'))
  await pass()
  client.request(2, facts('/'))
  await pass()
  const messages = session.sent.map(({ payload }) => decodeMessage(payload, client.session.server))
  const errors = messages.filter(message => message.type === 'error')
  t.match(errors, [{ code: ERROR_CODES['too-large'], size: SIZE }])
  t.ok(errors[0]!.id >= PUSH_IDS)
  t.strictSame(asked.sort(), ['/', '/before', '/large.png'])
  t.ok(exit.stats.bytesIn < 1_000, `${exit.stats.bytesIn} bytes count`)
})

// A whole exit in virtual time, with a site on this machine whose page has a large picture: it is refused by its length, unread.
import { createServer } from 'node:http'
import { ERROR_CODES, PUSH_IDS } from '@minwww/protocol'
import t from 'tap'
import { loadWithPushes } from './support/whole-exit.ts'

const SIZE = 30_000_000

t.test('what is too large to be pushed is refused by its Content-Length, with its size, and not read', async t => {
  const asked: string[] = []
  const site = createServer(({ url = '' }, response) => {
    asked.push(url)
    if (url === '/large.png') response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': SIZE }).write(Buffer.alloc(200_000))
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><img src=/large.png>')
  })
  const { exit, messages } = await loadWithPushes(t, site)
  const errors = messages.filter(message => message.type === 'error')
  t.match(errors, [{ code: ERROR_CODES['too-large'], size: SIZE }])
  t.ok(errors[0]!.id >= PUSH_IDS)
  t.strictSame(asked.sort(), ['/', '/before', '/large.png'])
  t.ok(exit.stats.bytesIn < 1_000, `${exit.stats.bytesIn} bytes count`)
})

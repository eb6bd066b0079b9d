// What an exit says of itself, over messages and over streams.
import t, { type Test } from 'tap'
import { settle, VirtualClock } from '@minwww/testkit'
import { LocalDestination } from '@minwww/i2cp/codec'
import { encodeRequestHead, parseStatement, type ExitDescriptor } from '@minwww/protocol'
import { verifyStatement } from '../../minwww-client/src/lists/core/verify.ts'
import { createExit, revoke, type ExitOptions } from '../src/index.ts'
import { freeShare } from '../src/exit/descriptor.ts'
import { FakeCore, FakeSession, keysOf } from './support/exit.ts'
import { FakeStreams, over } from './support/streams.ts'

const client = keysOf(7).destination
const DAY = 86_400_000
const NOW = 1_790_000_000_000

async function start (t: Test, options: Partial<ExitOptions> = {}) {
  const core = new FakeCore()
  const session = new FakeSession()
  const streams = new FakeStreams()
  const clock = new VirtualClock(NOW)
  const exit = await createExit({ session, streams, createCore: () => core, clock, ...options })
  t.teardown(async () => { await exit.close() })
  let handle = 0
  return {
    exit,
    clock,
    byMessage: async (message = encodeRequestHead({ method: 'GET', url: 'minwww://exit/descriptor', headers: [['Host', 'minwww']] })) => {
      core.ask({ type: 'fetch', handle: ++handle, message, from: client, deadline: Infinity })
      session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
      return (await core.answered(handle)).at(-1)!
    },
    byStream: async (path: string, host: string, method = 'GET') => await over(streams.open(client), path, { method, headers: { host } })
  }
}

const bodyOf = (answer: object): string => (answer as { response: { body: Buffer } }).response.body.toString()

t.test('the same line by message and by stream, signed by the exit', async t => {
  const { exit, byMessage, byStream } = await start(t, {
    contact: 'ops@example.i2p',
    ports: [443],
    policy: { methods: ['GET', 'HEAD'], denyHosts: ['ads.example'], denyContentTypes: ['video/*'], maxResponse: 5_000 },
    bandwidth: { out: 100_000, quotaDay: 1e9 }
  })
  const line = bodyOf(await byMessage()).trimEnd()
  const { statement } = verifyStatement(line, NOW)
  t.match(statement, {
    kind: 'exit',
    b32: exit.destination.b32,
    date: NOW / 1_000,
    expires: NOW / 1_000 + 7 * 86_400,
    versions: [1],
    web: true,
    methods: ['GET', 'HEAD'],
    ports: [443],
    filters: ['denied-hosts', 'denied-types'],
    maxResponse: 5_000,
    rate: 100_000,
    requests: 3_000,
    free: 100,
    pushes: true,
    contact: 'ops@example.i2p'
  })
  t.equal(exit.descriptor, line)
  for (const [path, host] of [
    ['minwww://exit/descriptor', 'minwww'], ['/.well-known/minwww-exit', exit.destination.b32],
    [`http://${exit.destination.b32}/.well-known/minwww-exit`, exit.destination.b32]
  ] as const) {
    const answer = await byStream(path, host)
    t.match(answer, { status: 200, headers: { 'content-type': 'text/plain; charset=us-ascii', 'cache-control': 'no-store' } })
    t.equal(answer.body.toString(), `${line}\n`, path)
  }
  t.match(await byStream('minwww://exit/descriptor', 'minwww', 'HEAD'), { status: 200, body: Buffer.alloc(0) })
})

t.test('it is asked for like everything else: limits, lists and methods hold', async t => {
  const { byMessage, byStream } = await start(t, { policy: { denyDestinations: [client.b32] } })
  t.match(await byMessage(), { failed: 'policy' })
  t.equal((await byStream('minwww://exit/descriptor', 'minwww')).status, 403)
  const other = await start(t)
  t.match(await other.byMessage(encodeRequestHead({ method: 'POST', url: 'minwww://exit/descriptor', headers: [] })), { failed: 'policy' })
  t.equal((await other.byStream('minwww://exit/other', 'minwww')).status, 403)
  t.equal((await other.byStream('/.well-known/minwww-exit', 'other.i2p')).status, 403, "somebody else's path is a site's")
})

t.test('it is signed anew after a minute and after a reload, and not more often', async t => {
  const { exit, clock } = await start(t)
  const first = exit.descriptor
  clock.advance(59_000)
  t.equal(exit.descriptor, first)
  clock.advance(2_000)
  const second = exit.descriptor
  t.not(second, first)
  await exit.reload({ ports: [8080], policy: { web: false } })
  t.match(parseStatement(exit.descriptor).statement, { ports: [8080], web: false })
  await settle()
})

t.test('lists that are too long are told in part', async t => {
  const { exit } = await start(t, { ports: Array.from({ length: 300 }, (_, i) => i + 1) })
  t.equal((parseStatement(exit.descriptor).statement as ExitDescriptor).ports.length, 64)
})

t.test('a contact that breaks the line is refused at the start', async t => {
  for (const contact of ['a#sig=x', 'two\nlines', 'ü', 'x'.repeat(129)]) {
    await t.rejects(createExit({ session: new FakeSession(), createCore: () => new FakeCore(), contact }), {
      code: 'MINWWW_EXIT_BAD_OPTION'
    })
  }
})

t.test('the free share is that of what is scarcest, in steps', async t => {
  t.equal(freeShare(1, 1, 1), 100)
  t.equal(freeShare(1, 0.51, 1), 60)
  t.equal(freeShare(1, 1, -3), 0)
})

t.test('who reads it: forged, expired, early, with keys of every kind', async t => {
  const { exit } = await start(t)
  const line = exit.descriptor
  const refused = (text: string, at: number, words: RegExp): void => {
    t.throws(() => verifyStatement(text, at), { code: 'MINWWW_BAD_DESCRIPTOR', message: words }, String(words))
  }
  refused(line.replace('web=yes', 'web=no'), NOW, /signature/)
  refused(line.replace(/ports=[^#]*/, 'ports=25'), NOW, /signature/)
  refused(line.replace(exit.destination.b32, keysOf(9).destination.b32), NOW, /address/)
  refused(line.replace(exit.destination.base64, keysOf(9).destination.base64), NOW, /address/)
  refused(
    line.replace(exit.destination.base64, keysOf(9).destination.base64).replace(exit.destination.b32, keysOf(9).destination.b32),
    NOW,
    /signature/
  )
  refused(line.replace(/sig=.*/, 'sig=AAAA'), NOW, /signature/)
  refused(line, NOW + 7 * DAY, /expired/)
  refused(line, NOW - 2 * 3_600_000 - 1_000, /future/)
  for (const hours of [-1, 1]) t.ok(verifyStatement(line, NOW + hours * 3_600_000), `a clock that is ${hours} h off`)

  for (const type of [7, 11]) {
    const keys = LocalDestination.generate(length => Buffer.alloc(length, 20 + type), type)
    t.match(verifyStatement(revoke(keys, NOW / 1_000), NOW), { statement: { kind: 'revoked' } }, `type ${type}`)
    const offline = keys.toOffline(NOW / 1_000 + 3_600)
    const signed = revoke(offline, NOW / 1_000)
    t.match(
      verifyStatement(signed, NOW),
      { statement: { kind: 'revoked', expires: NOW / 1_000 + 3_600 } },
      'a transient key, and no longer than it'
    )
    refused(signed, NOW + 3_601_000, /expired/)
    refused(signed.replace(/#offline=[^#]*/, ''), NOW, /signature/)
    const stranger = LocalDestination.generate(length => Buffer.alloc(length, 50)).toOffline(NOW / 1_000 + 3_600)
    const borrowed = revoke(stranger, NOW / 1_000)
      .replace(stranger.destination.b32, keys.destination.b32)
      .replace(stranger.destination.base64, keys.destination.base64)
    refused(borrowed, NOW, /signature|offline/)
  }
})

// Downloads that go on elsewhere: the same bytes or none.
import t from 'tap'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import type { SiteRequest } from '../src/http/answer.ts'
import type { ExitStatus } from '../src/core.ts'
import { ProxyError } from '../src/http/failures.ts'
import type { Fields } from '../src/http/fields.ts'
import { resuming } from '../src/route/resume.ts'
import { patienceForBody, patienceForHead, patienceOf, whileHeard } from '../src/route/standstill.ts'
import { StreamFailure, type StreamAnswer } from '../src/route/stream-path.ts'

const CONTENT = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i * 7 & 0xff))
const TAG = '"v1"'
const BROKEN = new ProxyError('MINWWW_CONNECTION_FAILED', 'broken')
const WHOLE: Fields = [['ETag', TAG], ['Content-Length', String(CONTENT.length)], ['Accept-Ranges', 'bytes']]

const request = (fields: Fields = [], method = 'GET'): SiteRequest =>
  ({ method, target: {} as SiteRequest['target'], fields, signal: new AbortController().signal })

/** Bytes from..to in pieces, then what `end` says: the end, an error, or nothing more. */
function body (from: number, to: number, end: 'ends' | 'breaks' | 'stands'): Readable {
  let at = from
  return new Readable({
    read () {
      if (at < to) this.push(CONTENT.subarray(at, at = Math.min(to, at + 700)))
      else if (end === 'ends') this.push(null)
      else if (end === 'breaks') this.destroy(BROKEN)
    }
  })
}

const answer = (received: Fields, content: Readable | Buffer, status = 200, exit = 'one'): StreamAnswer =>
  ({ status, reason: '', fields: received, received, body: content, path: 'stream', exit })

const rest = (from: number, content: Readable, fields: Fields = [['ETag', TAG], ['Content-Range', `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`]], status = 206): StreamAnswer =>
  answer(fields, content, status, 'two')

const rangeOf = (asked: SiteRequest): number => Number(/^bytes=(\d+)-$/.exec(asked.fields.find(([name]) => name === 'Range')?.[1] ?? '')?.[1])

const read = async (from: StreamAnswer): Promise<Buffer> => await buffer(from.body as Readable)

t.test('a body that breaks off up to three times arrives whole', async t => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: CONTENT.length - 1 }), { maxLength: 3 }), async cuts => {
    const ends = [...cuts].sort((a, b) => a - b)
    const asked: SiteRequest[] = []
    const next = (from: number): Readable => ends.length > 0 ? body(from, ends.shift()!, 'breaks') : body(from, CONTENT.length, 'ends')
    const whole = await read(resuming(request([['If-None-Match', '"old"'], ['Cookie', 'a=b']]), answer(WHOLE, next(0)), async (again, failed) => {
      asked.push(again)
      if (failed.exit !== (asked.length === 1 ? 'one' : 'two')) throw new Error('told the wrong exit')
      return rest(rangeOf(again), next(rangeOf(again)))
    }))
    return whole.equals(CONTENT) && asked.length === cuts.length &&
      asked.every(({ fields }) => fields.some(([name, value]) => name === 'If-Range' && value === TAG) && fields.some(([name]) => name === 'Cookie') && !fields.some(([name]) => name === 'If-None-Match'))
  }), { numRuns: 200 })
})

t.test('the fourth break is the end', async t => {
  let asked = 0
  const broken = resuming(request(), answer(WHOLE, body(0, 700, 'breaks')), async again => {
    asked++
    return rest(rangeOf(again), body(rangeOf(again), rangeOf(again) + 700, 'breaks'))
  })
  await t.rejects(read(broken), BROKEN)
  t.equal(asked, 3)
})

t.test('a stream that stands still is given up', async t => {
  const stalled = body(0, 1_400, 'stands')
  const goesOn = async (again: SiteRequest): Promise<StreamAnswer> => rest(rangeOf(again), body(rangeOf(again), CONTENT.length, 'ends'))
  const whole = await read(resuming(request(), answer(WHOLE, stalled), goesOn, () => ({ doubt: 1, standstill: 1 })))
  t.ok(whole.equals(CONTENT))
  t.ok(stalled.destroyed)
  t.strictSame([20, 1_000, 2_000, 10_000, undefined].map(patienceOf), [
    { doubt: 2_000, standstill: 15_000 }, { doubt: 6_000, standstill: 15_000 }, { doubt: 12_000, standstill: 20_000 },
    { doubt: 15_000, standstill: 30_000 }, { doubt: 15_000, standstill: 30_000 }
  ], 'after six and ten round trips, within bounds')
})

t.test('a stream that stands still is given up at once where its exit does not answer a probe', async t => {
  const stalled = [body(0, 1_400, 'stands'), body(1_400, 2_100, 'stands')]
  const asked: string[] = []
  const probes: string[] = []
  const whole = await read(resuming(request(), answer(WHOLE, stalled[0]!), async (again, { exit }) => {
    asked.push(exit!)
    const from = rangeOf(again)
    return rest(from, from === 1_400 ? stalled[1]! : body(from, CONTENT.length, 'ends'))
  }, ({ exit }) => ({
    doubt: 4, standstill: 60_000, probe: () => { probes.push(exit!) }, isSilent: () => probes.includes(exit!)
  })))
  t.ok(whole.equals(CONTENT))
  t.strictSame(asked, ['one', 'two'])
  t.strictSame(probes, ['one', 'two'], 'each is asked once')
})

t.test('what exits answer tells whether to wait on for a stream that stands still', t => {
  const asked: string[] = []
  const watched = (own: Partial<ExitStatus>, other: ExitStatus['state'], patience = patienceForBody) => {
    const exits = [{ id: 'own', state: 'ready', successes: 1, srtt: 20, ...own }, { id: 'other', state: other }] as ExitStatus[]
    const at = (...states: Array<ExitStatus['state']>): boolean[] => states.map(state => {
      Object.assign(exits[0]!, { state })
      return made.isSilent!()
    })
    const made = patience(() => exits, 'own', () => { asked.push('own') })
    return { made, at }
  }
  const headOf = (others: readonly string[]): typeof patienceForBody => (exits, id, probe) => patienceForHead(exits, id, probe, others)
  for (const patience of [patienceForBody, headOf(['other'])]) {
    t.strictSame(watched({}, 'ready', patience).at('ready', 'probation', 'down'), [false, true, true], 'another one is well')
    t.strictSame(watched({}, 'down', patience).at('ready', 'probation', 'down'), [false, false, false], 'nobody is')
    t.strictSame(watched({ successes: 0 }, 'ready', patience).made, { doubt: 2_000, standstill: 15_000 }, 'it may answer streams only')
    t.strictSame(patience(() => [], 'own', () => {}), patienceOf(), 'it is none of ours')
  }
  const body = watched({}, 'down')
  t.strictSame(body.at('down', 'ready', 'ready'), [false, true, true], 'it is well again, and nothing came on the stream')
  body.made.probe!()
  t.strictSame([body.at('ready', 'probing'), asked], [[false, false], ['own']], 'something came since then, and stands still anew')
  t.strictSame(watched({}, 'down', headOf(['other'])).at('down', 'ready'), [false, false], 'nobody else would be asked')
  t.strictSame(watched({}, 'ready', headOf(['third'])).at('down'), [false], 'who is well would not be asked for it')
  t.end()
})

t.test('a stream of a slow site goes on where its exit answers the probe', async t => {
  const slow = new Readable({ read () {} })
  slow.push(CONTENT.subarray(0, 700))
  let looks = 0
  const isSilent = (): boolean => {
    if (++looks === 3) {
      slow.push(CONTENT.subarray(700))
      slow.push(null)
    }
    return false
  }
  const never = async (): Promise<StreamAnswer> => { throw new Error('must not be asked') }
  const whole = await read(resuming(request(), answer(WHOLE, slow), never, () => ({ doubt: 4, standstill: 60_000, isSilent })))
  t.ok(whole.equals(CONTENT))
  t.equal(looks, 3)
})

t.test('an exit that answers no probe is not waited for until its answer is due', async t => {
  const { signal } = new AbortController()
  const untilAborted = async (signal: AbortSignal): Promise<never> => await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')), { once: true })
  })
  let probes = 0
  const patience = { doubt: 4, standstill: 4, probe: () => { probes++ } }
  const failure = await whileHeard({ ...patience, isSilent: () => probes > 0 }, signal, untilAborted).catch((error: unknown) => error)
  t.type(failure, StreamFailure)
  t.match(failure, { code: 'MINWWW_TIMEOUT', harmless: true, silent: true })
  let looks = 0
  let answer: ((text: string) => void) | undefined
  const isSilent = (): boolean => {
    if (++looks === 3) answer?.('late')
    return false
  }
  const late = await whileHeard({ ...patience, isSilent }, signal, async () => await new Promise<string>(resolve => { answer = resolve }))
  t.equal(late, 'late', 'who answers probes is waited for, whatever the time')
})

t.test('what may be something else is not joined', async t => {
  const range = `bytes 700-${CONTENT.length - 1}/${CONTENT.length}`
  const others: Record<string, StreamAnswer> = {
    'the whole of a new version': rest(700, body(0, CONTENT.length, 'ends'), [['ETag', '"v2"'], ['Content-Length', String(CONTENT.length)]], 200),
    'another validator': rest(700, body(700, CONTENT.length, 'ends'), [['ETag', '"v2"'], ['Content-Range', range]]),
    'no validator': rest(700, body(700, CONTENT.length, 'ends'), [['Content-Range', range]]),
    'another part': rest(700, body(701, CONTENT.length, 'ends'), [['ETag', TAG], ['Content-Range', `bytes 701-${CONTENT.length - 1}/${CONTENT.length}`]]),
    'another length': rest(700, body(700, CONTENT.length, 'ends'), [['ETag', TAG], ['Content-Range', `${range}0`]]),
    'an error': rest(700, body(0, 10, 'ends'), [], 404),
    'no body': answer([['ETag', TAG], ['Content-Range', range]], Buffer.alloc(0), 206)
  }
  for (const [name, other] of Object.entries(others)) {
    await t.rejects(read(resuming(request(), answer(WHOLE, body(0, 700, 'breaks')), async () => other)), BROKEN, name)
    if (!Buffer.isBuffer(other.body)) t.ok(other.body.destroyed, `${name}: its stream is closed`)
  }
  await t.rejects(read(resuming(request(), answer(WHOLE, body(0, 700, 'breaks')), async () => { throw new Error('nobody') })), BROKEN, 'nobody answers')
})

t.test('a rest that is longer than it says breaks off', async t => {
  const long = Readable.from([CONTENT.subarray(700), Buffer.from('HTTP/1.1 200 OK')], { objectMode: false })
  await t.rejects(read(resuming(request(), answer(WHOLE, body(0, 700, 'breaks')), async () => rest(700, long))), { code: 'MINWWW_BAD_UPSTREAM' })
})

t.test('answers without what it takes stay as they are', async t => {
  const without = (name: string, ...more: Fields): Fields => [...WHOLE.filter(field => field[0] !== name), ...more]
  const never = async (): Promise<StreamAnswer> => { throw new Error('must not be asked') }
  const content = body(0, CONTENT.length, 'ends')
  const plain: Record<string, [SiteRequest, StreamAnswer]> = {
    'no validator': [request(), answer(without('ETag'), content)],
    'a weak validator': [request(), answer(without('ETag', ['ETag', `W/${TAG}`]), content)],
    'two validators': [request(), answer([...WHOLE, ['ETag', TAG]], content)],
    'no length': [request(), answer(without('Content-Length'), content)],
    'no ranges': [request(), answer(without('Accept-Ranges', ['Accept-Ranges', 'none']), content)],
    'a part': [request([['Range', 'bytes=0-']]), answer(WHOLE, content, 206)],
    'a range that is not taken': [request([['range', 'bytes=0-']]), answer(WHOLE, content)],
    'a POST': [request([], 'POST'), answer(WHOLE, content)],
    'an error page': [request(), answer(WHOLE, content, 404)]
  }
  for (const [name, [asked, given]] of Object.entries(plain)) t.equal(resuming(asked, given, never), given, name)
})

t.test('who leaves closes the stream and asks nobody', async t => {
  const source = body(0, 1_400, 'stands')
  const abort = new AbortController()
  let asked = 0
  const given = resuming({ ...request(), signal: abort.signal }, answer(WHOLE, source), async () => { asked++; return rest(0, body(0, 0, 'ends')) })
  const reading = read(given)
  abort.abort()
  source.destroy(BROKEN)
  await t.rejects(reading, BROKEN)
  t.equal(asked, 0)

  const unread = body(0, 1_400, 'stands')
  const left = resuming(request(), answer(WHOLE, unread), async () => { asked++; return rest(0, body(0, 0, 'ends')) }).body as Readable
  left.destroy()
  await new Promise(resolve => left.once('close', resolve))
  t.ok(unread.destroyed)
  t.equal(asked, 0)
})

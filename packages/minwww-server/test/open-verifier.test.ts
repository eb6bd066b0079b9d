import { encodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import { encodeObject, encodeOpenBody, encodeRequestHead, sessionKeys, type OpenMessage } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG, type ServerConfig } from '../src/core/config.ts'
import { OpenVerifier } from '../src/core/open-verifier.ts'
import { Session } from '../src/core/session.ts'
import { SessionTable } from '../src/core/session-table.ts'
import { emptyStats, type ServerStats } from '../src/core/types.ts'

const exit = LocalDestination.generate(seeded('exit'))
const [alice, bob] = [LocalDestination.generate(seeded('alice')), LocalDestination.generate(seeded('bob'))]
const SECRET = seeded('secret')(16)
const OBJECT = encodeObject(encodeRequestHead({ method: 'GET', url: 'http://site.i2p/', headers: [] }), { kind: 'request' })
const TOLERANCE = DEFAULT_CONFIG.clockTolerance

type Facts = Partial<Pick<OpenMessage, 'id' | 'attempt' | 'time' | 'key' | 'session'>>

function openOf (from: LocalDestination, facts: Facts = {}, to = exit): Buffer {
  const key = facts.key ?? SECRET
  const { session } = sessionKeys(key)
  const fields = { attempt: 0, flags: 0, session, id: 1, time: EPOCH / 1_000, key, loss: 0, rate: 0, max: 72, shape: 8 }
  return encodeDatagram2(from, to.destination.hash, encodeOpenBody({ type: 'open', ...fields, object: OBJECT, ...facts }, 1_300))
}

function world (config: Partial<ServerConfig> = {}, now = EPOCH, offset = 0) {
  const whole = { ...DEFAULT_CONFIG, ...config }
  const sessions = new SessionTable(whole)
  const stats = emptyStats()
  const clock = { offset }
  const verifier = new OpenVerifier(now, { keys: exit, config: whole, sessions, stats, clockOffset: () => clock.offset })
  const sessionOf = (of: LocalDestination, key = SECRET): Session => {
    const session = new Session(now, of.destination, sessionKeys(key), whole, sessions.peerOf(of.destination))
    sessions.add(session)
    return session
  }
  /** What is counted beside, '' for an OPEN that is admitted. */
  const verdict = (payload: Buffer, at = now): string => {
    const before = { ...stats }
    const admitted = verifier.admit(at, payload)
    const counted = (Object.keys(stats) as Array<keyof ServerStats>).filter(name => stats[name] !== before[name])
    for (const name of counted) if (stats[name] - before[name] !== 1) counted.push(name)
    return admitted === undefined ? counted.join() || 'nothing' : counted.join()
  }
  return { verifier, sessions, stats, clock, sessionOf, verdict }
}

t.test('an OPEN that is all it claims to be', async t => {
  const { verifier, sessionOf } = world()
  const admitted = verifier.admit(EPOCH, openOf(alice, { attempt: 2 }))
  t.ok(admitted?.from.equals(alice.destination))
  t.match(admitted, { open: { id: 1, attempt: 2 }, session: undefined, entry: { attempt: 2, seenAt: EPOCH, isFetched: false } })
  const session = sessionOf(alice)
  const again = verifier.admit(EPOCH + 1, openOf(alice, { attempt: 3 }))
  t.equal(again?.session, session)
  t.equal(again?.entry, admitted?.entry)
  t.equal(verifier.nextTimeout(), EPOCH + 1 + 2 * TOLERANCE)
  verifier.handleTimeout(EPOCH + 1 + 2 * TOLERANCE)
  t.equal(verifier.nextTimeout(), undefined)
})

t.test('what is refused, and as what', async t => {
  const broken = openOf(alice)
  broken[broken.length - 1]! ^= 1
  const rows: Array<[payload: Buffer, verdict: string]> = [
    [openOf(alice), ''], [Buffer.alloc(0), 'malformed'], [Buffer.alloc(2_000), 'malformed'], [openOf(alice).subarray(0, 500), 'malformed'],
    [encodeDatagram2(alice, exit.destination.hash, Buffer.from('no OPEN')), 'malformed'],
    [openOf(alice, { session: sessionKeys(seeded('another')(16)).session }), 'malformed'],
    [openOf(alice, { time: (EPOCH + TOLERANCE) / 1_000 }), ''], [openOf(alice, { time: (EPOCH + TOLERANCE) / 1_000 + 1 }), 'malformed'],
    [openOf(alice.toOffline(EPOCH / 1_000 + 3_600)), 'malformed'], [openOf(alice, {}, bob), 'badSignatures'], [broken, 'badSignatures']
  ]
  for (const [payload, verdict] of rows) t.equal(world().verdict(payload), verdict)
})

t.test('the time: within the tolerance, by the router\'s clock, and not from before the start', async t => {
  const MINUTE = 60_000
  const rows: Array<[time: number, now: number, offset: number, verdict: string]> = [
    [0, 0, 0, ''], [0, TOLERANCE, 0, ''], [0, TOLERANCE + 1, 0, 'malformed'], [-1_000, 0, 0, 'early'], [-1_000, 999, 0, 'early'],
    [MINUTE, 0, MINUTE, ''], [0, 0, MINUTE, 'early'], [0, 0, -MINUTE, ''], [-MINUTE, 0, -MINUTE, ''],
    [-MINUTE - 1_000, 0, -MINUTE, 'early'],
    [TOLERANCE + MINUTE, 0, MINUTE, ''], [TOLERANCE + MINUTE + 1_000, 0, MINUTE, 'malformed']
  ]
  for (const [time, now, offset, verdict] of rows) {
    const open = openOf(alice, { time: (EPOCH + time) / 1_000 })
    t.equal(world({}, EPOCH, offset).verdict(open, EPOCH + now), verdict, `${time} ${now} ${offset}`)
  }
  const started = world({}, EPOCH + 999)
  t.equal(started.verdict(openOf(alice)), '', 'the second in which it started counts')
  const later = world({}, EPOCH, -MINUTE)
  later.clock.offset = 0
  t.equal(later.verdict(openOf(alice, { time: EPOCH / 1_000 - 1 })), 'early', 'by the present offset')
})

t.test('an OPEN counts once, unless its attempt rises; of another session, id or Destination it is another', async t => {
  const { verdict, verifier } = world()
  const other = seeded('another')(16)
  const rows: Array<[from: LocalDestination, facts: Facts, verdict: string]> = [
    [alice, { attempt: 1 }, ''], [alice, { attempt: 1 }, 'replayed'], [alice, { attempt: 0 }, 'replayed'], [alice, { attempt: 2 }, ''],
    [alice, { attempt: 1 }, 'replayed'], [alice, { id: 2 }, ''], [alice, { key: other }, ''], [bob, {}, '']
  ]
  for (const [from, facts, expected] of rows) t.equal(verdict(openOf(from, facts)), expected, JSON.stringify(facts))
  verifier.handleTimeout(EPOCH + 2 * TOLERANCE - 1)
  t.equal(verdict(openOf(alice)), 'replayed', 'for as long as its time could pass')
  const unsigned = world()
  t.equal(unsigned.verdict(openOf(alice, {}, bob)), 'badSignatures')
  t.equal(unsigned.verdict(openOf(alice)), '', 'a bad signature is not remembered')
})

t.test('a session id belongs to the Destination that opened it', async t => {
  const { verdict, sessionOf } = world()
  sessionOf(alice)
  t.equal(verdict(openOf(bob)), 'stolen')
  t.equal(verdict(openOf(alice)), '')
})

t.test('so many signatures a second, for who has a session and for all others', async t => {
  const { verdict, sessionOf } = world({ signatureChecks: 2 })
  const another = seeded('another')(16)
  sessionOf(bob, another)
  const bad = (id: number): Buffer => openOf(alice, { id }, bob)
  const asked = (payloads: Buffer[], now = EPOCH): string[] => payloads.map(payload => verdict(payload, now))
  t.strictSame(asked([bad(1), bad(2), openOf(alice, { id: 3 })]), ['badSignatures', 'badSignatures', 'unchecked'])
  const known = (id: number): Buffer => openOf(bob, { id, key: another })
  t.strictSame(asked([known(1), known(2), known(3)]), ['', '', 'unchecked'], 'a flood of others costs them nothing')
  t.strictSame(asked([known(1), openOf(alice, { id: 3, time: 1 })]), ['replayed', 'malformed'], 'the cheap checks come first')
  const later = [known(3), openOf(alice, { id: 3 }), known(4), openOf(alice, { id: 4 })]
  t.strictSame(asked(later, EPOCH + 500), ['', '', 'unchecked', 'unchecked'])
})

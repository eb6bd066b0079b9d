// Signed lines of exits, and lists of them: what is believed, and what is said of the rest.
import t from 'tap'
import { ByteWriter, LocalDestination, toBase64, writeOfflineSignature } from '@minwww/i2cp/codec'
import { writeDescriptor, writeRevocation, type StatementSigner } from '@minwww/protocol'
import { MAX_LIST, MAX_STATEMENTS, readList, readListNow, writeList } from '../src/lists/core/list.ts'
import { holds, verifyStatement } from '../src/lists/core/verify.ts'

const DATE = 1_790_000_000
const NOW = DATE * 1_000
const HOUR = 3_600
const ALL = Array.from({ length: 40 }, (_, i) => LocalDestination.generate(length => Buffer.alloc(length, i + 1)))

function signerOf (keys: LocalDestination): StatementSigner {
  const { destination: { b32, base64 }, offline } = keys
  const writer = new ByteWriter()
  if (offline !== undefined) writeOfflineSignature(writer, offline)
  return { b32, base64, sign: data => toBase64(keys.sign(data)), ...(offline !== undefined && { offline: toBase64(writer.toBuffer()) }) }
}

const line = (n: number, date = DATE, life = 24 * HOUR): string =>
  writeDescriptor({ versions: [1], web: true, methods: [], ports: [80], filters: [], pushes: false }, date, date + life, signerOf(ALL[n]!))
const revoked = (n: number, date = DATE): string => writeRevocation(date, date + 24 * HOUR, signerOf(ALL[n]!))
const b32 = (n: number): string => ALL[n]!.destination.b32
const refused = (what: string) => ({ name: 'ProtocolError', code: 'MINWWW_BAD_DESCRIPTOR', message: `descriptor refused: ${what}` })

t.test('a statement holds from two hours before its date to its end', async t => {
  const { statement } = verifyStatement(line(0), NOW)
  for (const [at, expected] of [
    [DATE - 2 * HOUR - 0.001, false], [DATE - 2 * HOUR, true], [DATE, true], [DATE + 24 * HOUR - 0.001, true], [DATE + 24 * HOUR, false]
  ] as const) {
    t.equal(holds(statement, at * 1_000), expected, `${at - DATE} s`)
    const verify = () => verifyStatement(line(0), at * 1_000)
    if (expected) t.strictSame(verify(), { statement, destination: ALL[0]!.destination, line: line(0) })
    else t.throws(verify, refused(at < DATE ? 'its date is in the future: compare the clocks' : 'it has expired'))
  }
})

t.test('only what the Destination of that address has signed', async t => {
  const [own, other] = [ALL[0]!.destination, ALL[1]!.destination]
  t.throws(() => verifyStatement(line(0).replace(own.b32, other.b32), NOW), refused('the address is not that of the Destination'))
  t.throws(() => verifyStatement(line(0).replace(own.base64, other.base64), NOW), refused('the address is not that of the Destination'))
  const wrong = refused('the signature is wrong')
  t.throws(() => verifyStatement(line(0).replace('web=yes', 'web=no'), NOW), wrong)
  t.throws(() => verifyStatement(line(0).replace(own.b32, other.b32).replace(own.base64, other.base64), NOW), wrong)
  t.throws(() => verifyStatement(line(0).replace(/sig=.*/, 'sig=AAAA'), NOW), wrong)
  const odd = `${'A'.repeat(512)}BQAEAAcAAAAA`
  t.throws(() => verifyStatement(line(0).replace(own.base64, odd), NOW), {
    code: 'MINWWW_BAD_DESCRIPTOR',
    message: /^descriptor refused: /
  })
  t.throws(() => verifyStatement(line(0).replace(/sig=.*/, 'sig=A'), NOW), {
    code: 'MINWWW_BAD_DESCRIPTOR',
    message: /^descriptor refused: /
  })
  t.throws(() => verifyStatement('x', NOW), { code: 'MINWWW_BAD_DESCRIPTOR', message: /^malformed descriptor: / })
})

t.test('a transient key signs as long as its Destination has allowed it', async t => {
  const keys = ALL[0]!.toOffline(DATE + HOUR)
  const signed = writeRevocation(DATE, DATE + 24 * HOUR, signerOf(keys))
  t.match(verifyStatement(signed, NOW), { statement: { kind: 'revoked', b32: b32(0) }, line: signed })
  t.ok(verifyStatement(signed, (DATE + HOUR) * 1_000 - 1))
  t.throws(() => verifyStatement(signed, (DATE + HOUR) * 1_000 + 1_000), refused('the signature is wrong'))
  const offline = signerOf(keys).offline!
  const more = toBase64(Buffer.concat([Buffer.from(offline.replaceAll('-', '+').replaceAll('~', '/'), 'base64'), Buffer.of(0)]))
  t.throws(() => verifyStatement(signed.replace(offline, more), NOW), refused('offline'))
  const stranger = signerOf(ALL[1]!.toOffline(DATE + HOUR)).offline!
  t.throws(() => verifyStatement(signed.replace(offline, stranger), NOW), refused('the signature is wrong'), 'that of another Destination')
  t.throws(() => verifyStatement(signed.replace(offline, 'AAAA'), NOW), { code: 'MINWWW_BAD_DESCRIPTOR' })
})

t.test('a list: comments and empty lines are passed by, what is wrong with a line concerns it alone', async t => {
  const text = ['# exits', '', line(0), '  \t', 'nonsense', `${line(1)}\r`, '#x', line(2).replace('web=yes', 'web=no'), line(3)].join('\n')
  const { statements, refused, problems } = readListNow(text, NOW)
  t.strictSame(statements.map(({ statement }) => statement.b32), [0, 1, 3].map(b32))
  t.equal(refused, 2)
  t.strictSame(problems, [
    { line: 5, reason: 'malformed descriptor: not NAME=DESTINATION#!PROPERTIES#sig=SIGNATURE' }, {
      line: 8,
      reason: 'descriptor refused: the signature is wrong'
    }
  ])
  t.strictSame(readListNow('', NOW), { statements: [], refused: 0, problems: [] })
  t.equal(readListNow('x\n'.repeat(30), NOW).problems.length, 20)
  t.equal(readListNow('x\n'.repeat(30), NOW).refused, 30)
})

t.test('of two of one Destination the later one holds, and a revocation of the same date', async t => {
  const kept = (...lines: string[]): unknown[] => readListNow(lines.join('\n'), NOW).statements.map(({
    statement: {
      kind,
      date
    }
  }) => [kind, date - DATE])
  t.strictSame(kept(line(0), line(0, DATE + 5)), [['exit', 5]])
  t.strictSame(kept(line(0, DATE + 5), line(0)), [['exit', 5]])
  t.strictSame(kept(line(0), revoked(0)), [['revoked', 0]])
  t.strictSame(kept(revoked(0), line(0)), [['revoked', 0]])
  t.strictSame(kept(line(0, DATE + 5), revoked(0)), [['exit', 5]])
  t.strictSame(kept(revoked(0), line(0, DATE + 1)), [['exit', 1]])
  const [first, second] = [line(0, DATE, HOUR), line(0, DATE, 2 * HOUR)]
  t.equal(readListNow(`${first}\n${second}`, NOW).statements[0]?.line, first, 'of one date the first')
})

t.test('a list that is too long is not read at all', async t => {
  const bad = (message: string) => ({ code: 'MINWWW_BAD_DESCRIPTOR', message })
  t.throws(() => readListNow('#'.repeat(MAX_LIST + 1), NOW), bad(`list refused: ${MAX_LIST + 1} bytes; a list has at most ${MAX_LIST}`))
  t.strictSame(readListNow('#'.repeat(MAX_LIST), NOW).statements, [])
  t.throws(() => readListNow('x\n'.repeat(MAX_STATEMENTS + 1), NOW),
    bad(`list refused: ${MAX_STATEMENTS + 1} exits; a list has at most ${MAX_STATEMENTS}`))
  t.equal(readListNow('x\n'.repeat(MAX_STATEMENTS), NOW).refused, MAX_STATEMENTS)
})

t.test('reading yields after fifteen signatures, and then after sixteen each', async t => {
  const text = ALL.map((_, n) => line(n)).join('\n')
  const reading = readList(text, NOW)
  const steps = [reading.next(), reading.next()]
  t.strictSame(steps, [{ done: false, value: undefined }, { done: false, value: undefined }])
  const last = reading.next()
  t.equal(last.done, true)
  t.equal(last.value?.statements.length, 40)
})

t.test('a list as it is published reads as what was written', async t => {
  const lines = [line(0), revoked(1)]
  const text = writeList(lines, '2026-09-21')
  t.equal(text, `# MinWWW exits, 2026-09-21\n${lines[0]}\n${lines[1]}\n`)
  t.strictSame(readListNow(text, NOW).statements.map(({ line }) => line), lines)
})

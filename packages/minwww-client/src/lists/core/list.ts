import { ProtocolError } from '@minwww/protocol'
import { verifyStatement, type Verified } from './verify.ts'

/** Longest list, bytes once decoded; some 2,000 exits. */
export const MAX_LIST = 2_097_152
/** Statements of one list. */
export const MAX_STATEMENTS = 2_000
/** Problems of one list that are told. */
const MAX_PROBLEMS = 20
/** Signatures that are checked in one go: some milliseconds. */
const AT_ONCE = 16

export interface ReadList {
  /** One of each Destination, the latest. */
  readonly statements: Verified[]
  readonly refused: number
  /** The first lines that were refused. */
  readonly problems: Array<{ line: number, reason: string }>
}

/**
 * Reads a list: a statement a line, `#` begins a comment. What is wrong with a line concerns that line alone. Yields between
 * signatures, so that a long list holds up nothing.
 * @param now - epoch ms
 * @throws ProtocolError MINWWW_BAD_DESCRIPTOR for what is longer than a list may be, with nothing of it read
 */
export function * readList (text: string, now: number): Generator<undefined, ReadList, undefined> {
  if (text.length > MAX_LIST) throw tooLong(`${text.length} bytes; a list has at most ${MAX_LIST}`)
  const lines = text.split('\n')
  const said = lines.flatMap((line, index) =>
    line.trim() === '' || line.startsWith('#') ? [] : [{ line: line.replace(/\r$/, ''), number: index + 1 }]
  )
  if (said.length > MAX_STATEMENTS) throw tooLong(`${said.length} exits; a list has at most ${MAX_STATEMENTS}`)
  const latest = new Map<string, Verified>()
  const problems: ReadList['problems'] = []
  let refused = 0
  for (const [index, { line, number }] of said.entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) yield
    try {
      const verified = verifyStatement(line, now)
      const { b32, date } = verified.statement
      const other = latest.get(b32)?.statement
      if (other === undefined || date > other.date || (date === other.date && verified.statement.kind === 'revoked')) {
        latest.set(b32, verified)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      refused++
      if (problems.length < MAX_PROBLEMS) problems.push({ line: number, reason: error.message })
    }
  }
  return { statements: [...latest.values()], refused, problems }
}

/** The same at once, for who has nothing else to do. */
export function readListNow (text: string, now: number): ReadList {
  const reading = readList(text, now)
  for (;;) {
    const { done, value } = reading.next()
    if (done === true) return value
  }
}

/** A list as it is published. */
export function writeList (lines: readonly string[], date: string): string {
  return `# MinWWW exits, ${date}\n${lines.map(line => `${line}\n`).join('')}`
}

function tooLong (what: string): ProtocolError {
  return new ProtocolError('MINWWW_BAD_DESCRIPTOR', `list refused: ${what}`)
}

import { readFile, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import {
  ClientDriver, MAX_LIST, MAX_STATEMENTS, readDescriptor, readListNow, verifyStatement, writeList, type Verified
} from '@minwww/client'
import { writeAtomically } from '@minwww/ground/node'
import type { Session } from '@minwww/i2cp'
import type { ExitDescriptor } from '@minwww/protocol'
import { revoke } from '@minwww/server'
import { contextOf } from '../command.ts'
import { CliError, explain, UsageError } from '../errors.ts'
import { describeExit } from '../exit-text.ts'
import { checkExitName } from '../exits.ts'
import { readKeys } from '../key-file.ts'
import { openSession } from '../router-options.ts'

interface RouterFlags { router: string, allowPlainRemote?: boolean, timeout: string }

/** Exits that are asked at the same time. */
const AT_ONCE = 8
/** A list is for a web server that runs as somebody else. */
const FOR_EVERYBODY = 0o644

export async function runShow (command: Command, name: string): Promise<void> {
  const flags = command.opts<RouterFlags>()
  checkExitName(name, 'DEST')
  const timeout = timeoutOf(flags)
  const { logger, reporter } = await contextOf(command, {})
  const session = await openSession({ allowPlainRemote: false, ...flags }, undefined, logger, reporter, 'exits')
  try {
    const { line, statement } = await ask(session, name, timeout)
    reporter.ready({ ...statement, descriptor: line }, describeExit(statement, line))
  } finally {
    await session.close()
  }
}

export async function runPublish (command: Command): Promise<void> {
  const { exit = [], exits: file, out, ...flags } = command.opts<RouterFlags & { exit?: string[], exits?: string, out?: string }>()
  const timeout = timeoutOf(flags)
  const { names, revocations } = sourcesOf(exit, file === undefined ? '' : await textOf(file))
  if (names.length === 0) throw new UsageError('no exit is named; give --exit DEST or --exits FILE')
  if (names.length > MAX_STATEMENTS) throw new UsageError(`${names.length} exits are named; a list has at most ${MAX_STATEMENTS}`)
  const { logger, reporter, json } = await contextOf(command, {})
  const session = await openSession({ allowPlainRemote: false, ...flags }, undefined, logger, reporter, 'exits')
  const lines = new Map(revocations.map(({ statement, line }) => [statement.b32, line]))
  const missing: string[] = []
  try {
    const queue = [...names]
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        try {
          const { line, statement } = await ask(session, name, timeout)
          if (!statement.web) missing.push(`${name}: it serves its own sites only`)
          else if (!lines.has(statement.b32)) lines.set(statement.b32, line)
        } catch (error) {
          missing.push((error as Error).message)
        }
        reporter.progress(`${lines.size} in the list, ${missing.length} left out, ${queue.length} to ask`)
      }
    }))
  } finally {
    await session.close()
  }
  if (lines.size === 0) throw new CliError('MINWWW_NO_ANSWER', `no exit answered, and the list stays as it was: ${missing[0] ?? ''}`)
  const list = writeList([...lines.values()].sort(), new Date().toISOString().slice(0, 16))
  if (out !== undefined) await writeAtomically(out, list, FOR_EVERYBODY).catch((error: unknown) => { throw explain(error, out, '--out') })
  const told = missing.map(reason => `  left out: ${reason}`)
  if (out === undefined && !json) return reporter.ready({}, [list.trimEnd()])
  const answer = { exits: lines.size, leftOut: missing, ...(out === undefined ? { list } : { file: out }) }
  reporter.ready(answer, [`${lines.size} exits in ${out ?? ''}`, ...told])
}

export async function runCheck (command: Command, file: string): Promise<void> {
  const { reporter } = await contextOf(command, {})
  const { statements, refused, problems } = readListNow(await textOf(file), Date.now())
  const exits = statements.filter(({ statement }) => statement.kind === 'exit').length
  const revoked = statements.length - exits
  reporter.ready({ exits, revoked, refused, problems }, [
    `${exits} exits, ${revoked} revoked, ${refused} lines refused`,
    ...problems.map(({ line, reason }) => `  ${file}:${line}: ${reason}`)
  ])
  if (refused > 0) throw new CliError('MINWWW_BAD_DESCRIPTOR', `${file}: ${refused} lines would be refused by every proxy`)
}

export async function runRevoke (command: Command, file: string): Promise<void> {
  const keys = await readKeys(file)
  const { reporter } = await contextOf(command, {})
  const line = revoke(keys, Math.floor(Date.now() / 1_000))
  reporter.ready({ b32: keys.destination.b32, revocation: line }, [line])
}

async function ask (session: Session, name: string, timeout: number): Promise<Verified<ExitDescriptor>> {
  const driver = new ClientDriver({ sessions: [session] })
  try {
    const destination = await session.lookup(name, { timeout }).catch((error: unknown) => {
      throw new CliError('MINWWW_NOT_FOUND', `${name.slice(0, 60)}: ${explain(error).message}`, 1, { cause: error })
    })
    return await readDescriptor(driver, destination, { timeout, now: () => Date.now() + session.clockOffset }).catch((error: unknown) => {
      throw new CliError(codeOf(error), `${destination.b32}: ${explain(error).message}`, 1, { cause: error })
    })
  } finally {
    driver.close()
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'MINWWW_NO_ANSWER'

/** The exits of `--exit` and of the file, each once; what was revoked stays revoked. */
function sourcesOf (flags: readonly string[], text: string): { names: string[], revocations: Verified[] } {
  const revocations: Verified[] = []
  const named = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.includes('#!')) return statementName(line, revocations)
    const name = line.replace(/#.*/, '').trim()
    if (name !== '') checkExitName(name, `--exits: line ${index + 1}`)
    return name === '' ? [] : [name]
  })
  for (const flag of flags) checkExitName(flag, '--exit')
  return { names: [...new Set([...flags, ...named])], revocations }
}

/** A line of an older list: whatever it says, the exit is asked again, unless it is revoked. */
function statementName (line: string, revocations: Verified[]): string[] {
  try {
    const verified = verifyStatement(line, Date.now())
    if (verified.statement.kind === 'exit') return [verified.statement.destination]
    revocations.push(verified)
    return []
  } catch {
    const destination = /^[^=]*=([A-Za-z0-9~=-]+)#!/.exec(line)?.[1]
    if (destination === undefined || line.includes('#!action=revoke')) return []
    try {
      checkExitName(destination, '--exits')
      return [destination]
    } catch {
      return []
    }
  }
}

async function textOf (file: string): Promise<string> {
  try {
    if (file === '-') return await standardInput()
    if ((await stat(file)).size > MAX_LIST) throw new UsageError(`${file}: larger than ${MAX_LIST} bytes`)
    return await readFile(file, 'latin1')
  } catch (error) {
    throw explain(error, file)
  }
}

async function standardInput (): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('latin1') as AsyncIterable<string>) {
    text += chunk
    if (text.length > MAX_LIST) throw new UsageError(`standard input: longer than ${MAX_LIST} bytes`)
  }
  return text
}

function timeoutOf ({ timeout }: RouterFlags): number {
  const seconds = Number(timeout)
  if (!(seconds >= 1 && seconds <= 3_600)) throw new UsageError('--timeout: give seconds from 1 to 3600')
  return seconds * 1_000
}

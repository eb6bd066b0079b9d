/** Exit status of the command: 1, the job could not be done; 2, the command was used wrongly. */
export type ExitStatus = 1 | 2

/** An error whose message is one line that tells the reader what to do. It ends the command with `status`. */
export class CliError extends Error {
  readonly code: string
  readonly status: ExitStatus

  constructor (code: string, message: string, status: ExitStatus = 1, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.code = code
    this.status = status
  }
}

/** A wrong option, argument or configuration value: status 2. */
export class UsageError extends CliError {
  constructor (message: string, options?: ErrorOptions) {
    super('MINWWW_USAGE', message, 2, options)
    this.name = 'UsageError'
  }
}

/** Everything that is wrong with the settings, a line each: with file, line, section and key, with the variable, or with the flag. */
export class SettingsError extends CliError {
  readonly problems: readonly string[]

  constructor (problems: readonly string[], status: ExitStatus = 2) {
    super('MINWWW_USAGE', problems.join('\n'), status)
    this.name = 'SettingsError'
    this.problems = problems
  }
}

interface Meaning {
  fact: string
  /** What to do; `option` is the flag that gave the file or the address, where it is known. */
  remedy?: (option: string | undefined) => string
}

const path = (option: string | undefined): string => option === undefined ? 'check the path' : `correct ${option}`

/** What a failed system call means to somebody who typed a command, by `errno` code. */
const SYSTEM_ERRORS: Readonly<Record<string, Meaning>> = {
  EADDRINUSE: {
    fact: 'the port is already in use',
    remedy: (option = 'another port') => 'end the program that has it, or choose ' +
      `${option === 'another port' ? option : `another port with ${option}`} (port 0 takes a free one)`
  },
  EADDRNOTAVAIL: {
    fact: 'this machine has no such address', remedy: option => `listen on 127.0.0.1${option === undefined ? '' : ` with ${option}`}`
  },
  EACCES: {
    fact: 'permission denied',
    remedy: option => `check owner and mode, and as whom the program runs${option === undefined ? '' : `, or correct ${option}`}`
  },
  EPERM: { fact: 'not permitted', remedy: option => `check owner and mode${option === undefined ? '' : `, or correct ${option}`}` },
  ENOENT: { fact: 'no such file or directory', remedy: path },
  ENOTDIR: { fact: 'is below a file, which is not a directory', remedy: path },
  EEXIST: { fact: 'is a file, not a directory', remedy: path },
  EISDIR: { fact: 'is a directory', remedy: option => option === undefined ? 'name a file' : `name a file with ${option}` },
  ENOSPC: { fact: 'the disk is full', remedy: () => 'make room' },
  EROFS: { fact: 'the file system is read-only', remedy: path },
  ECONNREFUSED: { fact: 'nothing listens there', remedy: () => 'start the router, enable I2CP in it, or correct --router' },
  ETIMEDOUT: { fact: 'no answer', remedy: () => 'check the address and that the router runs' },
  EHOSTUNREACH: { fact: 'the host cannot be reached', remedy: () => 'check the address' },
  ENOTFOUND: { fact: 'the host name does not resolve', remedy: option => option === undefined ? 'check the address' : `correct ${option}` },
  EAI_AGAIN: { fact: 'the host name does not resolve', remedy: option => option === undefined ? 'check the address' : `correct ${option}` }
}

const NOT_FOR_YOU: Meaning = {
  fact: 'permission denied',
  remedy: option => `choose a port above 1023${option === undefined ? '' : ` with ${option}`}`
}

/**
 * Turns whatever was thrown into the one line that the user sees, about `subject` (a file, an address) and, where it is
 * known, with the option that named it.
 */
export function explain (error: unknown, subject?: string, option?: string): CliError {
  if (error instanceof CliError) return error
  const { code, message } = describe(error)
  const known = SYSTEM_ERRORS[code]
  if (known !== undefined) {
    const { fact, remedy } = code === 'EACCES' && isOfSocket(error) ? NOT_FOR_YOU : known
    const text = `${subject ?? addressOf(error) ?? 'system'}: ${fact}${remedy === undefined ? '' : `; ${remedy(option)}`}`
    return new CliError(code, text, 1, { cause: error })
  }
  const text = message.split('\n', 1)[0] ?? 'unknown error'
  return new CliError(code, subject === undefined ? text : `${subject}: ${text}`, 1, { cause: error })
}

function describe (error: unknown): { code: string, message: string } {
  if (!(error instanceof Error)) return { code: 'MINWWW_FAILED', message: String(error) }
  const code = systemError(error)?.code ?? (error as { code?: unknown }).code
  return { code: typeof code === 'string' ? code : 'MINWWW_FAILED', message: error.message }
}

/** The error of a system call, or what caused one: libraries wrap it in a code of their own. */
function systemError (error: unknown, depth = 0): NodeJS.ErrnoException | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && Object.hasOwn(SYSTEM_ERRORS, code) ? error : systemError(error.cause, depth + 1)
}

function isOfSocket (error: unknown): boolean {
  return /^(listen|bind)$/.test(systemError(error)?.syscall ?? '')
}

function addressOf (error: unknown): string | undefined {
  const { address, port, path } = (systemError(error) ?? {}) as { address?: string, port?: number, path?: string }
  if (typeof path === 'string') return path
  return typeof address === 'string' ? `${address}:${port ?? 0}` : undefined
}

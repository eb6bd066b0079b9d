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

/** What a failed system call means to somebody who typed a command, by `errno` code. */
const SYSTEM_ERRORS: Readonly<Record<string, (subject: string) => string>> = {
  EADDRINUSE: subject => `${subject}: the port is already in use; choose another one (port 0 takes a free one)`,
  EADDRNOTAVAIL: subject => `${subject}: this machine has no such address; listen on 127.0.0.1`,
  EACCES: subject => `${subject}: permission denied; check the owner and mode, or choose a port above 1023`,
  ENOENT: subject => `${subject}: no such file or directory; check the path`,
  EISDIR: subject => `${subject}: is a directory; name a file`,
  ENOSPC: subject => `${subject}: the disk is full`,
  EROFS: subject => `${subject}: the file system is read-only`,
  ECONNREFUSED: subject => `${subject}: nothing listens there; start the router, enable I2CP in it, or correct --router`,
  ETIMEDOUT: subject => `${subject}: no answer; check the address and that the router runs`,
  EHOSTUNREACH: subject => `${subject}: the host cannot be reached; check the address`,
  ENOTFOUND: subject => `${subject}: the host name does not resolve`
}

/** Turns whatever was thrown into the one line that the user sees, about `subject` (a file, an address). */
export function explain (error: unknown, subject?: string): CliError {
  if (error instanceof CliError) return error
  const { code, message } = describe(error)
  const known = SYSTEM_ERRORS[code]
  if (known !== undefined) return new CliError(code, known(subject ?? addressOf(error) ?? 'system'), 1, { cause: error })
  const text = message.split('\n', 1)[0] ?? 'unknown error'
  return new CliError(code, subject === undefined ? text : `${subject}: ${text}`, 1, { cause: error })
}

function describe (error: unknown): { code: string, message: string } {
  if (!(error instanceof Error)) return { code: 'MINWWW_FAILED', message: String(error) }
  const code = systemCode(error) ?? (error as { code?: unknown }).code
  return { code: typeof code === 'string' ? code : 'MINWWW_FAILED', message: error.message }
}

/** The `errno` code of an error or of what caused it: libraries wrap it in a code of their own. */
function systemCode (error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && code in SYSTEM_ERRORS) return code
  return systemCode(error.cause, depth + 1)
}

function addressOf (error: unknown): string | undefined {
  const { address, port, path } = error as { address?: string, port?: number, path?: string }
  if (typeof path === 'string') return path
  return typeof address === 'string' ? `${address}:${port ?? 0}` : undefined
}

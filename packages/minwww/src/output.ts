import type { LevelWithSilent, Logger } from 'pino'

export type { Logger } from 'pino'

/** Names of fields that must never be printed, wherever they appear. */
const SECRETS = ['password', 'key', 'keys', 'secret', 'authorization', 'privateKey', 'cookie']
/** Longest value of a field that a person is shown, characters; a Destination is longer. */
const MAX_SHOWN = 100

/** Who reads standard error: a person, or a program, which gets JSON lines. */
export type Reader = 'person' | 'program'

export const readerOf = (json: boolean): Reader => !json && process.stderr.isTTY === true ? 'person' : 'program'

/**
 * The log, on standard error: readable lines on a terminal, JSON lines with `--json` and elsewhere. Standard output
 * belongs to the answer of the command. The stack of an error is there at the levels debug and trace only.
 */
export async function createLogger (level: string, reader: Reader): Promise<Logger> {
  const { pino, destination, stdSerializers } = await import('pino')
  const options = {
    level,
    base: null,
    redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`]), censor: '[secret]' },
    serializers: { err: level === 'debug' || level === 'trace' ? stdSerializers.err : withoutStack }
  }
  // A log that cannot be written (a full disk) must not end the service.
  if (reader === 'program') return pino(options, destination({ dest: 2, sync: true }).on('error', () => {}))
  const { default: pretty } = await import('pino-pretty')
  return pino(
    options,
    pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', hideObject: true, messageFormat: lineOf })
  )
}

/** An error as the log has it: what it is and what it says, and the same of what caused it. */
function withoutStack (error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    message: error.message,
    ...(error.cause instanceof Error && { cause: error.cause.message })
  }
}

/** `exit not found, will try again: exit a.i2p; not found (I2CP_LOOKUP_FAILED)` */
export function lineOf (log: Record<string, unknown>, messageKey: string): string {
  const fields = Object.entries(log).filter(([name, value]) => ![messageKey, 'level', 'time'].includes(name) && value !== undefined)
    .map(([name, value]) => name === 'err' ? errorText(value) : `${name} ${shown(value)}`)
  const message = String(log[messageKey] ?? '')
  return fields.length === 0 ? message : `${message}: ${fields.join('; ')}`
}

function errorText (value: unknown): string {
  const { code, message, stack } = value as { code?: unknown, message?: unknown, stack?: unknown }
  const text = `${String(message ?? shown(value))}${code === undefined ? '' : ` (${String(code)})`}`
  return typeof stack === 'string' ? `${text}\n${stack}` : text
}

function shown (value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

/** What a command tells its user: one JSON line when ready, or progress and prose. */
export interface Reporter {
  /** A step of the start-up. Not with `--json`, which has one line only. */
  progress (text: string): void
  /** The command is ready: prints `json` as the one line of standard output, or `lines` for people. */
  ready (json: Record<string, unknown>, lines: string[]): void
}

/** Progress goes to standard error: a line for a person, or a line of the log, whatever its level is. */
export function createReporter (asJson: boolean, reader: Reader, logger: Logger): Reporter {
  process.stderr.on('error', () => {})
  const level: LevelWithSilent = logger.level === 'silent' ? 'silent' : 'info'
  const progressLog = logger.child({}, { level })
  return {
    progress (text) {
      if (reader === 'person') process.stderr.write(`minwww: ${text}\n`)
      else if (asJson) logger.info(text)
      else progressLog.info(text)
    },
    ready (json, lines) {
      process.stdout.write(asJson ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`)
    }
  }
}

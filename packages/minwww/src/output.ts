import type { Logger } from 'pino'

export type { Logger } from 'pino'

/** Names of fields that must never be printed, wherever they appear. */
const SECRETS = ['password', 'key', 'keys', 'secret', 'authorization', 'privateKey', 'cookie']

/**
 * The log, on standard error: JSON lines, or readable ones on a terminal.
 * Standard output belongs to the answer of the command.
 */
export async function createLogger (level: string): Promise<Logger> {
  const { pino, destination } = await import('pino')
  const options = { level, base: null, redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`]), censor: '[secret]' } }
  // A log that cannot be written (a full disk) must not end the service.
  if (process.stderr.isTTY !== true) return pino(options, destination({ dest: 2, sync: true }).on('error', () => {}))
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }))
}

/** What a command tells its user: one JSON line when ready, or progress and prose. */
export interface Reporter {
  /** A step of the start-up, for people only. */
  progress (text: string): void
  /** The command is ready: prints `json` as the one line of standard output, or `lines` for people. */
  ready (json: Record<string, unknown>, lines: string[]): void
}

export function createReporter (asJson: boolean): Reporter {
  process.stderr.on('error', () => {})
  return {
    progress (text) {
      process.stderr.write(asJson ? '' : `minwww: ${text}\n`)
    },
    ready (json, lines) {
      process.stdout.write(asJson ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`)
    }
  }
}

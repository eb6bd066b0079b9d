import { explain } from './errors.ts'

/** Commands that run until they are told to end; that is status 0, at any moment. */
const SERVICES: ReadonlySet<string> = new Set(['demo', 'router', 'exit', 'proxy', 'site', 'tunnel', 'browse'])
const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const FAULTS = ['uncaughtException', 'unhandledRejection'] as const

const end = (): never => process.exit(0)

/** Says in one line what nobody caught, and ends the process with status 1. */
function fail (error: unknown): never {
  fatal(error)
  process.exit(1)
}

/** Writes the one line that a user sees of an error that ends the command; with MINWWW_TRACE=1 its stack too. */
export function fatal (error: unknown): void {
  if (process.env.MINWWW_TRACE === '1') process.stderr.write(`${(error as Error).stack ?? String(error)}\n`)
  const lines = explain(error).message.split('\n').map(line => `minwww: ${line}\n`)
  process.stderr.write(lines.join(''))
}

/** While a command still loads its code there is nothing to close. To be called before anything large is imported. */
export function endWhileLoading (command: string | undefined): void {
  for (const fault of FAULTS) process.on(fault, fail)
  if (command === undefined || !SERVICES.has(command)) return
  for (const signal of SIGNALS) process.once(signal, end)
}

/** From here on somebody else sees to the end. */
export function loaded (): void {
  for (const signal of SIGNALS) process.removeListener(signal, end)
  for (const fault of FAULTS) process.removeListener(fault, fail)
}

/** Commands that run until they are told to end; that is status 0, at any moment. */
const SERVICES: ReadonlySet<string> = new Set(['demo', 'router', 'exit', 'proxy', 'tunnel'])
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

const end = (): never => process.exit(0)

/** While a service still loads its code there is nothing to close. To be called before anything large is imported. */
export function endWhileLoading (command: string | undefined): void {
  if (command === undefined || !SERVICES.has(command)) return
  for (const signal of SIGNALS) process.once(signal, end)
}

/** From here on somebody else sees to the end. */
export function loaded (): void {
  for (const signal of SIGNALS) process.removeListener(signal, end)
}

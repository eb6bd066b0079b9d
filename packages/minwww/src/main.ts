import { endWhileLoading } from './early-end.ts'
import { explain } from './errors.ts'

endWhileLoading(process.argv[2])
try {
  const { createProgram } = await import('./program.ts')
  await createProgram().parseAsync(process.argv)
} catch (error) {
  const { message, status } = explain(error)
  if (process.env.MINWWW_TRACE === '1') process.stderr.write(`${(error as Error).stack ?? ''}\n`)
  process.stderr.write(`minwww: ${message}\n`)
  process.exit(status)
}

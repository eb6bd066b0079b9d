import { endWhileLoading, fatal } from './early-end.ts'
import { explain } from './errors.ts'

endWhileLoading(process.argv[2])
try {
  const { createProgram } = await import('./program.ts')
  await createProgram().parseAsync(process.argv)
} catch (error) {
  fatal(error)
  process.exit(explain(error).status)
}

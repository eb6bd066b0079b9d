/** The command line as a library: `createProgram().parseAsync(argv)`. */
export { createProgram } from './program.ts'
export { CliError, UsageError } from './errors.ts'

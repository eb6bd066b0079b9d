// Writes docs/reference/errors.md from the sources.
import { writeFileSync } from 'node:fs'
import { documentErrors } from './error-table.ts'

writeFileSync(new URL('../docs/reference/errors.md', import.meta.url), documentErrors())

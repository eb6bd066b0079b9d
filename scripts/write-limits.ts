// Writes docs/reference/limits.md from the registry of limits.
import { writeFileSync } from 'node:fs'
import { documentLimits } from './limit-table.ts'

writeFileSync(new URL('../docs/reference/limits.md', import.meta.url), documentLimits())

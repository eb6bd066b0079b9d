// Writes docs/reference/options.md from the configuration schema.
import { writeFileSync } from 'node:fs'
import { documentSettings } from '../packages/minwww/src/config/document.ts'

writeFileSync(new URL('../docs/reference/options.md', import.meta.url), documentSettings())

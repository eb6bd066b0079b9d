// Writes docs/options.md from the configuration schema.
import { writeFileSync } from 'node:fs'
import { documentSettings } from '../packages/minwww/src/config/document.ts'

writeFileSync(new URL('../docs/options.md', import.meta.url), documentSettings())

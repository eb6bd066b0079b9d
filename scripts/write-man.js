// Writes the manual page of the command line into its package, from the compiled command. npm runs it before it packs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { manPage } from '../packages/minwww/dist/man.js'
import { createProgram } from '../packages/minwww/dist/program.js'

const folder = new URL('../packages/minwww/man/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('minwww.1', folder), manPage(createProgram()))

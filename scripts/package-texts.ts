// What a package of the system has besides the program, made from the sources: {"man": ..., "settings": ..., "version": ...} as JSON.
import { createProgram } from 'minwww'
import { manPage } from '../packages/minwww/src/man.ts'
import { sampleConfig } from '../packages/minwww/src/config/sample.ts'

/** A proxy that needs nothing but a router, and tells nobody anything. */
const SET = { 'proxy.i2p-only': 'i2p-only = true # take this out when you name an exit' }

const program = createProgram()
process.stdout.write(JSON.stringify({ man: manPage(program), settings: sampleConfig(['proxy', 'exit'], SET), version: program.version() }))

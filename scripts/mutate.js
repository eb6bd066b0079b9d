// npm run mutate -- FILE[:FROM-TO] [TEST FILES]: changes one source file in every way that Stryker knows, and runs the tests of
// its package (or those named) against each change. Prints what no test noticed; all of it is in artifacts/mutation.
// Ends with 1 below the threshold of stryker.config.json.
import { existsSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { Stryker } from '@stryker-mutator/core'

const NICE = 15
const [file, ...named] = process.argv.slice(2)
const path = file?.replace(/:\d+(?:-\d+)?$/, '')
if (path === undefined || !existsSync(path)) {
  console.error('usage: npm run mutate -- packages/NAME/src/FILE.ts[:FROM-TO] [TEST FILES]')
  process.exit(2)
}

const tests = `${path.split('/', 2).join('/')}/test`
const testFiles = named.length > 0 ? named : readdirSync(tests).filter(name => name.endsWith('.test.ts')).map(name => `${tests}/${name}`)
const fileName = `artifacts/mutation/${path.replaceAll('/', '.')}.json`

setPriority(NICE)
// Stryker sets the exit code.
await new Stryker({ mutate: [file], tap: { testFiles }, jsonReporter: { fileName } }).runMutationTest()

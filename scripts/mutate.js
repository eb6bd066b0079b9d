// npm run mutate -- [--slowest MS] FILES[:FROM-TO] [TEST FILES]: changes source files in every way that Stryker knows, and runs the
// tests of the first one's package (or those named) against each change. Prints what no test noticed; all of it is in
// artifacts/mutation, and a row for each file of several. Tests slower than MS are left out, since a mutant that survives costs all of
// its tests. Ends with 1 below the threshold of stryker.config.json.
import { existsSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'

const NICE = 15
const TEST = /\.test\.ts$/
const { values, positionals: named } = parseArgs({ options: { slowest: { type: 'string' } }, allowPositionals: true })
const mutate = named.filter(name => !TEST.test(name))
const namedTests = named.filter(name => TEST.test(name))
const paths = mutate.map(name => name.replace(/:\d+(?:-\d+)?$/, ''))
if (paths.length === 0 || !paths.every(path => existsSync(path))) {
  console.error('usage: npm run mutate -- [--slowest MS] packages/NAME/src/FILE.ts[:FROM-TO] [MORE FILES] [TEST FILES]')
  process.exit(2)
}

const tests = `${paths[0].split('/', 2).join('/')}/test`
const all = () => readdirSync(tests).filter(name => TEST.test(name)).map(name => `${tests}/${name}`)
const testFiles = namedTests.length > 0 ? namedTests : all()
const more = paths.length > 1 ? `-and-${paths.length - 1}` : ''
const fileName = `artifacts/mutation/${paths[0].replaceAll('/', '.')}${more}.json`

setPriority(NICE)
const slowest = Number(values.slowest ?? Infinity)
// Stryker sets the exit code.
await new Stryker({ mutate, tapInProcess: { testFiles, slowest }, jsonReporter: { fileName } }).runMutationTest()

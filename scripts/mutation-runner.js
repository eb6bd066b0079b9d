// Stryker's test runner for this workspace: runs tap's tests of TypeScript files in one process, some hundred times faster than a
// process for each mutant. Every test file is bundled once, with its sources; each mutant evaluates the bundle anew, so that no
// module keeps state, and runs the tests that reach the mutant, one by one, until one fails.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { Script } from 'node:vm'
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import { determineHitLimitReached, DryRunStatus, TestStatus, toMutantRunResult } from '@stryker-mutator/api/test-runner'
import { bundle } from './bundle-source.js'

// A test that waits for what never comes ends before Stryker ends the process.
const SHARE_OF_TIMEOUT = 0.7
const stryker = globalThis.__stryker__ ??= {}

// tap tells its parent process about time limits. This parent is Stryker, which takes text only. And tap ends processes after 30 s.
async function loadTap () {
  const send = process.send?.bind(process)
  if (send !== undefined) process.send = (message, ...rest) => typeof message === 'string' ? send(message, ...rest) : true
  process.env.TAP_TIMEOUT = '0'
  return await import('tap')
}

async function compile (file) {
  const text = await bundle(file, { format: 'cjs', supported: { 'dynamic-import': false } })
  const path = resolve(file)
  const script = new Script(`(function (module, exports, require) {${text}\n})`, { filename: `${path}.bundle.cjs` })
  return { file, script, require: createRequire(path) }
}

// Evaluates a bundle. Its `t` notes what it is asked: the tests, and what holds for all of them.
function load ({ file, script, require }) {
  const tests = []
  const setup = []
  const t = new Proxy({}, {
    get: (_, method) => (...args) => {
      // tap finds snapshots by the process of a test file.
      if (method === 'test' && String(args.at(-1)).includes('.matchSnapshot(')) return
      if (method === 'test') tests.push({ id: `${file} ${tests.length + 1} ${args[0]}`, args })
      else setup.push([method, args])
    }
  })
  const module = { exports: {} }
  script.runInThisContext()(module, module.exports, name => name === 'tap' ? t : require(name))
  return tests.map(test => ({ ...test, setup, file }))
}

async function run (Test, { id, args, setup, file }, timeout) {
  const root = new Test({ name: id, timeout })
  root.resume()
  for (const [method, values] of setup) if (method !== 'setTimeout') root[method](...values)
  const began = performance.now()
  stryker.currentTestId = id
  const ended = new Promise(resolve => root.once('complete', resolve))
  const work = args.pop()
  root.test(...args, t => {
    t.setTimeout(timeout)
    return work(t)
  })
  root.end()
  const { ok, failures } = await ended
  stryker.currentTestId = undefined
  const result = resultOf(id, file, performance.now() - began)
  if (ok) return { ...result, status: TestStatus.Success }
  return { ...result, status: TestStatus.Failed, failureMessage: failures.map(failure => failure.fullname ?? failure.name).join(', ') }
}

const resultOf = (id, fileName, timeSpentMs = 0) => ({ id, name: id, fileName, timeSpentMs })

class TapInProcess {
  static inject = tokens(commonTokens.options)
  #files
  #slowest
  #bundles = []
  #Test
  /** How long tests took, ms: those that may be asked for. Empty in a process that follows one in which a mutant hung. */
  #times = new Map()

  constructor ({ tapInProcess }) {
    this.#files = tapInProcess.testFiles
    // Stryker hands options on as JSON, which has no infinity.
    this.#slowest = tapInProcess.slowest ?? Infinity
  }

  capabilities () { return { reloadEnvironment: true } }

  async init () {
    this.#Test = (await loadTap()).Test
    this.#bundles = await Promise.all(this.#files.map(compile))
  }

  async dryRun ({ timeout }) {
    stryker.activeMutant = undefined
    stryker.mutantCoverage = { static: {}, perTest: {} }
    const results = []
    this.#times.clear()
    for (const bundle of this.#bundles) {
      for (const test of load(bundle)) {
        const result = await run(this.#Test, test, timeout)
        // A test that fails before anything is changed is named, however slow.
        if (result.status === TestStatus.Success && result.timeSpentMs > this.#slowest) delete stryker.mutantCoverage.perTest[test.id]
        else {
          this.#times.set(test.id, result.timeSpentMs)
          results.push(result)
        }
      }
    }
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: stryker.mutantCoverage }
  }

  async mutantRun ({ activeMutant, testFilter, hitLimit, timeout }) {
    Object.assign(stryker, { activeMutant: activeMutant.id, hitCount: hitLimit === undefined ? undefined : 0, hitLimit })
    const tests = await this.#untilOneFails(timeout * SHARE_OF_TIMEOUT, testFilter)
    return toMutantRunResult(determineHitLimitReached(stryker.hitCount, hitLimit) ?? { status: DryRunStatus.Complete, tests })
  }

  /** The fastest first; a bundle is evaluated when the first of its tests has its turn. */
  async #untilOneFails (timeout, ids = [...this.#times.keys()]) {
    const loaded = new Map()
    const testsOf = bundle => {
      if (!loaded.has(bundle)) loaded.set(bundle, load(bundle))
      return loaded.get(bundle)
    }
    const results = []
    // A mutant that breaks a module is noticed.
    const broken = error => [...results, { ...resultOf('load', ''), status: TestStatus.Failed, failureMessage: String(error) }]
    const bundleOf = id => this.#bundles.find(({ file }) => id.startsWith(`${file} `))
    let wanted = ids
    try {
      if (ids.length === 0) wanted = this.#bundles.flatMap(testsOf).map(({ id }) => id)
    } catch (error) {
      return broken(error)
    }
    for (const id of wanted.sort((a, b) => (this.#times.get(a) ?? 0) - (this.#times.get(b) ?? 0))) {
      let tests
      try {
        tests = testsOf(bundleOf(id))
      } catch (error) {
        return broken(error)
      }
      results.push(await run(this.#Test, tests.find(test => test.id === id), timeout))
      if (results.at(-1).status === TestStatus.Failed) break
    }
    return results
  }
}

export const strykerValidationSchema = { properties: { tapInProcess: { type: 'object' } } }
export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'tap-in-process', TapInProcess)]

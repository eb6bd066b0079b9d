// Each rule of npm run check:layers can fail: a tree of files that breaks every one, and the names of the rules that say so.
import { cruise } from 'dependency-cruiser'
import readOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import t from 'tap'

const { tsConfig, ...options } = await readOptions('./.dependency-cruiser.js')

/** A file that breaks the rule, and what it imports. */
const BREAKS: Record<string, readonly [file: string, imports: string]> = {
  circle: ['packages/streaming/src/one.ts', 'packages/streaming/src/two.ts'],
  'core-without-driver': ['packages/streaming/src/core/core.ts', 'packages/streaming/src/driver.ts'],
  'sources-without-tests': ['packages/i2cp/src/a.ts', 'packages/i2cp/test/b.ts'],
  'not-found': ['packages/i2cp/src/b.ts', 'packages/i2cp/src/missing.ts'],
  'package-ground': ['packages/ground/src/c.ts', 'packages/i2cp/src/codec.ts'],
  'package-testkit': ['packages/testkit/src/c.ts', 'packages/streaming/src/leaf.ts'],
  'package-i2cp': ['packages/i2cp/src/c.ts', 'packages/streaming/src/leaf.ts'],
  'package-streaming': ['packages/streaming/src/c.ts', 'packages/local-router/src/leaf.ts'],
  'package-http': ['packages/http/src/c.ts', 'packages/local-router/src/leaf.ts'],
  'package-local-router': ['packages/local-router/src/c.ts', 'packages/streaming/src/leaf.ts'],
  'package-minwww-protocol': ['packages/minwww-protocol/src/c.ts', 'packages/i2cp/src/codec.ts'],
  'package-minwww-client': ['packages/minwww-client/src/c.ts', 'packages/minwww-server/src/leaf.ts'],
  'package-minwww-server': ['packages/minwww-server/src/c.ts', 'packages/minwww-client/src/leaf.ts'],
  'package-benchmark': ['packages/benchmark/src/c.ts', 'packages/minwww/src/leaf.ts'],
  'package-minwww': ['packages/minwww/src/c.ts', 'packages/testkit/src/leaf.ts'],
  'floor-pool': ['packages/minwww-client/src/pool/a.ts', 'packages/minwww-client/src/core/leaf.ts'],
  'floor-core': ['packages/minwww-client/src/core/a.ts', 'packages/minwww-client/src/http/leaf.ts'],
  'floor-http': ['packages/minwww-client/src/http/a.ts', 'packages/minwww-client/src/pages/leaf.ts'],
  'floor-cache-pages-route-sessions': ['packages/minwww-client/src/route/a.ts', 'packages/minwww-client/src/front/leaf.ts'],
  'floor-lists': ['packages/minwww-client/src/lists/a.ts', 'packages/minwww-client/src/front/leaf.ts'],
  'floor-console-front': ['packages/minwww-client/src/front/a.ts', 'packages/minwww-client/src/proxy/leaf.ts']
}

t.test('every rule finds what breaks it, in imports of types too', async t => {
  const files: Record<string, string> = {}
  for (const [file, imports] of Object.values(BREAKS)) {
    files[file] = `import type { X } from '${'../'.repeat(file.split('/').length - 1)}${imports}'\nexport type Y = X\n`
  }
  for (const [, imports] of Object.values(BREAKS)) if (!imports.endsWith('missing.ts')) files[imports] ??= 'export type X = number\n'
  files['packages/streaming/src/two.ts'] = "import type { Y } from './one.ts'\nexport type X = Y\n"
  const found = await violations(t.testdir(tree(files)))
  for (const [rule, [file]] of Object.entries(BREAKS)) t.ok(found.some(({ name, from }) => name === rule && from === file), rule)
  t.same(Object.keys(BREAKS).sort(), options.ruleSet?.forbidden?.map(({ name }) => name).sort(), 'no rule without an example')
})

t.test('an arrow along the layers breaks no rule', async t => {
  const found = await violations(t.testdir(tree({
    'packages/streaming/src/core/core.ts': "import { X } from '../../../i2cp/src/codec.ts'\nexport const Y = X\n",
    'packages/streaming/src/driver.ts': "import { Y } from './core/core.ts'\nexport const Z = Y\n",
    'packages/i2cp/src/codec.ts': 'export const X = 1\n'
  })))
  t.same(found, [])
})

async function violations (baseDir: string): Promise<Array<{ name: string, from: string }>> {
  const { output } = await cruise(['packages'], { ...options, baseDir })
  if (typeof output === 'string') throw new Error(output)
  return output.summary.violations.map(({ rule, from }) => ({ name: rule.name, from }))
}

type Tree = { [name: string]: string | Tree }

/** Nested as t.testdir() wants it. */
function tree (files: Record<string, string>): Tree {
  const root: Tree = {}
  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/')
    const file = names.pop() ?? ''
    let folder = root
    for (const name of names) {
      const next = folder[name] ?? {}
      if (typeof next === 'string') throw new Error(`${path}: ${name} is a file`)
      folder = folder[name] = next
    }
    folder[file] = text
  }
  return root
}

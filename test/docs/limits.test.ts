import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BOUNDS, documentLimits, keptBy, TESTED } from '../../scripts/limit-table.ts'
import { containersIn } from './containers.ts'
import { FIXED } from './fixed-containers.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PACKAGES = ['ground', 'i2cp', 'streaming', 'http', 'local-router', 'minwww-protocol', 'minwww-client', 'minwww-server']
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const sourcesOf = (name: string): string[] =>
  readdirSync(join(ROOT, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
    .map(file => file.replaceAll('\\', '/'))

const bounds = Object.entries(BOUNDS).flatMap(([name, table]) => Object.entries(table).map(([key, bound]) => ({ name, key, bound })))

t.test('everything that can grow has a bound, or a reason why it cannot', async t => {
  const found = PACKAGES.flatMap(name => sourcesOf(name)
    .flatMap(file => containersIn(file, read(`packages/${name}/src/${file}`)).map(container => `${name} ${file} ${container}`)))
  const bounded = bounds.flatMap(
    ({ name, bound }) => keptBy(bound).flatMap(({ file, containers }) => containers.map(container => `${name} ${file} ${container}`))
  )
  t.ok(found.length > 150, `${found.length} containers`)
  t.strictSame(found.filter(
    container => !bounded.includes(container) && !(container in FIXED)
  ), [], 'add a bound to bounds.ts of the package, or a reason to fixed-containers.ts')
  t.strictSame([...bounded, ...Object.keys(FIXED)].filter(container => !found.includes(container)), [], 'these are not there any more')
  t.strictSame(bounded.filter(container => container in FIXED), [])
})

t.test('this test can fail', async t => {
  const kept = (text: string): string[] => containersIn('x.ts', text)
  t.strictSame(kept('class A { readonly #a = new Map<string, number>(); b: number[] = []; #c = new Set(); #d: LRUCache; constructor () { ' +
    'this.#d = new LRUCache({}) } }'), ['#a', 'b', '#c', '#d'])
  t.strictSame(kept('class A { readonly #a: readonly string[] = []; readonly b: ReadonlySet<number> = new Set([1]) }'), [])
  t.strictSame(kept("const A = new Set(['x']); const b = new Map(); export const c = () => { b.set(1, 2); return A.has('x') }"), ['b'])
  t.strictSame(kept('function f () { const a = []; a.push(1); return a }'), [])
  t.strictSame(kept('async function f () { const a = []; for await (const b of c) a.push(b) }'), ['a'])
  t.strictSame(kept('function f (s) { const a = new Set(); s.on("x", x => a.add(x)) }'), ['a'])
  t.strictSame(kept('function f (s) { const a = new Set(); s.on("x", x => track(a, x)) }'), ['a'])
  t.strictSame(kept('function f (m) { let a = m.get(1); if (a === undefined) { a = new Map(); m.set(1, a) } }'), ['a'])
  t.strictSame(kept('const f = () => ({ waiting: [], seen: new Set() })'), ['waiting', 'seen'])
})

t.test('the registry', async t => {
  for (const { name, key, bound } of bounds) {
    t.ok(Number.isInteger(bound.most) && (bound.most > 0 || name + key === 'minwww-servercache'), `${name} ${key}: ${bound.most}`)
    t.ok(bound.name !== '' && bound.unit !== '' && bound.full !== '')
    for (const { file } of keptBy(bound)) t.ok(sourcesOf(name).includes(file), `${name} ${file}`)
  }
  for (const name of Object.keys(BOUNDS)) {
    const names = Object.values(BOUNDS[name]!).map(bound => bound.name)
    t.equal(new Set(names).size, names.length, 'a name says which')
  }
})

t.test('bounds that are tested', async t => {
  for (const [name, table] of Object.entries(TESTED)) {
    for (const [key, test] of Object.entries(table)) {
      t.ok(key in BOUNDS[name]!, `${name} ${key}`)
      const [, file = '', title = ''] = /^(\S+): (.*)$/.exec(test) ?? []
      t.ok(read(`packages/${name}/test/${file}`).includes(title), test)
    }
  }
})

t.test('docs/reference/limits.md is written from the registry', async t => {
  t.equal(read('docs/reference/limits.md'), documentLimits(), 'run: npm run docs:limits')
})

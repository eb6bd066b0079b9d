import t from 'tap'
import { withoutBenchmark } from '../src/commands/bench.ts'
import Type, { withDefaults, wrongWith, type Kind, type Static } from '../src/config/type.ts'

const NAME = Type.Union([Type.Literal('a'), Type.Literal('b')], { default: 'a' })
const SECTION = Type.Object({
  size: Type.Number({ minimum: 0, maximum: 2.5, default: 1 }),
  count: Type.Integer({ minimum: 1, maximum: 3 }),
  name: NAME,
  names: Type.Array(Type.String({ minLength: 1 }), { default: [], maxItems: 2 }),
  note: Type.Optional(Type.String({ minLength: 2, maxLength: 3 })),
  loud: Type.Boolean({ default: false })
})
const { size, count, name, names, note, loud } = SECTION.properties

t.test('each kind takes what fits, to the edge of its range', async t => {
  const good: Array<[Kind, unknown]> = [
    [size, 0], [size, 2.5], [count, 1], [count, 3], [name, 'b'], [names, []], [names, ['x', 'y']], [note, 'xy'], [note, 'xyz'], [loud, true]
  ]
  for (const [kind, value] of good) t.same(wrongWith(kind, value), [], JSON.stringify(value))
  const bad: Array<[Kind, unknown]> = [
    [size, -0.1], [size, 2.6], [size, NaN], [size, '1'], [count, 0], [count, 4], [count, 1.5], [name, 'c'], [name, undefined],
    [names, 'x'], [names, ['x', 'y', 'z']], [note, 'x'], [note, 'wxyz'], [note, 1], [loud, 'true'], [loud, 0], [{}, 'anything']
  ]
  for (const [kind, value] of bad) t.equal(wrongWith(kind, value).length, 1, JSON.stringify(value))
  t.same(wrongWith(names, ['x', '']), [{ index: 1, message: 'must have at least 1 characters' }])
  t.same(wrongWith(names, [1, 2]).map(({ index }) => index), [0, 1], 'each entry')
  t.match(wrongWith(note, 'x'), [{ message: 'must have 2 to 3 characters' }])
})

t.test('defaults are filled in, each time anew', async t => {
  const first = withDefaults(SECTION, { count: 2, loud: true })
  t.same(first, { size: 1, count: 2, name: 'a', names: [], loud: true })
  t.not(first.names, withDefaults(SECTION, {}).names)
  const settings: Static<typeof SECTION> = { size: 1, count: 2, name: 'b', names: ['x'], loud: false }
  t.notOk('note' in settings, 'optional in its type too')
})

t.test('bench without its package says which is missing, and nothing else is taken for that', async t => {
  const missing = (name: string): Error =>
    Object.assign(new Error(`Cannot find package '${name}' imported from x`), { code: 'ERR_MODULE_NOT_FOUND' })
  t.match(withoutBenchmark(missing('@minwww/benchmark')), {
    code: 'MINWWW_NO_BENCHMARK',
    status: 1,
    message: /install '@minwww\/benchmark'/
  })
  for (const other of [missing('pure-rand'), new Error('@minwww/benchmark')]) t.equal(withoutBenchmark(other), other)
})

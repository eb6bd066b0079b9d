import t from 'tap'
import { ReplayTable } from '../src/core/replay-table.ts'

const LIFE = 1_000

t.test('an OPEN is remembered for its life from when it came last, with its highest attempt', async t => {
  const table = new ReplayTable(LIFE)
  t.strictSame([table.size, table.nextTimeout(), table.find('a')], [0, undefined, undefined])
  const entry = table.record(0, 'a', 2)
  t.strictSame([entry.attempt, entry.seenAt, entry.isFetched], [2, 0, false])
  entry.markFetched()
  table.record(10, 'b', 0)
  t.equal(table.record(20, 'a', 1), entry)
  t.strictSame([entry.attempt, entry.seenAt, entry.isFetched], [2, 20, true])
  t.equal(table.record(30, 'a', 3).attempt, 3)
  t.strictSame([table.size, table.nextTimeout()], [2, 1_010])
  table.handleTimeout(1_009)
  t.equal(table.size, 2)
  table.handleTimeout(1_010)
  t.strictSame([table.find('b'), table.find('a'), table.nextTimeout()], [undefined, entry, 1_030])
  table.handleTimeout(1_030)
  t.equal(table.size, 0)
})

t.test('each part of a key tells OPENs apart', async t => {
  const key = (hash: string, session: string, id: number): string =>
    ReplayTable.key(Buffer.from(hash, 'latin1'), Buffer.from(session, 'latin1'), id)
  const keys = [key('a', 's', 1), key('b', 's', 1), key('a', 't', 1), key('a', 's', 2), key('\u00ff', 's', 1), key('\u00fe', 's', 1)]
  t.equal(new Set(keys).size, keys.length)
  t.equal(key('a', 's', 1), key('a', 's', 1))
})

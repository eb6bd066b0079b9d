import t from 'tap'
import { chmod, mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileSaver, isLeftover, writeAtomically } from '../src/node.ts'

t.test('a file is replaced as a whole, for its owner alone', async t => {
  const folder = t.testdir({ here: 'old' })
  const path = join(folder, 'here')
  await chmod(path, 0o644)
  await writeAtomically(path, 'new')
  t.equal(await readFile(path, 'utf8'), 'new')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  await writeAtomically(path, Buffer.from([1, 2]))
  t.strictSame([...await readFile(path)], [1, 2])
  t.strictSame(await readdir(folder), ['here'], 'nothing is left beside it')
})

t.test('a write that fails leaves the old file, and nothing else', async t => {
  const folder = t.testdir({ taken: { inside: '' } })
  await t.rejects(writeAtomically(join(folder, 'taken'), 'x'), { code: /EISDIR|ENOTEMPTY|EEXIST/ })
  await t.rejects(writeAtomically(join(folder, 'missing', 'x'), 'x'), { code: 'ENOENT' })
  t.strictSame(await readdir(folder), ['taken'])
})

t.test('what a kill leaves of a write is known by its name', async t => {
  const folder = t.testdir()
  const path = join(folder, 'a.tmp')
  let halfway: string[] = []
  const watched = async function * (): AsyncGenerator<string> {
    yield 'half'
    halfway = await readdir(folder)
    yield 'whole'
  }
  await writeAtomically(path, watched() as unknown as string)
  t.strictSame([halfway.length, ...halfway.map(isLeftover)], [1, true])
  t.notOk(isLeftover('a.tmp'))
})

t.test('saves go one after the other, each with what holds when its turn has come', async t => {
  const path = join(t.testdir(), 'file')
  const saver = new FileSaver(path)
  const made: number[] = []
  await Promise.all([1, 2, 3].map(async n => await saver.save(() => { made.push(n); return String(n) })))
  t.strictSame(made, [1, 2, 3])
  t.equal(await readFile(path, 'utf8'), '3')
})

t.test('one failed save breaks none of the later ones', async t => {
  const path = join(t.testdir(), 'file')
  const saver = new FileSaver(path)
  await mkdir(path)
  const failed = saver.save(() => 'in the way')
  await t.rejects(failed, { code: /EISDIR|ENOTEMPTY|EEXIST/ })
  await rmdir(path)
  const thrown = saver.save(() => { throw new Error('nothing to save') })
  const next = saver.save(() => 'saved')
  await t.rejects(thrown, /nothing to save/)
  await next
  t.equal(await readFile(path, 'utf8'), 'saved')
  await writeFile(path, '')
})

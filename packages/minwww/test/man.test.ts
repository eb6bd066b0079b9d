import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram } from 'minwww'
import { manPage } from '../src/man.ts'

type Command = ReturnType<typeof createProgram>

const page = manPage(createProgram())
/** Sections of the page by the command that they are of, as they read. */
const sections = new Map(page.split('\n.SS ').slice(1).map(text => {
  const plain = text.replaceAll('\\-', '-').replaceAll(/\\f[BIR]/g, '')
  return [plain.split('\n', 1)[0]!.replace(/ [[<].*$/, ''), plain]
}))

/** Every command below one, with its whole name. */
function * all (command: Command, path: string): Generator<[string, Command]> {
  for (const child of command.commands) {
    yield [`${path} ${child.name()}`, child]
    yield * all(child, `${path} ${child.name()}`)
  }
}

t.test('every command and option is in the manual page', async t => {
  const commands = [...all(createProgram(), 'minwww')]
  t.strictSame([...sections.keys()], commands.map(([path]) => path))
  for (const [path, command] of commands) {
    const text = sections.get(path) ?? ''
    const parent = command.parent === null ? '' : sections.get(path.replace(/ \S+$/, '')) ?? ''
    for (const { long, description } of command.options) {
      const own = text.includes(`\n${long}`) ? text : text.includes('apply.') ? parent : ''
      t.ok(own.includes(`\n${long}`) && own.includes(description.slice(0, 40)), `${path} ${long}`)
    }
    for (const argument of command.registeredArguments) {
      t.ok(text.includes(`.I ${argument.name()}\n`) || argument.description === '', `${path} ${argument.name()}`)
    }
  }
})

t.test('the package has it, and groff has nothing to say about it', async t => {
  const folder = join(import.meta.dirname, '..')
  const { man, files, scripts } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8')
  ) as { man: string, files: string[], scripts: { prepack: string } }
  t.equal(man, './man/minwww.1')
  t.ok(files.includes('man'))
  t.match(scripts.prepack, /write-man/)
  const file = join(t.testdir({}), 'minwww.1')
  writeFileSync(file, page)
  const { stdout, stderr, error } = spawnSync('groff', ['-ww', '-man', '-Tascii', '-P-cbou', file], { encoding: 'utf8' })
  if (error !== undefined) return t.comment('groff is not installed')
  t.equal(stderr, '')
  t.match(stdout, /minwww proxy \[options\]/)
  t.match(stdout, /--router HOST:PORT/)
})

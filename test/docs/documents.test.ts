import t from 'tap'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FAILURES } from '@minwww/client'
import { createProgram } from 'minwww'
import { documentErrors } from '../../scripts/error-table.ts'
import { commandsOf, DOCUMENTS, RUNS } from './commands.ts'

type Command = ReturnType<typeof createProgram>

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const list = (folder: string): string[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  .map(name => join(folder, name))

const words = (line: string): string[] => [...line.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word)

/** What is wrong with a `minwww` command, or undefined. `a|b` and `A|B` in a document stand for each of them. */
function fault (line: string): string | undefined {
  let commands: Command[] = [createProgram()]
  let isValue = false
  for (const word of words(line).slice(1)) {
    if (isValue) {
      isValue = false
      continue
    }
    if (word.startsWith('-')) {
      const name = word.split('=')[0]!
      const known = (command: Command): boolean => ['--help', '--version'].includes(name) ||
        command.options.some(({ long, short }) => long === name || short === name)
      if (!commands.every(known)) return `${name} is no option`
      isValue = !word.includes('=') && commands.some(command => command.options.some(({ long, required }) => long === name && required))
      continue
    }
    const next = commands.flatMap(command => word.split('|').map(part => command.commands.find(candidate => candidate.name() === part)))
    if (next.every(command => command !== undefined)) commands = next as Command[]
    else if (commands.every(command => command.commands.length > 0)) return `${word} is no command`
  }
}

t.test('every command of a document exists, with its options', async t => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  let seen = 0
  for (const file of DOCUMENTS) {
    for (const line of commandsOf(file)) {
      const minwww = /^(?:npx )?(?:--[a-z]+ )?(minwww (?!\d).*)$/.exec(line)?.[1]
      const script = /^npm (?:run ([\w:-]+)|(start|test)\b)/.exec(line)
      if (minwww !== undefined) {
        seen++
        t.equal(fault(minwww), undefined, `${file}: ${line}`)
      } else if (script !== null) {
        seen++
        t.ok((script[1] ?? script[2] ?? '') in scripts, `${file}: ${line}`)
      }
    }
  }
  t.ok(seen > 40, `${seen} commands`)
})

t.test('every command of a document has been run in that form', async t => {
  const shown = new Set(DOCUMENTS.flatMap(commandsOf))
  for (const command of shown) t.ok(command in RUNS, `${command}: run it, and write into test/docs/commands.ts by whom`)
  for (const [command, by] of Object.entries(RUNS)) {
    t.ok(shown.has(command), `${command}: in no document any more`)
    t.ok(by.startsWith('by hand, 20') || existsSync(join(ROOT, by)), by)
  }
})

t.test('this test can fail', async t => {
  t.match(fault('minwww exit --no-such-option'), /no option/)
  t.match(fault('minwww fly'), /no command/)
  t.ok(commandsOf('README.md').includes('npm start'))
  t.equal(fault('minwww keys new|show|export FILE'), undefined)
})

/** The fragments that links may name in a Markdown document: one for each of its headings, made as GitHub makes them. */
const fragments = (document: string): Set<string> => new Set(document.replace(/^```[^]*?^```/gm, '').match(/^#+ .*/gm)
  ?.map(heading => heading.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')))

t.test('links between documents lead somewhere, and to a heading that is there', async t => {
  t.same([...fragments('# A b: `c d`, e\n\n```\n# no heading\n```\n\n## The 2-nd')], ['a-b-c-d-e', 'the-2-nd'])
  for (const file of DOCUMENTS.filter(name => name.endsWith('.md'))) {
    const text = read(file)
    for (const [, target = '', fragment] of text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const path = target === '' ? file : join(dirname(file), target)
      t.ok(existsSync(join(ROOT, path)), `${file}: ${target}`)
      if (fragment !== undefined && path.endsWith('.md')) t.ok(fragments(read(path)).has(fragment), `${file}: ${target}#${fragment}`)
    }
  }
})

t.test('every file that the architecture names is there', async t => {
  const files = ['layers.config.js', ...readdirSync(join(ROOT, 'packages')).flatMap(name => list(`packages/${name}/src`))]
  const named = new Set([...read('docs/reference/architecture.md').matchAll(/`([\w./-]+\.(?:ts|js))`/g)].map(([, name = '']) => name))
  t.ok(named.size > 50, `${named.size} files`)
  for (const name of named) t.ok(files.some(file => file === name || file.endsWith(`/${name}`)), name)
})

t.test('the indexes name every page', async t => {
  for (const [index, folders] of [['docs/README.md', ['guide', 'reference', 'reports']], ['docs/adr/README.md', ['']]] as const) {
    const named = new Set([...read(index).matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => join(dirname(index), target)))
    for (const page of folders.flatMap(folder => list(join(dirname(index), folder)))) {
      if (page.endsWith('.md') && page !== index) t.ok(named.has(page), `${index}: ${page}`)
    }
  }
})

t.test('troubleshooting names pages by their titles', async t => {
  const pages = new Set(Object.values(FAILURES).map(({ title, status }) => `"${title}", ${status}`))
  const named = [...read('docs/guide/troubleshooting.md').matchAll(/^\| ("[^"]+", \d{3})/gm)].map(([, name = '']) => name)
  t.ok(named.length > 4, `${named.length} pages`)
  for (const name of named) t.ok(pages.has(name), name)
})

t.test('the table of errors is that of the sources', async t => {
  const errors = read('docs/reference/errors.md')
  t.equal(errors, documentErrors(), 'run: npm run docs:errors')
  const sources = readdirSync(join(ROOT, 'packages')).flatMap(name => list(`packages/${name}/src`)).filter(name => name.endsWith('.ts'))
    .map(read).join('\n')
  const codes = new Set(
    [...sources.matchAll(/(?:Error\(|Failure\(|code: |\| )'((?:I2CP|I2P|STREAMING|MINWWW|ROUTER)_[A-Z0-9_]+)'/g)].map(
      ([, code = '']) => code
    )
  )
  t.ok(codes.size > 60, `${codes.size} codes`)
  for (const code of codes) t.ok(errors.includes(`\`${code}\``), code)
})

import { readFileSync } from 'node:fs'
import { getStaticTOMLValue, ParseError, parseTOML, type AST } from 'toml-eslint-parser'
import { explain, UsageError } from '../errors.ts'
import type { Given, Layer } from './origin.ts'
import { SECTIONS, settingsOf, type Section } from './schema.ts'

/** Largest configuration file that is read, bytes. */
const MAX_CONFIG_BYTES = 1_048_576
/** Lines with bad syntax that are told at once; the rest of such a file is not looked at. */
const MAX_SYNTAX_ERRORS = 20

/** A configuration file: what its sections give, and what is wrong with its syntax and its names. */
export interface ConfigFile {
  sections: Partial<Record<Section, Layer>>
  problems: string[]
}

/** A key and its value, or a table alone, as the file has it. */
interface Entry { path: string[], line: number, value?: AST.TOMLContentNode }

/**
 * Reads a TOML configuration file. Bad syntax, and a section or a key that does not exist, are problems with their
 * line: a misspelt limit must not be a limit that is silently absent.
 * @throws CliError if the file cannot be read; UsageError if it is larger than 1 MiB
 */
export function readConfigFile (path: string): ConfigFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw explain(error, path)
  }
  if (text.length > MAX_CONFIG_BYTES) throw new UsageError(`${path}: larger than ${MAX_CONFIG_BYTES} bytes`)
  const { tree, problems } = parse(text.replace(/^\uFEFF/, ''))
  const sections = new Map<Section, Map<string, Given>>()
  const unknown = new Set<string>()
  for (const entry of entriesOf(tree)) {
    const [section = ''] = entry.path
    const problem = isSection(section) ? take(entry, section, path, sections) : notASection(section, unknown)
    if (problem !== undefined) problems.push({ line: entry.line, message: problem })
  }
  problems.sort((a, b) => a.line - b.line)
  return { sections: Object.fromEntries(sections), problems: problems.map(({ line, message }) => `${path}:${line}: ${message}`) }
}

interface Problem { line: number, message: string }

/** Parses a file. A line that is bad by itself is told and left out, so that the lines behind it are looked at too. */
function parse (text: string): { tree: AST.TOMLProgram | undefined, problems: Problem[] } {
  const lines = text.split('\n')
  const problems: Problem[] = []
  while (problems.length < MAX_SYNTAX_ERRORS) {
    try {
      return { tree: parseTOML(lines.join('\n'), { tomlVersion: '1.0' }), problems }
    } catch (error) {
      // Nested too deeply for the parser, for example.
      if (!(error instanceof ParseError)) {
        return { tree: undefined, problems: [...problems, { line: 1, message: `cannot be read as TOML: ${(error as Error).message}` }] }
      }
      const { lineNumber: line } = error
      const message = plain(error.message)
      problems.push({ line, message })
      const isDoubled = /multiple times/.test(error.message) && !/^\s*\[/.test(lines[line - 1] ?? '')
      if (!isDoubled && !isBadAlone(lines[line - 1] ?? '')) return { tree: undefined, problems }
      lines[line - 1] = ''
    }
  }
  return { tree: undefined, problems }
}

/** True for `key = value` that is wrong whatever stands around it. */
function isBadAlone (line: string): boolean {
  if (!/^\s*[\w."'-]+\s*=/.test(line) || /"""|'''/.test(line)) return false
  try {
    parseTOML(line, { tomlVersion: '1.0' })
    return false
  } catch {
    return true
  }
}

function plain (message: string): string {
  if (/multiple times/.test(message)) return 'this key or section is there twice'
  if (message === 'Unexpected character') return 'unexpected character; text must be in quotes: key = "text"'
  if (/newline/i.test(message)) return 'there is more behind the value; text must be in quotes: key = "text"'
  return message.charAt(0).toLowerCase() + message.slice(1)
}

function * entriesOf (tree: AST.TOMLProgram | undefined): Generator<Entry> {
  for (const node of tree?.body[0].body ?? []) {
    if (node.type === 'TOMLKeyValue') {
      yield * pairsOf(node, [])
    } else {
      const path = node.resolvedKey.map(String)
      const line = node.loc.start.line
      if (node.kind === 'array') {
        yield { path: [`[${path[0] ?? ''}]`], line }
        continue
      }
      yield { path, line }
      for (const pair of node.body) yield * pairsOf(pair, path)
    }
  }
}

function * pairsOf (node: AST.TOMLKeyValue, above: string[]): Generator<Entry> {
  const path = [...above, ...node.key.keys.map(key => key.type === 'TOMLBare' ? key.name : key.value)]
  const line = node.loc.start.line
  if (node.value.type !== 'TOMLInlineTable') return yield { path, line, value: node.value }
  yield { path, line }
  for (const pair of node.value.body) yield * pairsOf(pair, path)
}

const isSection = (name: string): name is Section => Object.hasOwn(SECTIONS, name)

/** One line for each of them is enough. */
function notASection (name: string, told: Set<string>): string | undefined {
  if (told.has(name)) return undefined
  told.add(name)
  return `[${name}] is not a section; there are ${Object.keys(SECTIONS).map(section => `[${section}]`).join(', ')}`
}

/** Takes one entry into its section, or says what is wrong with it. */
function take (
  { path, line, value }: Entry, section: Section, file: string, sections: Map<Section, Map<string, Given>>
): string | undefined {
  const [, fileKey, ...below] = path
  const given = sections.get(section) ?? new Map<string, Given>()
  sections.set(section, given)
  if (fileKey === undefined) return value === undefined ? undefined : `${section} is a section: write [${section}], and its settings below`
  const setting = settingsOf(section).find(setting => setting.fileKey === fileKey)
  if (setting === undefined || below.length > 0 || value === undefined) return `[${section}] has no setting '${path.slice(1).join('.')}'`
  const lines = value.type === 'TOMLArray' ? value.elements.map(element => element.loc.start.line) : undefined
  given.set(setting.key, {
    value: getStaticTOMLValue(value),
    origin: { kind: 'file', file, line, section, key: fileKey },
    ...(lines !== undefined && { lines })
  })
  return undefined
}

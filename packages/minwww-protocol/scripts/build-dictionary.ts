// Writes src/dictionary.ts from the heads in dictionary/*.http. Run: npx tsx packages/minwww-protocol/scripts/build-dictionary.ts
// Lines that several heads share go in once, the dearest to spell out last: deflate codes near matches shorter. The
// heads as the proxy rebuilds them end the dictionary, because a request is what must fit one tunnel message.
import { readFileSync, writeFileSync } from 'node:fs'

const LITERAL = 100
/** Heads at the end of requests.http that are kept whole. */
const WHOLE = 6
const folder = new URL('../', import.meta.url)

const requests = readHeads('requests')
const responses = readHeads('responses')
const dictionary = build()
writeFileSync(new URL('src/dictionary.ts', folder), moduleText(dictionary))
console.log(`${requests.length + responses.length} heads, ${dictionary.length} bytes`)

function readHeads (name: string): string[][] {
  const text = readFileSync(new URL(`dictionary/${name}.http`, folder), 'latin1')
  return text.trim().split('\n\n').map(head => head.split('\n'))
}

function build (): string {
  const tail = requests.slice(-WHOLE).map(generalHead).join('')
  const lines = [...rank(responses), ...rank(requests)].filter(line => !tail.includes(line))
  return lines.join('') + tail
}

/** Fragments of the fields, the ones that save most last. */
function rank (heads: string[][]): string[] {
  const counts = new Map<string, number>()
  for (const head of heads) {
    for (const line of new Set(head.map((text, i) => i === 0 ? startLine(text) : general(text)))) {
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
  }
  const saved = (line: string): number => counts.get(line)! * line.length
  return [...counts.keys()].sort((a, b) => saved(a) - saved(b) || (a < b ? -1 : 1))
}

function startLine (line: string): string {
  return line.replace(/(?<= https?:\/\/).* HTTP/, ' HTTP') + '\r\n'
}

/** Keeps of a value what another site would repeat: names, not numbers, tokens and dates. */
function general (line: string): string {
  const [name, ...rest] = line.split(': ') as [string, ...string[]]
  const value = rest.join(': ')
  const kept = /^(?:host|referer|origin|location|cookie)$/i.test(name)
    ? value.replace(/^(https?:\/\/|)[\w.]*.*/, '$1')
    : value.replace(/^(?:W\/)?"[^"]*"$/, '').replace(/\b[0-9a-zA-Z]{20,}\b.*/, '')
  return /^(?:content-length|age|content-range|cf-ray)$/i.test(name) ? `${name}: ` : `${name}: ${kept}\r\n`
}

function generalHead (head: string[]): string {
  return head.map((line, i) => i === 0 ? startLine(line) : general(line)).join('') + '\r\n'
}

function moduleText (text: string): string {
  const literals = []
  for (let at = 0; at < text.length; at += LITERAL) {
    literals.push('  ' + JSON.stringify(text.slice(at, at + LITERAL)).replaceAll("'", "\\'").replaceAll('\\"', '"').replace(/^"|"$/g, "'"))
  }
  return `// Written by scripts/build-dictionary.ts; a change needs a new id, for both ends must have the same bytes.

/** Version of the dictionary, which is the number of its coding. */
export const DICTIONARY_ID = 1

/** Preset dictionary of coding 1: ${text.length} bytes of HTTP heads. */
export const DICTIONARY = Buffer.from([
${literals.join(',\n')}
].join(''), 'latin1')
`
}

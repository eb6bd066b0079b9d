/** The commands that the documents show, and what has run each of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const list = (folder: string): string[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(name => join(folder, name))

export const DOCUMENTS = [
  'README.md', 'CHANGELOG.md', ...list('docs').filter(name => name.endsWith('.md')), ...readdirSync(join(ROOT, 'packages')).map(name => `packages/${name}/README.md`),
  ...list('packaging').filter(name => /\.service$|Containerfile$/.test(name))
]

/** How a command begins. In running text the name of a program alone is none. */
const COMMAND = /^(?:[A-Z_]+=\S+ )*(?:(?:npm|npx|minwww|node|curl|chromium|apt|apt-get|systemctl|ssh|kill|cargo|go|mvn|javap|podman|rm|mkdir|chown|cp|git|sudo) (?=[^<])|\.ci\/run$|(?:test|scripts|packages)\/\S+\.sh\b)/
/** Arguments for a command that is named nearby, such as `loss --delay 10`. */
const ARGUMENTS = /^(?:[a-z]+ )?--\w[\w-]* \S+ .*--|^--\w+ \d\S* .*|^(?:tunnels|payload|loss|burst|paths|publish) --/

/** Every command that a document shows, as it stands there, without prompt and comment. */
export function commandsOf (file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replaceAll('\\|', '|').replace(/\s*\\\n\s*/g, ' ')
  const fence = /^( *)```[a-z]*\n(.*?)^\1```/gms
  const blocks = [...text.matchAll(fence)].flatMap(([, , block = '']) => block.split('\n').map(line => line.trim().replace(/^\$ /, '')))
  const units = [...text.matchAll(/^(?:ExecStart=\/usr\/bin\/env |ExecReload=\/bin\/|RUN )(.+)$/gm)].map(([, code = '']) => code)
  const inline = [...text.replace(fence, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replace(/\s*\n[# ]*/g, ' '))
  const lines = [...blocks, ...units, ...inline].map(line => line.replace(/\s+#.*$/, ''))
  return [...new Set(lines.flatMap(line => ARGUMENTS.test(line) ? [line] : line.split(/\s*(?:&&|;)\s*/).filter(part => COMMAND.test(part))))]
}

/** What has run each command in that form: a test, or somebody. Commands that differ in what is filled in have one line each. */
export const RUNS: Record<string, string> = {}

import { settingsOf, type Section, type SettingInfo } from './schema.ts'

const WIDTH = 100

/**
 * A configuration file with every setting of the sections, its meaning and its default, all in comments: what is to be
 * changed loses its `#`. `set` are lines that are in force from the beginning, under the name of their setting.
 */
export function sampleConfig (sections: readonly Section[], set: Readonly<Record<string, string>> = {}): string {
  return `${HEAD}\n${sections.map(section => sampleOf(section, set)).join('\n')}`
}

const HEAD = `# Settings of MinWWW. What stands behind a # is not in force: a setting then has the value that is shown, or none.
# "minwww config check FILE" says all that is wrong with this file, "minwww config print FILE" what is in force.
`

function sampleOf (section: Section, set: Readonly<Record<string, string>>): string {
  const settings = settingsOf(section).flatMap(setting => {
    const own = set[`${section}.${setting.fileKey}`]
    return [...comment(sentence(setting.description)), own ?? `#${setting.fileKey} = ${valueOf(setting)}`, '']
  })
  return [`[${section}]`, '', ...settings].join('\n')
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(' (repeatable)', '')}.`

/** The default in TOML, or what a value looks like where there is none. */
function valueOf ({ kind, default: value, metavar = 'VALUE', isNumeric }: SettingInfo): string {
  if (kind === 'list') return isNumeric ? '[]' : `[] # ["${metavar}", ...]`
  if (value !== undefined) return JSON.stringify(value)
  return kind === 'number' ? '0' : `"${metavar}"`
}

/** Lines of a comment, broken between words. */
function comment (text: string): string[] {
  const lines = ['#']
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length >= WIDTH) lines.push('#')
    lines[lines.length - 1] += ` ${word}`
  }
  return lines
}

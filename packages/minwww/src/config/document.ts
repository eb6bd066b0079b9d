import { settingsOf, type Section, type SettingInfo } from './schema.ts'

/** The settings of all sections as Markdown tables: `docs/reference/options.md` is exactly this. */
export function documentSettings (): string {
  const seen = new Map<string, Section>()
  const sections = ORDER.map(section => {
    const rows: string[] = []
    const shared = new Map<Section, string[]>()
    for (const setting of settingsOf(section)) {
      const text = row(setting)
      const first = seen.get(text)
      if (first === undefined) rows.push(text)
      else shared.set(first, [...shared.get(first) ?? [], `\`${setting.flag}\``])
      seen.set(text, first ?? section)
    }
    const also = [...shared].map(([first, flags]) => `As \`${first}\`: ${flags.join(', ')}.`)
    return [`## ${section}`, '', ...also.flatMap(line => [line, '']), '| flag | default | meaning |', '|---|---|---|', ...rows].join('\n')
  })
  return `${HEAD}\n\n${sections.join('\n\n')}\n`
}

/** What the others share with a section is described there. */
const ORDER: readonly Section[] = ['proxy', 'exit', 'site', 'router', 'demo']

const HEAD = `# Options

Written by \`npm run docs:options\` from the configuration schema; a test compares them.

\`minwww demo|router|exit|proxy\` take each setting from four places. A later one wins:

| place | form of \`--limit-out 64\` for \`minwww exit\` | a list |
|---|---|---|
| the default | | |
| the file of \`--config FILE\` | \`limit-out = 64\` under \`[exit]\` | an array |
| the environment | \`MINWWW_EXIT_LIMIT_OUT=64\` | separated by white space |
| the flag | \`--limit-out 64\` | the flag repeated |

\`minwww config check FILE\` finds everything that is wrong with a file. \`minwww config print [FILE]\` prints every setting in force.

All settings are checked before the router is touched, and all errors are printed at once. Each names its file, line, section and key
(\`minwww.toml:3: [exit] console: ...\`), its variable or its flag. Status 2 means a wrong setting. Status 1 means a file,
directory or port that cannot be used.`

function row (setting: SettingInfo): string {
  const { flag, metavar, description, kind } = setting
  const usage = kind === 'boolean' ? flag : `${flag} ${metavar ?? 'VALUE'}`
  const value = kind === 'list' ? 'none' : setting.default === undefined ? '' : String(setting.default)
  return `| ${[`\`${usage}\``, value, description].map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

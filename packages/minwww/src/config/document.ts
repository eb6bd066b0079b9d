import { SECTIONS, settingsOf, type Section, type SettingInfo } from './schema.ts'

/** The settings of all sections as Markdown tables: `docs/reference/options.md` is exactly this. */
export function documentSettings (): string {
  const sections = (Object.keys(SECTIONS) as Section[]).map(section => [
    `## ${section}`, '',
    '| flag | in the file | environment | default | meaning |', '|---|---|---|---|---|',
    ...settingsOf(section).map(row)
  ].join('\n'))
  return `${HEAD}\n\n${sections.join('\n\n')}\n`
}

const HEAD = `# Options

Generated from the configuration schema by \`npm run docs:options\`; a test fails when it is not up to date.

\`minwww demo|router|exit|proxy\` take their settings from the schema's defaults, a TOML file (\`--config FILE\`), the
environment and flags; the later wins. In the file, the settings of a command are in its section, for example
\`limit-out = 64\` under \`[exit]\`. Lists are arrays in the file, repeated flags, or separated by white space in the
environment. \`minwww config check FILE\` says all that is wrong with a file, \`minwww config print [FILE]\` prints every
setting in force.

File, environment and flags go through the same checks, before the router is touched. All errors are said at once: with
file, line, section and key (\`minwww.toml:3: [exit] console: ...\`), with the variable, or with the flag. Status 2 is a
wrong setting, 1 a file, a directory or a port that cannot be used. At the start directories are made, and the ports must
be free; \`config check\` and SIGHUP do neither.`

function row (setting: SettingInfo): string {
  const { flag, metavar, fileKey, environment, description, kind } = setting
  const usage = kind === 'boolean' ? flag : `${flag} ${metavar ?? 'VALUE'}`
  const value = kind === 'list' ? 'none' : setting.default === undefined ? '' : String(setting.default)
  return `| ${[
    `\`${usage}\``, `\`${fileKey}\``, `\`${environment}\``, value, description
  ].map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

import { Argument, type Command } from 'commander'
import { addCommonOptions, contextOf } from '../command.ts'
import { checkAll } from '../config/check.ts'
import { sampleConfig } from '../config/sample.ts'
import { SECTIONS, settingsOf, type Section } from '../config/schema.ts'

export function addConfig (program: Command): void {
  const config = program.command('config').description('check, print or make a configuration file')
  const check = addCommonOptions(
    config.command('check').description('read a TOML file and say all that is wrong with it and with the environment').argument('<FILE>')
  )
  check.action(async (file: string) => {
    const sections = await resolveAll(file)
    const { reporter } = await contextOf(check, {})
    reporter.ready({ ok: true, sections: Object.keys(sections) }, [`${file}: correct`])
  })
  const print = addCommonOptions(
    config.command('print').description('print every setting in force: defaults, file, environment').argument('[FILE]')
  )
  print.action(async (file?: string) => {
    const sections = await resolveAll(file)
    const { reporter } = await contextOf(print, {})
    const { stringify } = await import('smol-toml')
    reporter.ready(sections, [stringify(sections).trimEnd()])
  })
  config.command('sample').description('print a file with every setting, its meaning and its default, all in comments')
    .addArgument(new Argument('[SECTION...]', 'only these').choices(Object.keys(SECTIONS)))
    .action((sections: Section[]) => {
      process.stdout.write(sampleConfig(sections.length === 0 ? Object.keys(SECTIONS) as Section[] : sections))
    })
}

/** The settings in force, by section, with the keys that the file uses. */
async function resolveAll (file: string | undefined): Promise<Record<string, Record<string, unknown>>> {
  const checked = await checkAll(file, Object.keys(SECTIONS) as Section[], process.env)
  return Object.fromEntries(checked.map(([section, settings]) => {
    const values: Record<string, unknown> = settings
    const named = settingsOf(section).map(({ key, fileKey }) => [fileKey, values[key]] as const)
    return [section, Object.fromEntries(named.filter(([, value]) => value !== undefined))]
  }))
}

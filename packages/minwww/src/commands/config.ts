import type { Command } from 'commander'
import { stringify } from 'smol-toml'
import { addCommonOptions, contextOf } from '../command.ts'
import { readConfigFile, readEnvironment, resolveSettings } from '../config/load.ts'
import { SECTIONS, settingsOf, type Section } from '../config/schema.ts'

export function addConfig (program: Command): void {
  const config = program.command('config').description('the configuration file')
  const check = addCommonOptions(config.command('check').description('read a TOML file and say what is wrong with it').argument('<FILE>'))
  check.action(async (file: string) => {
    const sections = resolveAll(file)
    const { reporter } = await contextOf(check, {})
    reporter.ready({ ok: true, sections: Object.keys(sections) }, [`${file}: correct`])
  })
  const print = addCommonOptions(config.command('print').description('print every setting in force: defaults, file, environment').argument('[FILE]'))
  print.action(async (file?: string) => {
    const sections = resolveAll(file)
    const { reporter } = await contextOf(print, {})
    reporter.ready(sections, [stringify(sections).trimEnd()])
  })
}

/** The settings in force, by section, with the keys that the file uses. */
function resolveAll (file: string | undefined): Record<string, Record<string, unknown>> {
  const raw = file === undefined ? {} : readConfigFile(file)
  const sections: Record<string, Record<string, unknown>> = {}
  for (const section of Object.keys(SECTIONS) as Section[]) {
    const settings: Record<string, unknown> = resolveSettings(section, [raw[section], readEnvironment(section, process.env)])
    const named = settingsOf(section).map(({ key, fileKey }) => [fileKey, settings[key]] as const)
    sections[section] = Object.fromEntries(named.filter(([, value]) => value !== undefined))
  }
  return sections
}

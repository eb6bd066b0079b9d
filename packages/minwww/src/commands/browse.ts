import { Option, type Command } from 'commander'
import { addCommonOptions, contextOf, optionOf } from '../command.ts'
import { settingsOf, type SettingInfo } from '../config/schema.ts'
import type { BrowseFlags } from '../run/browse.ts'

const DEFAULT_PROXY = '127.0.0.1:4480'
/** Settings of the proxy that `browse` has of its own, or that make no sense for one person's browser. */
const LEFT_OUT = new Set(['proxy', 'auth', 'isolate', 'administrator', 'hostname'])

export function addBrowse (program: Command): void {
  const command = addCommonOptions(
    program.command('browse').description('open Firefox or Chromium with a profile of its own that is set for the proxy')
  )
    .argument('[URL]', 'first page (default: the one that says whether it works)')
    .argument('[ARGUMENTS...]', 'behind --: arguments for the browser')
    .addOption(new Option('--proxy <HOST:PORT>', 'the proxy; it is started if none runs there').default(DEFAULT_PROXY))
    .option('--browser <NAME>', 'firefox, chromium, or the path of a program')
    .option('--profile <DIR>', 'folder of the profile (default: one that is kept)')
    .option('--temporary', 'delete the profile when the browser ends')
    .option('--config <FILE>', 'TOML file for the proxy that is started')
  const settings = settingsOf('proxy').filter(({ key }) => !LEFT_OUT.has(key))
  for (const setting of settings) command.addOption(setting.kind === 'list' ? listOption(setting) : optionOf(setting))
  command.action(async (url: string | undefined, browserArgs: string[]) => {
    const flags = command.opts<BrowseFlags & Record<string, unknown>>()
    const { reporter } = await contextOf(command, {})
    const { runBrowse } = await import('../run/browse.ts')
    await runBrowse({ flags, url, browserArgs, proxyArgs: proxyArgs(settings, flags), reporter })
  })
}

/** One value each time: a list would take the address behind it as well. */
function listOption (setting: SettingInfo): Option {
  const option = optionOf(setting)
  option.variadic = false
  return option.argParser((value, before: string[] = []) => [...before, value])
}

/** The options of the proxy as they were given, for a command of its own. */
function proxyArgs (settings: readonly SettingInfo[], flags: Readonly<Record<string, unknown>>): string[] {
  const given = settings.flatMap(({ key, flag }) => {
    const value = flags[key]
    if (value === undefined) return []
    if (value === true) return [flag]
    return (Array.isArray(value) ? value : [value]).flatMap(entry => [flag, String(entry)])
  })
  return typeof flags.config === 'string' ? ['--config', flags.config, ...given] : given
}

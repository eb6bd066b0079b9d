import { Option, type Command } from 'commander'
import { checkSettings, readFile } from './config/check.ts'
import { flagLayer } from './config/load.ts'
import type { Moment } from './config/report.ts'
import { settingsOf, type Section, type SettingInfo, type Settings } from './config/schema.ts'
import { createLogger, createReporter, readerOf, type Logger, type Reporter } from './output.ts'

/** What every command gets: its settings, the log, and the way to answer. */
export interface Context<T> {
  settings: T
  logger: Logger
  reporter: Reporter
  json: boolean
  /** Reads file and environment once more, and checks them; flags stay as they are. Rejects with SettingsError. */
  reread?: () => Promise<T>
}

interface CommonOptions { json?: true, logLevel: string, config?: string }

/** Where the router's I2CP is unless somebody says otherwise, on every command. */
export const DEFAULT_ROUTER = '127.0.0.1:7654'

/** Adds the options of the commands that need a router and have no section in the configuration. */
export function addRouterOptions (command: Command): Command {
  return command
    .addOption(new Option('--router <HOST:PORT>', 'I2CP address of the router').default(DEFAULT_ROUTER))
    .option('--allow-plain-remote', 'allow I2CP without TLS to a router that is not on this machine')
}

/** Adds the options that all commands have: `--json` and `--log-level`. */
export function addCommonOptions (command: Command): Command {
  return command
    .option('--json', 'print one line of JSON when ready; the log goes to standard error')
    .addOption(new Option('--log-level <LEVEL>', 'least severe level that is logged')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn').env('MINWWW_LOG_LEVEL'))
}

/** Reads `--json` and `--log-level` and makes the log and the reporter from them. */
export async function contextOf<T> (command: Command, settings: T): Promise<Context<T>> {
  const { json = false, logLevel } = command.opts<CommonOptions>()
  const reader = readerOf(json)
  const logger = await createLogger(logLevel, reader)
  return { settings, logger, reporter: createReporter(json, reader, logger), json }
}

/**
 * Gives a command the options of one section of the configuration schema, so that flags, environment, file and
 * documentation cannot drift apart, and calls `run` with the checked settings.
 */
export function addServiceCommand<S extends Section> (
  parent: Command, section: S, description: string, run: (context: Context<Settings<S>>) => Promise<void>
): Command {
  const command = addCommonOptions(parent.command(section).description(description))
    .option('--config <FILE>', 'TOML file; environment and flags win over it')
  for (const setting of settingsOf(section)) command.addOption(optionOf(setting))
  return command.action(async () => {
    const settings = await settingsFrom(command, section, 'start')
    await run({ ...await contextOf(command, settings), reread: async () => await settingsFrom(command, section, 'later') })
  })
}

/** One setting of the schema as an option of a command. */
export function optionOf (setting: SettingInfo): Option {
  const { flag, metavar = 'VALUE', description, kind } = setting
  if (kind === 'boolean') return new Option(flag, description)
  const option = new Option(`${flag} <${metavar}${kind === 'list' ? '...' : ''}>`, description)
  // Commander sees the dots only after a letter, not after the bracket of `CIDR[:PORT]...`.
  option.variadic = kind === 'list'
  const shown = setting.default
  // Commander only shows the default; the schema applies it, so that the file and the environment can come between.
  if (shown !== undefined && kind !== 'list') option.description += ` (default: ${String(shown)})`
  return option
}

async function settingsFrom<S extends Section> (command: Command, section: S, moment: Moment): Promise<Settings<S>> {
  const { config } = command.opts<CommonOptions>()
  return await checkSettings(section, {
    ...(config !== undefined && { file: await readFile(config) }),
    environment: process.env,
    flags: flagLayer(section, command.opts<Record<string, unknown>>())
  }, moment)
}

import type { Command, Option } from 'commander'

/** The manual page minwww(1) as man(7) macros, from what every `--help` says. */
export function manPage (program: Command): string {
  const commands = descendants(program)
  return [
    `.TH MINWWW 1 "" "minwww ${escape(program.version() ?? '')}" "User Commands"`,
    '.nh',
    '.SH NAME', `minwww \\- ${escape(program.description())}`,
    '.SH SYNOPSIS', ...program.commands.map(command => `.B ${escape(pathOf(command))}\n${usageOf(command)}\n.br`),
    '.SH DESCRIPTION', ...paragraphs(DESCRIPTION),
    '.SH OPTIONS', ...program.createHelp().visibleOptions(program).flatMap(option => entry(program, option)),
    '.SH COMMANDS', ...commands.flatMap(section),
    '.SH EXIT STATUS', ...STATUSES.flatMap(([status, meaning]) => ['.TP', `.B ${status}`, escape(meaning)]),
    '.SH SIGNALS', ...SIGNALS.flatMap(([signal, meaning]) => ['.TP', `.B ${signal}`, escape(meaning)]),
    '.SH ENVIRONMENT', ...paragraphs(ENVIRONMENT),
    ''
  ].join('\n')
}

const DESCRIPTION = [
  'MinWWW fetches web pages over I2P with as few tunnel traversals as there can be. A proxy takes the requests of a browser and ' +
  'sends each as one message to one of a pool of exits; the exit fetches the page and sends it back.',
  'Every command prints one line of JSON with --json when it is ready; the log goes to standard error. Settings of demo, proxy, exit ' +
  'and router come from their defaults, a TOML file, the environment and flags; the later wins.'
]

const STATUSES = [
  ['0', 'the job is done, or SIGTERM or SIGINT has ended it'],
  ['1', 'the job could not be done'],
  ['2', 'the command was used wrongly: an unknown option, a wrong value or a wrong configuration file']
] as const

const SIGNALS = [
  ['SIGTERM, SIGINT', 'end the command; an exit with --drain-time finishes what it has before. A second one ends it at once.'],
  ['SIGHUP', 'proxy and exit read their configuration file and their lists again.']
] as const

const ENVIRONMENT = [
  'Each setting of demo, proxy, exit and router has a variable: MINWWW_ and the name of the command and of the setting, for example ' +
  'MINWWW_PROXY_ROUTER. Lists are separated by white space. minwww config print says what is in force.'
]

/** One command: how it is called, what it does, its arguments and options. What its parent has too is said there. */
function section (command: Command): string[] {
  const help = command.createHelp()
  const inherited = new Set(command.parent?.options.map(({ long }) => long))
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help' && !inherited.has(long))
  const apply = command.parent?.parent != null && inherited.size > 0 ? [`The options of ${pathOf(command.parent)} apply.`] : []
  return [
    `.SS ${escape(pathOf(command))} ${usageOf(command)}`.trimEnd(),
    ...paragraphs([`${sentence(command.description())}`, ...apply]),
    ...help.visibleArguments(command).flatMap(
      argument => ['.TP', `.I ${escape(help.argumentTerm(argument))}`, escape(sentence(argument.description))]
    ),
    ...options.flatMap(option => entry(command, option))
  ]
}

function entry (command: Command, option: Option): string[] {
  const help = command.createHelp()
  const [flags = '', value = ''] = split(help.optionTerm(option))
  return [
    '.TP', `\\fB${escape(flags)}\\fR${value === '' ? '' : ` \\fI${escape(value)}\\fR`}`, escape(sentence(help.optionDescription(option)))
  ]
}

/** `--router <HOST:PORT>` without the brackets. */
const split = (term: string): string[] => /^(.*?)(?: [<[](.*)[>\]])?$/.exec(term)!.slice(1)

function usageOf (command: Command): string {
  return command.usage().split(' ').filter(word => word !== '').map(word => `\\fI${escape(word)}\\fR`).join(' ')
}

function descendants (command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...descendants(child)])
}

function pathOf (command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

const sentence = (text: string): string => text === '' || /[.!?)]$/.test(text) ? text : `${text}.`

const paragraphs = (texts: readonly string[]): string[] => texts.filter(text => text !== '').flatMap(text => ['.PP', escape(text)])

/** Text that troff prints as it is: hyphens that can be copied, no requests at the start of a line. */
const escape = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^(?=[.'])/, '\\&')

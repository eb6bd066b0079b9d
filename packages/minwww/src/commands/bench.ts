import { InvalidArgumentError, Option, type Command } from 'commander'
import type { RouterKind, ScenarioName } from '@minwww/benchmark'
import { CliError, UsageError } from '../errors.ts'
import type { BenchFlags } from '../run/bench.ts'

const SCENARIOS: ReadonlyArray<readonly [ScenarioName, string]> = [
  ['grid', 'the protocol cores in virtual time over sizes, latencies, losses and bandwidths; the same figures on every machine'],
  ['tunnel', 'wall clock over one router on this machine: MinWWW, our streaming, Java I2P streaming'],
  ['post', 'bodies of 1 to 120 KB that go up, until the answer of the site: by messages, by stream, Java I2P streaming'],
  ['large', 'what is above 128 KiB, 200 KB to 8 MB: first byte and all of it; with --routers over the closed network'],
  ['burst', 'twenty objects at once, 1.26 MB: a fresh client and a warm one; with --routers over the closed network'],
  ['load', 'pages a second and CPU of a page, over many clients and requests at once'],
  ['routers', "closed network of i2pd or Java routers (root, i2pd, iproute2): MinWWW and the routers' own tunnels"],
  ['pages', 'pages with ten pictures and with forty (1.8 MB) in Chromium; with --routers over the closed network'],
  ['https', 'one object and a page over TLS 1.3 through CONNECT, HTTP/1.1 and HTTP/2, new and resumed'],
  ['i2cp', 'messages per second and CPU of the I2CP client, against go-i2cp'],
  ['cost', 'tunnel messages, bytes, acknowledgements and CPU of a page'],
  ['steps', 'who sends what when, and how many traversals each design needs']
]

export function addBench (program: Command): void {
  const bench = options(
    program.command('bench').description(
      'measure MinWWW against streaming and I2PTunnel on this machine; without SCENARIO everything that can run here'
    )
  )
  bench.argument('[SCENARIO]', `one of ${[...SCENARIOS.map(([name]) => name), 'url'].join(', ')}`)
  bench.action(async (name?: string) => {
    if (name !== undefined) {
      throw new UsageError(`'${name}' is no scenario; there are ${[...SCENARIOS.map(([known]) => known), 'url'].join(', ')}`)
    }
    await start(bench, undefined, [])
  })
  for (const [name, description] of SCENARIOS) {
    const command = options(bench.command(name).description(description))
    command.action(async () => { await start(command, name, []) })
  }
  const url = options(bench.command('url').description('measure HTTP proxies that already run').argument('<URL...>', 'what is fetched'))
    .requiredOption('--via <PROXY>', 'HTTP proxy, http://HOST:PORT; once for each', collect)
    .addOption(new Option('--count <N>', 'the same as --runs').argParser(number(1, 100_000)))
  url.action(async (urls: string[]) => { await start(url, 'url', urls) })
}

/** Commander gives options that a parent knows too to the parent, wherever they stand. */
async function start (command: Command, scenario: ScenarioName | undefined, urls: string[]): Promise<void> {
  const { runBenchCommand } = await import('../run/bench.ts').catch((error: unknown) => { throw withoutBenchmark(error) })
  await runBenchCommand(command.optsWithGlobals<BenchFlags & { count?: number }>(), scenario, urls)
}

/** What measures is a package of its own, which nobody needs in order to browse. */
export function withoutBenchmark (error: unknown): unknown {
  const { code, message = '' } = error as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'@minwww/benchmark'")) return error
  return new CliError('MINWWW_NO_BENCHMARK', "the benchmark is not installed; install '@minwww/benchmark' beside minwww")
}

function options (command: Command): Command {
  return command
    .option('--quick', 'fewer measurements')
    .addOption(new Option('--seed <N>', 'seed of order, bodies and modelled network').default(1).argParser(number(0, 2 ** 31 - 1)))
    .option('--json', 'print the report as JSON; progress goes to standard error')
    .option('--out <DIR>', 'write report.json and report.html there; an interrupted run goes on where it was')
    .addOption(new Option('--runs <N>', 'measurements of each point').argParser(number(1, 100_000)))
    .addOption(new Option('--latency <MS>', 'one way; of one link in routers').argParser(number(0, 60_000)))
    .addOption(new Option('--loss <PERCENT,...>', 'of tunnel messages; of packets on one link in routers').argParser(list(number(0, 50))))
    .addOption(new Option('--sizes <KB,...>', 'sizes of the pages').argParser(list(number(1, 16_384))))
    .addOption(new Option('--hops <N,...>', 'tunnel lengths, with --routers').argParser(list(number(0, 7))))
    .addOption(new Option('--routers <KIND,...>', 'i2pd, java, mixed (four of each) in routers, burst, pages, https, post and large')
      .argParser(list(routerKind)))
    .addOption(new Option('--concurrency <N,...>', 'pages at the same time in routers and load').argParser(list(number(1, 100))))
    .addOption(new Option('--designs <NAME,...>', 'only these of minwww, i2pd and java, with --routers')
      .argParser(list(text => text)))
    .addOption(new Option('--clients <N,...>', 'how many in load').argParser(list(number(1, 500))))
    .option('--base <DIR>', 'load: a checkout of another version, built, measured beside this one')
    .addOption(new Option('--minutes <N>', 'goes on for so long in each network of routers').argParser(number(0, 1440)))
}

function number (low: number, high: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= low && value <= high)) throw new InvalidArgumentError(`give a number from ${low} to ${high}.`)
    return value
  }
}

function routerKind (text: string): RouterKind {
  if (text !== 'i2pd' && text !== 'java' && text !== 'mixed') throw new InvalidArgumentError('give i2pd, java or mixed.')
  return text
}

function list<T> (parse: (text: string) => T): (text: string) => T[] {
  return text => text.split(',').map(parse)
}

function collect (text: string, before: string[] = []): string[] {
  return [...before, text]
}

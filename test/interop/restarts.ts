/**
 * How long a page takes to come again after an exit, its router or the proxy's router was started anew, and whether the proxy
 * goes deaf afterwards: the figures of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/restarts.ts [WHAT-HOW...] [options]
 *
 * WHAT: exit, exit-router, proxy-router; HOW: kill, stop; default all six. Options: --suite bookworm|trixie|sid, --hops 1,
 * --delay MS, --exits 1 (that which answered most lately is restarted), --after 60 (s that are watched afterwards), --rounds 1,
 * --keep DIR (routers and exits log at debug; their folders and the services' logs go there where a first page takes longer than 10 s, or
 * one is late), --option NAME=VALUE (of all sessions), --apart (tunnels of one hop, none of proxy and exits by way of
 * their routers, as in a network of more than eight; i2pd 2.59).
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fetchPage, logLines, startService, type Service } from '../e2e/harness.ts'
import { i2cpFlags, inPlace } from './place.ts'

const WHATS = ['exit', 'exit-router', 'proxy-router'] as const
const HOWS = ['kill', 'stop'] as const
const PROXY_ROUTER = 3
const FIRST_EXIT_ROUTER = 4
const ROUTERS = 8
/** Hashes of routers that fit into one option. */
const MOST_PEERS = 5
/** Pages are asked for so often, ms, each with so much time, s. */
const EVERY = 500
const PATIENCE = 60
/** An exit's session comes back within this, ms. */
const READY_PATIENCE = 120_000
/** A page of the time afterwards that takes longer is late, ms. */
const LATE = 5_000
/** A first page after so long is worth an inquiry, ms. */
const WORTH_KEEPING = 10_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string' },
    hops: { type: 'string', default: '1' },
    delay: { type: 'string', default: '10' },
    exits: { type: 'string', default: '1' },
    after: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '1' },
    keep: { type: 'string' },
    option: { type: 'string', multiple: true, default: [] },
    apart: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false }
  }
})
const cases = WHATS.flatMap(what => HOWS.map(how => ({ what, how, name: `${what}-${how}` })))
  .filter(({ name }) => positionals.length === 0 || positionals.includes(name))

interface Asked { at: number, took?: number, status?: number }

const logLevel = values.keep === undefined ? 'warn' : 'debug'

await inPlace({ suite: values.suite, delay: values.delay, logLevel }, async ({ network, owner, routerAt, site }) => {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-restarts-'))
  owner.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const exitRouters = Array.from({ length: Number(values.exits) }, (_, index) => FIRST_EXIT_ROUTER + index)
  const others = Array.from({ length: ROUTERS }, (_, index) => index + 1).filter(k => k !== PROXY_ROUTER && !exitRouters.includes(k))
  const apart = values.apart ? [`trustedRouters=${others.slice(-MOST_PEERS).map(k => network.routerHash(k)).join(',')}`] : []
  const options = i2cpFlags(values.hops, ...apart, ...values.option)
  /** When each exit's site was asked last. */
  const lately = exitRouters.map(() => 0)
  const exitArguments = await Promise.all(exitRouters.map(async (k, index) => {
    const { origin, server } = await site()
    server.on('request', () => { lately[index] = performance.now() })
    return [
      // At info an exit says when its session is ready again, at debug also what it was asked.
      'exit', '--router', await routerAt(k), '--keys', join(folder, `exit${k}`),
      '--log-level', values.keep === undefined ? 'info' : 'debug',
      '--site', `site.i2p=${origin}`, ...options
    ]
  }))
  const exits = await Promise.all(exitArguments.map(async args => await startService(owner, args)))
  const proxy = await startService(owner, [
    'proxy', '--router', await routerAt(PROXY_ROUTER), '--proxy', '127.0.0.1:0', '--timeout', String(PATIENCE),
    '--log-level', values.keep === undefined ? 'info' : 'debug',
    ...options, ...exits.flatMap(exit => ['--exit', exit.json.destination as string])
  ])
  const asked: Asked[] = []
  const over = new AbortController()
  const pages: Array<Promise<void>> = []
  const ask = async (): Promise<void> => {
    const page: Asked = { at: performance.now() }
    asked.push(page)
    await fetchPage(`http://site.i2p/bytes/2000?${page.at}`, proxy.json.proxy as string)
      .then(({ status, took }) => { page.took = took; page.status = status }, () => { page.took = performance.now() - page.at })
  }
  const asking = (async () => {
    while (!over.signal.aborted) {
      pages.push(ask())
      await sleep(EVERY)
    }
  })()
  const cameAfter = async (from: number, limit: number): Promise<number> => {
    for (;;) {
      const came = asked.filter(({ status }) => status === 200).map(({ at, took = Infinity }) => at + took).filter(at => at >= from)
      if (came.length > 0) return Math.min(...came) - from
      if (performance.now() > from + limit) return Infinity
      await sleep(100)
    }
  }
  await cameAfter(performance.now(), 60_000)
  for (const { what, how, name } of Array.from({ length: Number(values.rounds) }, () => cases).flat()) {
    await sleep(20_000)
    const one = lately.indexOf(Math.max(...lately))
    const began = performance.now()
    let readyAt = began
    if (what === 'exit') {
      await exits[one]!.stop(how === 'kill' ? 'SIGKILL' : 'SIGTERM')
      exits[one] = await startService(owner, exitArguments[one]!)
      readyAt = performance.now()
    } else {
      const k = what === 'exit-router' ? exitRouters[one]! : PROXY_ROUTER
      if (how === 'kill') await network.kill(k)
      else await network.end(k)
      await sleep(1_000)
      const before = readyCount(exits[one]!)
      await network.start(k)
      // An exit's tunnels come back by themselves.
      if (what === 'exit-router') await untilReady(exits[one]!, before)
      readyAt = performance.now()
    }
    const first = await cameAfter(readyAt, 180_000)
    const from = performance.now()
    await sleep(1000 * Number(values.after))
    const during = asked.filter(({ at }) => at >= began && at < readyAt + first)
    const afterwards = asked.filter(({ at }) => at >= from && at < performance.now() - 10_000)
    const late = (list: Asked[]): number => list.filter(({ took = Infinity, status }) => status !== 200 || took > LATE).length
    const slowest = Math.max(0, ...during.map(({ took = Infinity }) => took))
    if (values.keep !== undefined && (first > WORTH_KEEPING || late(during) > 0)) {
      const kept = join(values.keep, `${name}-${Math.round(performance.timeOrigin + began)}`)
      cpSync(network.directory, kept, { recursive: true, filter: file => !file.endsWith('.sock') })
      writeFileSync(join(kept, 'proxy.log'), proxy.stderr())
      for (const [index, exit] of exits.entries()) writeFileSync(join(kept, `exit${index}.log`), exit.stderr())
      writeFileSync(join(kept, 'pages.json'), asked.map(page => `${JSON.stringify({ ...page, at: page.at - began })}\n`).join(''))
      console.log(`kept in ${kept}`)
    }
    console.log(
      `${values.suite ?? 'own'} ${name}: ready ${seconds(readyAt - began)} after its end, first page ${seconds(first)} later; ` +
      `of ${during.length} pages meanwhile ${late(during)} failed or late, the slowest ${seconds(slowest)}; ` +
      `afterwards ${late(afterwards)} of ${afterwards.length}`
    )
  }
  over.abort()
  await asking
  if (values.log) for (const line of logLines(proxy.stderr())) console.log(JSON.stringify(line))
})

async function untilReady (exit: Service, before: number): Promise<void> {
  for (const deadline = performance.now() + READY_PATIENCE; readyCount(exit) === before && performance.now() < deadline;) await sleep(50)
}

/** How often an exit's session has become ready. */
function readyCount (exit: Service): number {
  return logLines(exit.stderr()).filter(({ msg, state }) => msg === 'I2CP session' && state === 'ready').length
}

function seconds (milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

// The long run for some seconds, ended by SIGINT; and that its verdict can be bad.
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { absences, verdict, type Run } from '../../scripts/soak/long-run/verdict.ts'
import { logLines, ROOT, temporaryFolder } from './harness.ts'

t.setTimeout(240_000)

const COMMAND = ['--conditions=@minwww/source', '--import', 'tsx', 'scripts/soak/long-run.ts']
const SOME_PAGES = 10

t.test('browses through faults, reports when it is ended, leaves nothing', async t => {
  const out = temporaryFolder(t)
  const journal = join(out, 'run.jsonl')
  const child = spawn(process.execPath, [
    ...COMMAND, '--network', 'embedded', '--minutes', '3', '--rate', '10', '--fault-every', '1', '--sample-every', '0.5', '--out', out
  ], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  // With all that it has said.
  const ended = once(child, 'close')
  const records = (): Array<Record<string, any>> => existsSync(journal) ? logLines(readFileSync(journal, 'utf8')) : []
  const count = (type: string): number => records().filter(record => record.type === type).length
  while (child.exitCode === null && (count('page') < SOME_PAGES || count('fault') < 1)) await delay(100)
  t.ok(services(out).length > 0, 'services run')
  child.kill('SIGINT')
  const [status] = await ended as [number | null]
  t.ok(status === 0 || status === 1, output)
  t.match(output, /0 with wrong bytes/)
  t.match(readFileSync(join(out, 'report.html'), 'utf8'), /<svg[^]*Faults[^]*Failed pages[^]*Trends/)
  t.strictSame([...new Set(records().filter(({ heap }) => heap > 0).map(({ name }) => name as string))].sort(), [
    'exit 1', 'exit 2', 'exit 3', 'proxy', 'router'
  ])
  t.strictSame(services(out), [], 'no process is left')
})

t.test('what waited for the proxy\'s own router is told apart', t => {
  const page = (began: number, took: number, kind = 'page') => ({ kind, url: '', size: 1, began, took, received: 1, outcome: 'ok' })
  const pages = [
    page(1_000, 50), page(9_000, 31_200), page(12_000, 28_300), page(20_000, 40_000), page(39_000, 1_500), page(50_000, 15_001),
    page(15_000, 60_000, 'foreign')
  ]
  const faults = [
    { name: 'router 1 killed', began: 10_000, ended: 30_000, usable: 40_000 }, { name: 'exit 2 killed', began: 45_000, ended: 46_000 }
  ]
  const run: Run = { began: 0, ended: 60_000, pages, faults, samples: [], troubles: [] }
  t.strictSame(absences(run), [{ fault: faults[0], waited: 4, slowest: 40_000, beyond: 20_000 }])
  t.match(verdict(run).lines.join('\n'), new RegExp([
    'own sites: 6 pages, 0 failed; .*; over 15 s 4 \\(66.67 %\\), without .* router 2 \\(33.33 %\\)',
    'foreign site: 1 pages, 0 failed; .*; over 15 s 1 \\(100.00 %\\), .* 1 \\(100.00 %\\)',
    'router 1 killed: started again after 20.0 s, tunnels of another client after 30.0 s; 4 pages waited, ' +
      'the slowest for 40.0 s, at most 20.0 s longer'
  ].join('\n')))
  t.end()
})

/** Command lines of the processes that were started for a run. */
function services (out: string): string[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(commandLine).filter(line => line.includes(join(out, 'services')))
}

/** Empty for a process that has ended. */
function commandLine (pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

t.test('a verdict', async t => {
  const page = { kind: 'page', url: '', size: 1, began: 10_000, took: 100, received: 1, outcome: 'ok' }
  const fault = { name: 'router killed', began: 5_000, ended: 8_000 }
  const sample = (i: number, heap: number) => ({
    at: i * 15_000, name: 'proxy', pid: 1, rss: 1e8, fds: 20, sockets: 10, cpu: 1, files: 0, log: 0, heap, buffers: 0, timers: 1, handles: 5
  })
  const samples = (growth: number) => Array.from({ length: 60 }, (_, i) => sample(i, 3e7 + growth * i))
  const run: Run = { began: 0, ended: 900_000, pages: [page], faults: [fault], samples: samples(0), troubles: [] }
  const isGood = (changes: Partial<Run>): boolean => verdict({ ...run, ...changes }).good
  t.equal(isGood({}), true)
  t.equal(isGood({ pages: [] }), false, 'nothing came')
  t.equal(isGood({ pages: [page, { ...page, outcome: '502 MINWWW_CONNECTION_FAILED' }] }), true, 'a page was lost by the fault')
  t.equal(
    isGood({ pages: [page, { ...page, outcome: '502 MINWWW_CONNECTION_FAILED', began: 500_000 }] }), false, 'a page was lost for no reason'
  )
  t.equal(isGood(
    { pages: [page, { ...page, outcome: '504 MINWWW_TIMEOUT', kind: 'foreign', began: 500_000 }] }
  ), true, 'a site of which an old LeaseSet is known')
  t.equal(isGood({ pages: [page, { ...page, outcome: 'wrong bytes' }] }), false)
  t.equal(isGood({ samples: samples(4e5) }), false, 'the heap grows')
  t.equal(isGood({ samples: samples(1e5) }), true, 'a little, as caches and compiled code do')
  const late = samples(1e6).slice(0, 25).map(one => ({ ...one, name: 'exit 2', pid: 2 }))
  t.equal(isGood({ samples: [...samples(0), ...late] }), true, 'a process that lived shortly')
  t.equal(isGood({ troubles: ['exit 2 does not start'] }), false)
})

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { assertMeasured } from '../src/run/bench.ts'
import { lineOf } from '../src/output.ts'

const SOURCE = new URL('../src/', import.meta.url).href

/** Runs a script of a few lines against the sources, as a process of its own. */
function run (script: string): { status: number | null, stdout: string, stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath, ['--conditions=@minwww/source', '--import', 'tsx', '--input-type=module', '-e', script],
    { encoding: 'utf8', timeout: 100_000 }
  )
  return { status, stdout, stderr }
}

t.test('a line of the log for people: the message, its fields, the error without its stack', async t => {
  t.equal(lineOf({ level: 40, time: 1, msg: 'started' }, 'msg'), 'started')
  t.equal(lineOf(
    { level: 40, time: 1, msg: 'exit not found', exit: 'a.i2p', err: { type: 'I2cpError', code: 'I2CP_TIMEOUT', message: 'no answer' } },
    'msg'
  ),
  'exit not found: exit a.i2p; no answer (I2CP_TIMEOUT)')
  t.equal(lineOf({ msg: 'sent', to: 'x'.repeat(600), n: 2 }, 'msg'), `sent: to ${'x'.repeat(100)}...; n 2`)
})

t.test('JSON lines elsewhere, with stacks at debug only; progress is a line of the log', async t => {
  const script = (level: string) => `
    const { createLogger, createReporter } = await import('${SOURCE}output.ts')
    const logger = await createLogger('${level}', 'program')
    createReporter(false, 'program', logger).progress('building tunnels')
    logger.error({ err: Object.assign(new Error('broken'), { code: 'X' }) }, 'failed')`
  const lines = (level: string) => run(script(level)).stderr.trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  t.match(lines('warn'), [{ msg: 'building tunnels' }, { msg: 'failed', err: { message: 'broken', code: 'X' } }])
  t.notMatch(JSON.stringify(lines('warn')), /stack/)
  t.match(lines('debug')[1], { err: { stack: /^Error: broken\n/ } })
})

t.test('an error that nobody caught ends a service with status 1, also where closing hangs, and a command in one line', async t => {
  const service = run(`
    const { runService } = await import('${SOURCE}lifecycle.ts')
    const { createLogger } = await import('${SOURCE}output.ts')
    await runService(await createLogger('warn', 'program'), async closers => {
      closers.add(undefined, async () => { await new Promise(() => {}) })
      setImmediate(() => { throw new Error('nobody caught this') })
      setInterval(() => {}, 1000)
    }, 0)`)
  t.equal(service.status, 1)
  t.match(service.stderr, /^\{[^\n]*"message":"nobody caught this"[^\n]*\}\n$/)
  for (const fault of [
    "setImmediate(() => { throw new Error('nobody caught this') })", "Promise.reject(new Error('nobody caught this'))"
  ]) {
    const command = run(`
      const { endWhileLoading } = await import('${SOURCE}early-end.ts')
      endWhileLoading('lookup')
      ${fault}
      setInterval(() => {}, 1000)`)
    t.strictSame(command, { status: 1, stdout: '', stderr: 'minwww: nobody caught this\n' })
  }
})

t.test('a benchmark of proxies through which nothing came has measured nothing', async t => {
  const series = (label: string, failed: number) => ({ label, n: 2, failed, errors: failed > 0 ? { 'connect ECONNREFUSED': failed } : {} })
  const check = (...all: Array<ReturnType<typeof series>>): void => {
    assertMeasured(
      { scenarios: [{ scenario: 'url', status: 'done', series: all }] }, 'url'
    )
  }
  check(series('http://a', 0), series('http://b', 1))
  t.throws(() => { check(series('http://a', 0), series('http://b', 2), series('http://b', 2)) },
    {
      code: 'MINWWW_BENCH_FAILED',
      status: 1,
      message: 'nothing came through http://b (connect ECONNREFUSED); see that it runs, or correct --via'
    })
})

/** `minwww doctor` on real routers. */
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { spawnBound } from '../e2e/bound-process.ts'
import { freePort, ROOT } from '../e2e/harness.ts'
import type { Address, TestNetwork } from '../testnet/network.ts'

interface Check { name: string, ok: boolean, detail: string, hint?: string }
interface Router { kind: string, version: string }
interface Report { ok: boolean, router: Router, checks: Check[], status: number | null, stderr: string }

const CLI = join(ROOT, 'packages/minwww/bin/minwww.js')
const ALL = ['reachable', 'protocol', 'supports', 'tunnels', 'second-tunnels', 'lease-set', 'round-trip', 'payload', 'loss', 'quirks']
/** Two sessions on one router may meet a path that carries nothing; then the doctor rightly says so, and is asked again. */
const ATTEMPTS = 3

/** Not spawnSync: the way to the router leads through this process. */
async function doctor ({ host, port }: Address, options: string[] = []): Promise<Report> {
  const child = spawnBound(
    process.execPath, [CLI, 'doctor', '--json', '--router', `${host}:${port}`, ...options], { stdio: ['ignore', 'pipe', 'pipe'] }
  )
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => { stdout += String(chunk) })
  child.stderr.on('data', chunk => { stderr += String(chunk) })
  const [status] = await once(child, 'close') as [number | null]
  const { ok, router, checks } = JSON.parse(stdout) as Pick<Report, 'ok' | 'router' | 'checks'>
  return { ok, router, checks, status, stderr }
}

/** All checks are made and green on router k, whose kind and quirks are known. */
export async function doctorFindsWell (t: Test, network: TestNetwork, k: number, kind: string, quirks: RegExp): Promise<void> {
  const address = await network.forward(k)
  const options = ['inbound', 'outbound'].flatMap(
    direction => ['--i2cp-option', `${direction}.length=1`, '--i2cp-option', `${direction}.quantity=2`]
  )
  let report: Report | undefined
  for (let attempt = 1; attempt <= ATTEMPTS && report?.ok !== true; attempt++) {
    report = await doctor(address, options)
    for (const { name, ok, detail } of report.checks) t.comment(`${attempt}: ${ok ? 'ok  ' : 'FAIL'} ${name}: ${detail}`)
    for (const { name, ok, hint } of report.checks) t.ok(ok || hint !== undefined, `${name}: green, or says what to do`)
    t.equal(report.status, report.ok ? 0 : 1)
  }
  t.match(report, { ok: true, stderr: '', router: { kind } })
  t.comment(`router ${JSON.stringify(report?.router)}`)
  t.strictSame(report?.checks.map(check => check.name), ALL)
  t.match(report?.checks.at(-1)?.detail, quirks)
}

/** Where nothing listens the first line is red, with a hint, and nothing else is tried. */
export async function doctorFindsNothing (t: Test): Promise<void> {
  const report = await doctor({ host: '127.0.0.1', port: await freePort() })
  t.match(report, {
    ok: false, status: 1, checks: [{ name: 'reachable', ok: false, detail: /nothing listens/, hint: /i2pd.*i2cp\.enabled=true.*Java I2P/ }]
  })
  t.equal(report.checks.length, 1)
}

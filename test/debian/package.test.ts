/**
 * The Debian package on a Debian 13 made by debootstrap, whose systemd runs as process 1 in namespaces (machine.sh): installed by apt,
 * services under the restrictions of their units, a page, upgrade, removal, purge. Needs root, and Debian's mirror. The system is made
 * once, in artifacts/debian-13; what the test changes is in a layer of its own.
 */
import t, { type Test } from 'tap'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { missing, ROOT, temporaryFolder } from '../e2e/harness.ts'

const DEBIAN = join(ROOT, 'test/debian/machine.sh')
const BASE = process.env.MINWWW_DEBIAN_ROOT ?? join(ROOT, 'artifacts/debian-13')
const NEW_VERSION = '0.1.0+next'
const UNITS = ['minwww-exit', 'minwww-proxy', 'minwww-site']
/** Longest wait for a service to say something, s. */
const PATIENCE = 120

const SITE = `import { createServer } from 'node:http'
createServer((request, response) => response.end('my own site')).listen(8080, '127.0.0.1')`
const GET = `import { request } from 'node:http'
const [, , url] = process.argv
const proxy = { host: '127.0.0.1', port: 4480, path: url, headers: { host: new URL(url).host } }
request(proxy, async response => { console.log(response.statusCode, (await response.toArray()).join('')) }).end()`

interface Machine {
  root: string
  /** Runs a command in the machine, and returns what it printed. */
  inside: (...command: string[]) => Promise<string>
  /** Waits for a line in the journal of a unit. */
  says: (unit: string, pattern: RegExp) => Promise<string>
}

/** Builds the package, installs it by apt, and starts the machine. */
async function start (t: Test): Promise<Machine> {
  execFileSync(DEBIAN, ['make', BASE], { stdio: 'ignore' })
  const layer = temporaryFolder(t)
  execFileSync(DEBIAN, ['layer', BASE, layer])
  const root = join(layer, 'root')
  t.teardown(() => { execFileSync('umount', ['--lazy', root]) })
  for (const args of [[], ['--version', NEW_VERSION]]) {
    execFileSync(process.execPath, ['scripts/deb.js', '--out', join(layer, 'deb'), ...args], { cwd: ROOT, stdio: 'ignore' })
  }
  cpSync(join(layer, 'deb'), join(root, 'root'), { recursive: true })
  writeFileSync(join(root, 'root/site.mjs'), SITE)
  writeFileSync(join(root, 'root/get.mjs'), GET)
  const install = 'apt-get update && apt-get install -y --no-install-recommends ./minwww_*.deb'
  const [first = ''] = readdirSync(join(layer, 'deb')).filter(name => !name.includes('next'))
  execFileSync(DEBIAN, ['run', root, 'sh', '-ec', `cd /root && ${install.replace('minwww_*.deb', first)}`], { stdio: 'pipe' })
  const log = join(layer, 'log')
  const output = openSync(log, 'w')
  const group = `test-${process.pid}`
  const child = spawn(DEBIAN, ['boot', root, group], { stdio: ['ignore', output, output] })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    if (!t.passing()) t.comment(readFileSync(log, 'utf8'))
    child.kill('SIGKILL')
    await ended
    execFileSync(DEBIAN, ['clean', group])
  })
  const pid = await processOne(child.pid ?? 0)
  // Not the environment of the test, which has options for Node.
  const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8']
  const inside: Machine['inside'] = async (...command) => {
    const args = ['-t', pid, '-a', '--root', '--wdns=/root', '--', ...clean, ...command]
    return (await promisify(execFile)('nsenter', args, { timeout: PATIENCE * 1_000 })).stdout
  }
  // What waits is in the machine: it ends when it has seen the line, or with the test's time.
  const says: Machine['says'] = async (unit, pattern) => {
    const follow = `timeout ${PATIENCE} journalctl -u ${unit} -o cat -n all -f | grep -m 1 -E '${pattern.source}'`
    return await inside('sh', '-c', follow)
  }
  // "degraded" is as good: a machine like this one loads no kernel modules, which its systemd counts as a failure.
  const until = 'until systemctl is-system-running | grep -qE "running|degraded"; do sleep 0.2; done'
  await inside('timeout', String(PATIENCE), 'sh', '-c', until)
  return { root, inside, says }
}

/** The systemd of the machine, as this machine knows it: the child of the process that made the namespaces. */
async function processOne (parent: number): Promise<string> {
  // A process may have ended meanwhile.
  const read = (file: string): string => {
    try { return readFileSync(file, 'utf8').trim() } catch { return '' }
  }
  const children = (pid: number): string => read(`/proc/${pid}/task/${pid}/children`)
  for (const end = performance.now() + PATIENCE * 1_000; performance.now() < end;) {
    const pid = children(parent)
    const isSystemd = pid !== '' && read(`/proc/${pid}/cmdline`).startsWith('/usr/lib/systemd/systemd')
    if (isSystemd && children(Number(pid)) !== '') return pid
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('the machine does not start')
}

const isRoot = process.getuid?.() === 0 || process.env.MINWWW_REQUIRE_ALL === '1'
const skip = isRoot ? missing('/usr/sbin/debootstrap', '/usr/bin/dpkg-deb') : 'needs root'

t.test('the package on Debian 13', { skip }, async t => {
  const { root, inside, says } = await start(t)
  const properties = async (unit: string, ...names: string[]): Promise<Record<string, string>> => Object.fromEntries(
    (await inside('systemctl', 'show', unit, ...names.map(name => `--property=${name}`))).trim().split('\n').map(line => line.split('=', 2))
  )
  const page = async (): Promise<string> => (await inside('node', 'get.mjs', 'http://mysite.i2p/')).trim()
  const addressOf = async (): Promise<string> => /[a-z2-7]{52}\.b32\.i2p/.exec(await says('minwww-exit', /exit ready: /))?.[0] ?? ''

  await t.test('installed: nothing runs, units and settings are right, the manual is there', async t => {
    t.comment(await inside('dpkg-query', '-W', 'minwww', 'nodejs', 'systemd'))
    for (const unit of UNITS) {
      t.match(await properties(unit, 'ActiveState', 'UnitFileState'), { ActiveState: 'inactive', UnitFileState: 'disabled' })
      t.equal(await inside('systemd-analyze', 'verify', '--man=no', `/usr/lib/systemd/system/${unit}.service`), '')
    }
    t.match(await inside('minwww', 'config', 'check', '/etc/minwww/minwww.toml'), ': correct')
    t.match(await inside('sh', '-c', 'gzip -dc /usr/share/man/man1/minwww.1.gz'), /\.TH MINWWW 1/)
    t.equal(await inside('sh', '-c', 'cd / && md5sum --quiet -c /var/lib/dpkg/info/minwww.md5sums'), '')
  })

  await inside('systemd-run', '--unit=router', 'minwww', 'router')
  await inside('systemd-run', '--unit=httpd', 'node', '/root/site.mjs')
  await says('router', /I2CP router ready/)

  await t.test('the proxy runs as it was installed: for sites of I2P only', async t => {
    await inside('systemctl', 'start', 'minwww-proxy')
    t.match(await says('minwww-proxy', /proxy ready/), /I2P only/)
    t.match(await inside('node', 'get.mjs', 'http://web.example/'), /^403 .*MINWWW_I2P_ONLY/s)
    await inside('systemctl', 'stop', 'minwww-proxy')
  })

  await t.test('wrong settings are said, and not tried again and again', async t => {
    writeFileSync(join(root, 'etc/minwww/minwww.toml'), '[exit]\nquota-dya = 100\n')
    await inside('systemctl', 'start', 'minwww-exit')
    t.match(await says('minwww-exit', /minwww.toml:2: .*no setting/), 'quota-dya')
    t.match(await properties('minwww-exit', 'NRestarts', 'ActiveState'), { NRestarts: '0', ActiveState: 'failed' })
  })

  let address = ''
  const settings = (): string => ['[exit]', 'site = ["mysite.i2p=http://127.0.0.1:8080"]', 'own-sites-only = true', 'quota-day = 100',
    'console = "127.0.0.1:4490"', '[proxy]', `exit = ["${address}"]`, ''].join('\n')
  await t.test('exit and proxy under the restrictions of their units: a page comes', async t => {
    writeFileSync(join(root, 'etc/minwww/minwww.toml'), settings().replace(/\[proxy\][^]*/, ''))
    await inside('systemctl', 'enable', '--now', 'minwww-exit')
    address = await addressOf()
    writeFileSync(join(root, 'etc/minwww/minwww.toml'), settings())
    await inside('systemctl', 'enable', '--now', 'minwww-proxy')
    await says('minwww-proxy', /proxy ready.*4480$/)
    t.equal(await page(), '200 my own site')
    for (const unit of ['minwww-exit', 'minwww-proxy']) {
      const { MainPID = '' } = await properties(unit, 'MainPID')
      const status = await inside('cat', `/proc/${MainPID}/status`)
      t.match(status, /\nCapEff:\t0+\n/, `${unit}: no capability`)
      t.match(status, /\nCapBnd:\t0+\n/)
      t.match(status, /\nNoNewPrivs:\t1\n/)
      t.match(status, /\nSeccomp:\t2\n/, 'a filter for system calls')
      t.notMatch(status, /\nUid:\t0\t/, 'a user of its own')
      const probe = 'touch /etc/x /var/lib/x /root/x /usr/x 2>/dev/null; ls /etc/x /var/lib/x /root/x /usr/x 2>/dev/null | wc -l'
      const written = await inside('nsenter', '-t', MainPID, '-m', '--root', '--wdns=/', 'sh', '-c', probe)
      t.equal(written.trim(), '0', 'writes nowhere but to its own state')
      t.comment(`${unit}: ${(await inside('sh', '-c', `systemd-analyze security --no-pager ${unit} | tail -n 1`)).trim()}`)
    }
    t.match(await inside('sh', '-c', 'stat -c "%a %n" /var/lib/private/minwww-exit/*'), /^600 .*exit\.dat$/m)
  })

  const quota = async (): Promise<number> => Number(/^minwww_exit_quota_day_left_bytes (\S+)/m.exec(await inside('node', '-e',
    'fetch("http://127.0.0.1:4490/metrics").then(async answer => console.log(await answer.text()))'))?.[1])
  await t.test('upgrade: what ran runs again, with its settings, keys and quota', async t => {
    const before = await properties('minwww-exit', 'MainPID')
    const left = await quota()
    t.ok(left < 100 * 1024 * 1024, `${left} bytes left`)
    await inside('systemctl', 'reset-failed')
    await inside('sh', '-c', `dpkg -i /root/minwww_${NEW_VERSION}_all.deb </dev/null`)
    t.not((await properties('minwww-exit', 'MainPID')).MainPID, before.MainPID)
    t.match(await properties('minwww-site', 'ActiveState'), { ActiveState: 'inactive' }, 'what did not run does not')
    t.equal(readFileSync(join(root, 'etc/minwww/minwww.toml'), 'utf8'), settings())
    await inside('sh', '-c', `timeout ${PATIENCE} journalctl -u minwww-proxy -o cat -f -n all | grep -m 2 'proxy ready.*4480$' | tail -n 1`)
    // The exit was started again beside it, and may be found a moment later.
    const deadline = performance.now() + PATIENCE * 1_000
    let answer = await page()
    while (!answer.startsWith('200') && performance.now() < deadline) answer = await page()
    t.equal(answer, '200 my own site')
    t.equal(await addressOf(), address)
    t.ok(await quota() <= left, 'what was used stays used')
    t.equal(await inside('dpkg-query', '-W', 'minwww'), `minwww\t${NEW_VERSION}\n`)
  })

  await t.test('removal keeps settings and keys; installed again it is the same exit', async t => {
    await inside('dpkg', '-r', 'minwww')
    for (const unit of UNITS) t.equal((await properties(unit, 'ActiveState')).ActiveState, 'inactive')
    t.notOk(existsSync(join(root, 'usr/bin/minwww')))
    t.equal(readFileSync(join(root, 'etc/minwww/minwww.toml'), 'utf8'), settings())
    await inside('dpkg', '-i', `/root/minwww_${NEW_VERSION}_all.deb`)
    t.match(await properties('minwww-exit', 'UnitFileState'), { UnitFileState: 'enabled' }, 'it is enabled as it was')
    await inside('journalctl', '--rotate', '--vacuum-time=1s')
    await inside('systemctl', 'start', 'minwww-exit')
    t.equal(await addressOf(), address)
  })

  await t.test('purge leaves nothing', async t => {
    await inside('dpkg', '-P', 'minwww')
    const left = await inside('find', '/', '-xdev', '-iname', '*minwww*', '-not', '-path', '/root/*', '-not', '-path', '/proc/*')
    t.equal(left, '')
    for (const unit of UNITS) t.match(await properties(unit, 'LoadState'), { LoadState: 'not-found' })
  })
  rmSync(join(root, 'root'), { recursive: true, force: true })
})

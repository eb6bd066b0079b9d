// The commands of lists: what an exit says, a list of two, one that is off line and one that is revoked.
import t from 'tap'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCli, startService, temporaryFolder } from './harness.ts'

t.setTimeout(120_000)

t.test('exits show, publish, check and revoke', async t => {
  const folder = temporaryFolder(t)
  const file = (name: string): string => join(folder, name)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const at = ['--router', router.json.i2cp as string]
  const exits = await Promise.all([['--contact', 'ops@example.i2p'], ['--state', folder, '--ports', '443']].map(async options =>
    await startService(t, ['exit', ...at, ...options])))
  const [first, second] = exits.map(exit => exit.json as { b32: string, destination: string, descriptor: string })

  const shown = runCli(['exits', 'show', first!.b32, ...at])
  t.match(shown, { status: 0, stdout: /ports 80, 443; every method but TRACE/ })
  t.match(shown.stdout, /contact {6}ops@example\.i2p/)
  const told = JSON.parse(runCli(['exits', 'show', second!.b32, '--json', ...at]).stdout) as object
  t.match(told, { kind: 'exit', b32: second!.b32, ports: [443], web: true })
  const kept = readFileSync(file(`descriptor-${second!.b32.slice(0, 16)}.txt`), 'utf8')
  t.match(kept, new RegExp(`^${second!.b32}=.*#sig=\\S+\n$`), 'an exit with a state directory keeps what it says of itself there')

  const keys = file('gone.dat')
  t.equal(runCli(['keys', 'new', keys]).status, 0)
  const gone = JSON.parse(runCli(['exits', 'revoke', keys, '--json']).stdout) as { b32: string, revocation: string }
  writeFileSync(file('exits.txt'), `# mine\n${first!.destination}\n${gone.revocation}\n${'a'.repeat(52)}.b32.i2p # off line\n`)
  const sources = ['--exits', file('exits.txt'), '--exit', second!.b32]
  const made = runCli(['exits', 'publish', ...sources, '--out', file('list.txt'), '--timeout', '5', ...at], 60_000)
  t.match(made, { status: 0, stdout: /^3 exits in .*list\.txt\n {2}left out: aaaa/ })
  t.equal(statSync(file('list.txt')).mode & 0o777, 0o644, 'the web server can read it')
  const list = readFileSync(file('list.txt'), 'utf8')
  t.strictSame(list.split('\n').slice(1, -1).map(line => line.slice(0, 60)).sort(), [first!, second!, gone].map(({ b32 }) => b32).sort())
  t.match(runCli(['exits', 'check', file('list.txt')]), { status: 0, stdout: /^2 exits, 1 revoked, 0 lines refused/ })

  // A list is a source of the next one.
  const again = runCli(['exits', 'publish', '--exits', file('list.txt'), ...at], 60_000)
  t.match(again, { status: 0, stdout: /^# MinWWW exits/ })
  t.equal(again.stdout.split('\n').filter(line => line.includes('#!')).length, 3)

  writeFileSync(file('forged.txt'), list.replace('web=yes', 'web=no '))
  t.match(runCli(['exits', 'check', file('forged.txt')]), {
    status: 1,
    stdout: /2 exits|1 exits, 1 revoked, 1 lines refused/,
    stderr: /would be refused/
  })
  t.match(runCli(['exits', 'publish', '--exit', `${'a'.repeat(52)}.b32.i2p`, '--out', file('list.txt'), '--timeout', '2', ...at]), {
    status: 1, stderr: /the list stays as it was/
  })
  t.equal(readFileSync(file('list.txt'), 'utf8'), list)
})

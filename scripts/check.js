// npm run check: everything that needs no router, browser or network. The tests, and beside them, one after the other, lint,
// the layers, the lock file, the types of the tests and the packages as others get them. Prints the tests' output, then that
// of what failed.
import { spawn } from 'node:child_process'

const run = async name => {
  const began = performance.now()
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => output.push(chunk))
  const status = await new Promise(resolve => child.once('close', resolve))
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${name} (${Math.round((performance.now() - began) / 1000)} s)`)
  return { passed: status === 0, output: Buffer.concat(output) }
}

async function inTurn (names) {
  const results = []
  for (const name of names) results.push(await run(name))
  return results
}

const [tests, others] = await Promise.all([run('test'), inTurn(['lint', 'check:layers', 'check:lock', 'typecheck', 'check:packages'])])
const failed = others.filter(({ passed }) => !passed)
for (const { output } of [tests, ...failed]) process.stdout.write(output)
process.exitCode = tests.passed && failed.length === 0 ? 0 : 1

// npm run check: everything that needs no router, browser or network. The tests, and beside them, one after the other,
// lint, the types of the tests, the packages as others get them, and dead code. Ends with the tests' output if they fail.
import { spawn } from 'node:child_process'

const run = async name => {
  const began = performance.now()
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => output.push(chunk))
  const status = await new Promise(resolve => child.once('close', resolve))
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${name} (${Math.round((performance.now() - began) / 1000)} s)`)
  if (status !== 0 || name === 'test') process.stdout.write(Buffer.concat(output))
  return status === 0
}

async function inTurn (names) {
  let good = true
  for (const name of names) good = await run(name) && good
  return good
}

const results = await Promise.all([run('test'), inTurn(['lint', 'typecheck', 'check:packages', 'check:dead'])])
process.exitCode = results.every(Boolean) ? 0 : 1

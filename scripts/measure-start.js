// npm run measure:start -- RUNS FOLDER...: starts `minwww proxy` of each folder in turns, each of which has minwww installed in its
// node_modules. Prints the time and the CPU time until it listens, its resident memory three seconds later, and the size of the
// installation: medians, then least and most. Linux.
import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const TICKS_PER_SECOND = 100
/** Idle time after which the memory is read, ms. */
const IDLE = 3_000
const NO_EXIT = `${'a'.repeat(52)}.b32.i2p`
const [runs = '', ...folders] = process.argv.slice(2)
if (!(Number(runs) > 0) || folders.length === 0) throw new TypeError('usage: measure-start.js RUNS FOLDER...')

const minwww = (folder, args) =>
  spawn(process.execPath, [`${folder}/node_modules/minwww/bin/minwww.js`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })

/** ms, of the process alone */
function cpuTime (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND
}
const residentMegabytes = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

async function untilPrinted (stream, pattern) {
  let text = ''
  for await (const chunk of stream) {
    text += chunk
    const match = pattern.exec(text)
    if (match !== null) return match
  }
  throw new Error(`ended: ${text}`)
}

const router = minwww(folders[0], ['router', '--i2cp', '127.0.0.1:0', '--json'])
const [, address] = await untilPrinted(router.stdout, /"([\d.]+:\d+)"/)

async function measure (folder) {
  const began = performance.now()
  const proxy = minwww(folder, ['proxy', '--router', address, '--proxy', '127.0.0.1:0', '--exit', NO_EXIT])
  await untilPrinted(proxy.stderr, /listening on/)
  const figures = { wall: performance.now() - began, cpu: cpuTime(proxy.pid) }
  await sleep(IDLE)
  figures.memory = residentMegabytes(proxy.pid)
  proxy.kill()
  await once(proxy, 'exit')
  return figures
}

const all = folders.map(() => [])
for (let run = 0; run < Number(runs); run++) {
  for (const [index, folder] of folders.entries()) all[index].push(await measure(folder))
}
router.kill()

const figure = (rows, key) => {
  const values = rows.map(row => row[key]).sort((a, b) => a - b)
  return `${Math.round(values[values.length >> 1])} (${Math.round(values[0])} to ${Math.round(values.at(-1))})`
}
for (const [index, folder] of folders.entries()) {
  const size = Number(execFileSync('du', ['-sk', `${folder}/node_modules`], { encoding: 'utf8' }).split('\t')[0]) / 1024
  const [wall, cpu, memory] = ['wall', 'cpu', 'memory'].map(key => figure(all[index], key))
  console.log(`${folder}: Node ${process.versions.node}, listens after ${wall} ms, CPU ${cpu} ms, ${memory} MB resident, ` +
    `${Math.round(size)} MB installed`)
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Destination } from '@minwww/i2cp/codec'
import { destinationKey } from '@minwww/local-router'
import type { Address } from '../fetch.ts'
import { Closers } from '@minwww/ground/node'
import type { Design } from './design.ts'

/** In the repository; `npm run build:peers` makes it. MINWWW_JAVA_PEERS names another. */
const BUILT = fileURLToPath(new URL('../../../../test/interop/java/target/interop.jar', import.meta.url))
/** As I2PTunnel's HTTP client: the request goes with the SYN. */
const CLIENT_OPTIONS = ['--option', 'i2p.streaming.connectDelay=200']
/** With the library's own window of 3 a cold page takes a round trip more than through I2PTunnel 2.7.0; with 6 the same. */
const COMMON_OPTIONS = { 'i2p.streaming.initialWindowSize': '6' }
const START_TIMEOUT = 60_000
const KILL_AFTER = 3_000

export const JAVA_HINT = "install a JDK and Maven, run 'npm run build:peers' in the repository (it fetches Java I2P's streaming jars " +
  'from Maven Central), or name the built jar in MINWWW_JAVA_PEERS'

/** Why there is no Java rival here, or undefined. */
export function javaMissing (): string | undefined {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) return 'no Java'
  return existsSync(peersJar()) ? undefined : "the Java peers (forwarders on Java I2P's streaming library) are not built"
}

/** Version of Java I2P's streaming library, such as 2.7.0. */
export function javaStreamingVersion (): string {
  const folder = join(dirname(peersJar()), 'lib')
  const jar = existsSync(folder) ? readdirSync(folder).find(name => name.startsWith('streaming-')) : undefined
  return jar?.slice('streaming-'.length, -'.jar'.length) ?? 'unknown'
}

/** TCP forwarders on Java I2P's own streaming library: what I2PTunnel does with a connection. One JVM for each end. */
export async function javaDesign (
  { client, server: i2cp, target, options = {} }: { client: Address, server: Address, target: Address, options?: Record<string, string> }
): Promise<Design> {
  const common = Object.entries({ ...COMMON_OPTIONS, ...options }).flatMap(([name, value]) => ['--option', `${name}=${value}`])
  const server = await startJava('StreamServer', i2cp, ['--target', `${target.host}:${target.port}`, ...common])
  return {
    design: 'java',
    label: `Java streaming ${javaStreamingVersion()}, I2PTunnel-like`,
    processes: [server.pid],
    close: server.close,
    openClient: async () => {
      const { ready, pid, close } = await startJava(
        'StreamClient', client, ['--destination', server.ready.destination, ...CLIENT_OPTIONS, ...common]
      )
      const key = destinationKey(Destination.fromBase64(ready.destination))
      return { via: { host: '127.0.0.1', port: ready.port }, keys: [key], processes: [pid], close }
    }
  }
}

function peersJar (): string {
  return process.env.MINWWW_JAVA_PEERS ?? BUILT
}

interface Ready { destination: string, port: number }

async function startJava (main: string, i2cp: Address, args: string[]): Promise<{ ready: Ready, pid: number, close: () => Promise<void> }> {
  const closers = new Closers()
  const directory = closers.add(mkdtempSync(join(tmpdir(), 'minwww-bench-java-')), path => rmSync(path, { recursive: true, force: true }))
  const child = spawn('java', [
    '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true', '-Dtime.disabled=true',
    ...['base', 'config', 'router', 'app', 'log', 'pid', 'temp'].map(kind => `-Di2p.dir.${kind}=${directory}`),
    '-cp', peersJar(), `minwww.interop.${main}`, '--i2cp', `${i2cp.host}:${i2cp.port}`, ...args
  ], { stdio: ['ignore', 'pipe', 'ignore'] })
  closers.add(child, stop)
  try {
    return { ready: await readyLine(child), pid: child.pid ?? 0, close: async () => await closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}

async function readyLine (child: ChildProcess): Promise<Ready> {
  let text = ''
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the Java peer was not ready in time')), START_TIMEOUT)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the Java peer ended (${String(code)})`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      text = text.length > 65_536 ? '' : text + chunk.toString()
      const line = text.split('\n').slice(0, -1).find(line => line.startsWith('{') && line.includes('"ready"'))
      if (line === undefined) return
      clearTimeout(timer)
      resolve(JSON.parse(line) as Ready)
    })
  })
}

async function stop (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}

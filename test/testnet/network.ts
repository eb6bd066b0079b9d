/**
 * The closed network of real routers from a test: `const network = await startNetwork({ hops: [1] })`.
 * It is torn down by `stop()`, at the end of the process, on SIGINT and SIGTERM, and by a guard process when this
 * process is killed. Several networks can run at once, each under its own prefix.
 */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fetchThroughProxy } from './fetch.ts'

export { networkMissing } from './missing.ts'

/** Debian's suites by their i2pd: 2.45.1 (API 0.9.57), 2.56 (0.9.65), and 2.59 (0.9.68) in November 2026; see i2pd-of.sh. */
export type Suite = 'bookworm' | 'trixie' | 'sid'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const I2CP_PORT = 7654
const WEB_PORT = 8080
/** Of an Ed25519 Destination: 384 bytes of keys and a key certificate. */
const DESTINATION_LENGTH = 391
/** Keys, and the type and length of the certificate behind them. */
const KEYS_LENGTH = 387

export interface TestNetworkOptions {
  /** Number of routers, 2 to 32; 10 MB of memory each. Default 8. */
  routers?: number
  /** How many of them, the last ones, are floodfills. Default 5. */
  floodfills?: number
  /** Tunnel lengths for which router 1 gets an HTTP proxy and router 2 a server tunnel to the web server. Default [1]. */
  hops?: number[]
  /** One-way delay of each link between routers in ms; with `jitter` (ms) and `loss` (0..1) uses the link emulator. Default 0. */
  delay?: number
  jitter?: number
  loss?: number
  /** Rate limit of each router's link in KiB/s; 0 is none. */
  rate?: number
  /** Seed of jitter and loss. */
  seed?: number
  ssu2?: boolean
  ntcp2?: boolean
  /** Whose i2pd runs; default: MINWWW_I2PD in the environment, else the machine's own. */
  suite?: Suite
  /** The same for single routers. */
  suites?: Record<number, Suite>
  /** Numbers of the routers that are emissary 0.4.0 (emissary-of.sh). */
  emissary?: number[]
  /** i2pd's SAM, on port 7656; default false. */
  sam?: boolean
  /** Numbers of the routers that are Java I2P; `classpath` must then have the jars and RouterLauncher (../interop/java.ts). */
  java?: number[]
  classpath?: string
  /** Lines for tunnels.conf of router K: i2pd's own client and server tunnels. */
  tunnels?: Record<number, string>
  /** How long to wait for the first page through router 1's proxy over `hops`, in ms; 0 does not wait. Default 60,000. */
  readyTimeout?: number
  /** False: signals are the caller's, who ends the network and the process himself. Default true. */
  signals?: boolean
  /** Ends the wait; what is there already is stopped. */
  signal?: AbortSignal
  logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'none'
}

export interface Address { host: string, port: number }

let made = 0

export async function startNetwork (options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const network = new TestNetwork(options)
  try {
    await network.up()
    await network.ready(options.readyTimeout ?? 60_000)
    return network
  } catch (error) {
    await network.stop()
    throw error
  }
}

export class TestNetwork {
  /** Prefix of the network namespaces. */
  readonly prefix = `mw${process.pid.toString(36)}${(made++).toString(36)}`
  readonly directory = join(tmpdir(), `minwww-testnet-${this.prefix}`)
  /** ms from the start of the routers to the first page through tunnels, per number of hops. */
  readonly readyAfter = new Map<number, number>()
  readonly options: TestNetworkOptions

  readonly #environment: NodeJS.ProcessEnv
  readonly #forwards: Server[] = []
  readonly #sockets = new Set<Socket>()
  #up = false

  constructor (options: TestNetworkOptions) {
    this.options = options
    this.#environment = { ...process.env, ...settings(options), NS: this.prefix, RUN: this.directory, OWNER: String(process.pid) }
  }

  /** Builds the network; `startNetwork` does this. */
  async up (): Promise<void> {
    mkdirSync(this.directory, { recursive: true })
    for (const [k, lines] of Object.entries(this.options.tunnels ?? {})) writeFileSync(join(this.directory, `tunnels.${k}`), lines)
    this.#up = true
    tearDownAtExit(this)
    await this.#script('up.sh')
  }

  /** Waits until a page of the web server behind router 2 comes through router 1's proxy, for each of `hops`. */
  async ready (timeout: number): Promise<void> {
    const started = Number(readFileSync(join(this.directory, 'started'), 'latin1'))
    const deadline = started + timeout
    for (const hops of timeout > 0 ? this.#hops() : []) {
      while (!await this.#hasPage(hops)) {
        this.options.signal?.throwIfAborted()
        if (Date.now() > deadline) throw new Error(`no page over ${hops} hops within ${timeout} ms`)
        await sleep(250)
      }
      this.readyAfter.set(hops, Date.now() - started)
    }
  }

  /** I2CP address of router k, reachable inside the clients' namespace. */
  i2cp (k: number): Address {
    return { host: `10.77.0.${k}`, port: I2CP_PORT }
  }

  /** A connection from this process to an address inside, by way of the relay; by default to router k's I2CP port. */
  connect (to: number | Address): Socket {
    const { host, port } = typeof to === 'number' ? this.i2cp(to) : to
    const socket = connect({ path: join(this.directory, 'relay.sock'), allowHalfOpen: true })
    socket.write(`${host} ${port}\n`)
    this.#track(socket)
    return socket
  }

  /** Makes an address inside (by default router k's I2CP port) reachable at a loopback port of this process's namespace. */
  async forward (to: number | Address): Promise<Address> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, outside => {
      const inside = this.connect(to)
      this.#track(outside)
      outside.on('close', () => inside.destroy())
      inside.on('close', () => outside.destroy())
      outside.pipe(inside).pipe(outside)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.unref()
    this.#forwards.push(server)
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  }

  /** Starts a program inside the clients' namespace; end it by `child.kill()` before `stop()`. */
  exec (command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return this.execAt('cli', command, args, options)
  }

  /** The same in router k's namespace ('r2'): for what must listen behind a server tunnel. */
  execAt (place: 'cli' | `r${number}`, command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', `${this.prefix}-${place}`, command, ...args], options)
  }

  /** .b32.i2p name of the web server behind router 2 for a number of hops. */
  site (hops: number): string {
    const line = readFileSync(join(this.directory, 'web.b32'), 'latin1').split('\n').find(text => text.startsWith(`${hops} `))
    if (line === undefined) throw new Error(`the network has no web server for ${hops} hops`)
    return line.slice(line.indexOf(' ') + 1).trim()
  }

  /** The Destination (I2P structure, 391 bytes) of a tunnel that router k made from a section of tunnels.conf. */
  destination (k: number, section: string): Buffer {
    return readFileSync(join(this.directory, `r${k}`, `${section}.dat`)).subarray(0, DESTINATION_LENGTH)
  }

  /** Router k's hash in I2P's base64, as `explicitPeers` takes it. */
  routerHash (k: number): string {
    const info = readFileSync(join(this.directory, `r${k}`, 'router.info'))
    const identity = info.subarray(0, KEYS_LENGTH + info.readUInt16BE(KEYS_LENGTH - 2))
    return createHash('sha256').update(identity).digest('base64').replaceAll('+', '-').replaceAll('/', '~')
  }

  /** Router 1's HTTP proxy for a number of hops. */
  proxy (hops: number): Address {
    return { host: '10.77.0.1', port: 4440 + hops }
  }

  /** The web server as seen from router 2: the target of further server tunnels there. */
  get web (): Address {
    return { host: '127.0.0.1', port: WEB_PORT }
  }

  /** SIGKILL of one router. */
  async kill (k: number): Promise<void> { await this.#script('router.sh', 'kill', String(k)) }
  /** SIGTERM of one router: it says good-bye to its clients. */
  async end (k: number): Promise<void> { await this.#script('router.sh', 'stop', String(k)) }
  async start (k: number): Promise<void> { await this.#script('router.sh', 'start', String(k)) }
  async restart (k: number): Promise<void> { await this.#script('router.sh', 'restart', String(k)) }

  /** Numbers of the routers that run. */
  async alive (): Promise<number[]> {
    return (await this.#script('router.sh', 'alive')).split('\n').filter(line => line !== '').map(Number)
  }

  /** Ends every recorded process, removes the namespaces and the directory. Idempotent. */
  async stop (): Promise<void> {
    if (!this.#up) return
    this.#up = false
    running.delete(this)
    for (const server of this.#forwards) server.close()
    for (const socket of this.#sockets) socket.destroy()
    await this.#script('down.sh')
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** The same without waiting for the event loop: for the end of the process. */
  stopSync (): void {
    if (!this.#up) return
    this.#up = false
    running.delete(this)
    spawnSync(join(HERE, 'down.sh'), [], { env: this.#environment, stdio: 'ignore' })
  }

  #hops (): number[] {
    return this.options.hops ?? [1]
  }

  async #hasPage (hops: number): Promise<boolean> {
    try {
      const socket = this.connect(this.proxy(hops))
      const { status, body } = await fetchThroughProxy(socket, `http://${this.site(hops)}/bytes/1024`, 5000)
      return status === 200 && body.length === 1024
    } catch {
      return false
    }
  }

  #track (socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #script (name: string, ...args: string[]): Promise<string> {
    const child = spawn(join(HERE, name), args, { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.on('data', chunk => { output += String(chunk) })
    child.stderr.on('data', chunk => { errors += String(chunk) })
    const [status] = await once(child, 'close') as [number | null]
    if (status !== 0) throw new Error(`${name} ${args.join(' ')} failed (${status}): ${errors.slice(-2000)}`)
    return output
  }
}

const running = new Set<TestNetwork>()

let isHookedToExit = false
let isHookedToSignals = false

function tearDownAtExit (network: TestNetwork): void {
  running.add(network)
  if (!isHookedToExit) process.on('exit', stopAll)
  isHookedToExit = true
  if (isHookedToSignals || network.options.signals === false) return
  isHookedToSignals = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopAll()
      process.kill(process.pid, signal)
    })
  }
}

function stopAll (): void {
  for (const network of running) network.stopSync()
}

function settings (options: TestNetworkOptions): Record<string, string> {
  return {
    N: String(options.routers ?? 8),
    FF: String(options.floodfills ?? 5),
    HOPS: (options.hops ?? [1]).join(' '),
    DELAY_MS: String(options.delay ?? 0),
    JITTER_MS: String(options.jitter ?? 0),
    LOSS_PCT: String((options.loss ?? 0) * 100),
    RATE_KIB: String(options.rate ?? 0),
    SEED: String(options.seed ?? 1),
    SSU2: String(options.ssu2 ?? true),
    NTCP2: String(options.ntcp2 ?? true),
    SAM: String(options.sam ?? false),
    SUITE: options.suite ?? process.env.MINWWW_I2PD ?? '',
    SUITES: Object.entries(options.suites ?? {}).map(([k, suite]) => `${k}=${suite}`).join(' '),
    EMISSARY: (options.emissary ?? []).join(' '),
    JAVA: (options.java ?? []).join(' '),
    I2P_CLASSPATH: options.classpath ?? '',
    LOGLEVEL: options.logLevel ?? 'warn',
    NODE: process.execPath
  }
}

import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { Connection } from './connection.ts'
import type { RouterContext } from './context.ts'
import { NetworkDriver } from './driver.ts'
import { duplexPair } from './duplex-pair.ts'
import { RouterError } from './errors.ts'
import { handleFrame } from './handlers.ts'
import { destinationKey, NetworkDatabase } from './netdb.ts'
import { NetworkModel } from './network/model.ts'
import { serverOptions } from './options.ts'
import type { LocalRouterOptions } from './options.ts'
import { deliver } from './sending.ts'
import { SessionTable } from './session-table.ts'
import { newStats } from './stats.ts'
import type { RouterStats } from './stats.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Speak TLS with this certificate. */
  readonly tls?: TlsOptions
}

/** An I2CP router whose Destinations meet in a model of the network. */
export interface LocalRouter {
  readonly network: NetworkModel<Buffer>
  readonly stats: Readonly<RouterStats>
  /** Accepts clients on TCP; may be called for several addresses. Rejects with the system's error. */
  listen (options: ListenOptions): Promise<{ host: string, port: number }>
  /** The client's end of a new connection inside the process. @throws RouterError ROUTER_CLOSED */
  connect (): Duplex
  /** Makes a name known to HostLookup. @throws RouterError ROUTER_INVALID_OPTION */
  addHost (name: string, base64: string): void
  /** A dead Destination keeps its session and LeaseSet, but nothing arrives from or at it. */
  setAlive (destination: Destination, alive: boolean): void
  /** Closes the connections of all clients without a word, as a router that is killed; listening goes on. */
  dropConnections (): void
  close (): Promise<void>
}

/** @throws RouterError ROUTER_INVALID_OPTION */
export function createLocalRouter (options: LocalRouterOptions = {}): LocalRouter {
  return new Router(options)
}

class Router implements LocalRouter {
  readonly network: NetworkModel<Buffer>
  readonly stats = newStats()
  readonly #context: RouterContext
  readonly #driver: NetworkDriver
  readonly #servers = new Set<Server>()
  readonly #connections = new Map<Connection, Duplex>()
  #closed = false

  constructor (options: LocalRouterOptions) {
    const server = serverOptions(options)
    this.network = new NetworkModel<Buffer>(options)
    this.network.onTrace = server.onTrace
    this.#driver = new NetworkDriver(this.network, server.clock, delivery => deliver(this.#context, delivery))
    this.#context = {
      options: server,
      clock: server.clock,
      logger: server.logger,
      network: this.network,
      netdb: new NetworkDatabase(server.hosts),
      stats: this.stats,
      waitingRoom: new WaitingRoom(server.clock, server.leaseSetPatience),
      sessions: new SessionTable(this.stats),
      pump: () => this.#driver.pump()
    }
  }

  async listen ({ host, port, tls }: ListenOptions): Promise<{ host: string, port: number }> {
    this.#assertOpen()
    const accept = (socket: Duplex): void => this.#accept(socket)
    const server = tls === undefined ? createServer({ noDelay: true }, accept) : createTlsServer({ ...tls, noDelay: true }, accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    // Nothing a single connection does may end the router.
    server.on('error', error => this.#context.logger.warn({ code: (error as NodeJS.ErrnoException).code }, 'I2CP server error'))
    this.#servers.add(server)
    const address = server.address() as AddressInfo
    return { host: address.address, port: address.port }
  }

  connect (): Duplex {
    this.#assertOpen()
    const [client, server] = duplexPair()
    this.#accept(server)
    return client
  }

  addHost (name: string, base64: string): void {
    this.#context.netdb.addHost(name, base64)
  }

  setAlive (destination: Destination, alive: boolean): void {
    this.network.setAlive(destinationKey(destination), alive)
  }

  dropConnections (): void {
    for (const stream of this.#connections.values()) stream.destroy()
  }

  async close (): Promise<void> {
    this.#closed = true
    const servers = [...this.#servers]
    this.#servers.clear()
    for (const connection of this.#connections.keys()) connection.disconnect('the router closes')
    this.#context.waitingRoom.close()
    this.#driver.close()
    await Promise.all(servers.map(async server => await new Promise(resolve => server.close(resolve))))
  }

  #accept (stream: Duplex): void {
    if (this.#closed || this.#connections.size >= this.#context.options.maxConnections) {
      this.stats.connectionsRefused++
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    const connection = new Connection(this.#context, stream, handleFrame, () => {
      if (this.#connections.delete(connection)) this.stats.connections--
    })
    this.#connections.set(connection, stream)
    this.stats.connections++
  }

  #assertOpen (): void {
    if (this.#closed) throw new RouterError('ROUTER_CLOSED', 'the router is closed')
  }
}

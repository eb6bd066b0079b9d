import fastify, { type FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Session } from '@minwww/i2cp'
import { addLocalPages } from './local-pages.ts'
import { ActivityLog } from './activity.ts'
import { Backend } from './backend.ts'
import { Exchange } from './exchange.ts'
import { ProxyError } from './failures.ts'
import { Front } from './front.ts'
import { createListener, writeErrorTo } from './listener.ts'
import { isLoopback, LocalGuard } from './local.ts'
import { settingsOf, type ExitSpec, type ProxyOptions } from './options.ts'

export interface Proxy {
  /** Where the browser's connections are taken. */
  readonly address: { host: string, port: number }
  /** What is in flight and what was done last. */
  readonly activity: ActivityLog
  /** True once a request would go out. */
  readonly ready: boolean
  /** @returns the exit's id. @throws RangeError above 256 exits */
  addExit (exit: ExitSpec): string
  removeExit (id: string): boolean
  exits (): ReturnType<Backend['exits']>
  /** Ends every connection; sessions and stream managers stay the caller's. */
  close (): Promise<void>
}

/**
 * The browser's HTTP proxy. It listens when the promise resolves, whether the sessions are ready or not.
 * @throws Error with code of node's listen (EADDRINUSE, EACCES); ProxyError MINWWW_AUTH_REQUIRED for an open listener without users
 */
export async function createProxy (options: ProxyOptions): Promise<Proxy> {
  if (options.auth === undefined && !isLoopback(options.listen.host)) {
    throw new ProxyError('MINWWW_AUTH_REQUIRED', `${options.listen.host} can be reached by others: set users, or listen on 127.0.0.1`)
  }
  const proxy = new RunningProxy(options)
  await proxy.listen()
  return proxy
}

class RunningProxy implements Proxy {
  readonly activity = new ActivityLog()
  readonly #options: ProxyOptions
  readonly #app: FastifyInstance
  readonly #tunnels = new Set<Duplex>() // bounded by maxConnections
  readonly #exits: ExitSpec[] = []
  #server!: Server
  #backend: Backend | undefined
  #failure: unknown

  constructor (options: ProxyOptions) {
    this.#options = options
    const settings = settingsOf(options)
    const exchange = new Exchange(settings)
    const front = new Front(settings, {
      local: (request, response) => this.#local(request, response),
      authenticate: () => undefined,
      backend: async () => this.#readyBackend(),
      exchange: async (request, backend) => await exchange.fetch(request, backend),
      progress: () => this.#backend === undefined ? 0.1 : 0.5
    }, this.activity, options.logger)
    this.#app = fastify({
      logger: false,
      bodyLimit: 65_536,
      serverFactory: handler => {
        this.#local = handler
        this.#server = createListener({
          request: (request, response) => front.handle(request, response),
          connect: (_request, socket) => { writeErrorTo(socket, new ProxyError('MINWWW_NOT_IMPLEMENTED', 'CONNECT')) },
          upgrade: (_request, socket) => { writeErrorTo(socket, new ProxyError('MINWWW_NOT_IMPLEMENTED', 'Upgrade')) }
        }, settings.maxConnections)
        return this.#server
      }
    })
    const guard = new LocalGuard(options.hostnames ?? [])
    addLocalPages(this.#app, { guard, proxy: this })
    this.#app.addHook('preClose', () => {
      for (const socket of this.#tunnels) socket.destroy()
      this.#server.closeAllConnections()
    })
    for (const exit of options.exits) this.#exits.push(exit)
    this.#start(options.sessions).catch(() => {})
  }

  #local: (request: IncomingMessage, response: ServerResponse) => void = () => {}

  async listen (): Promise<void> {
    await this.#app.listen(this.#options.listen)
  }

  get address (): { host: string, port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port }
  }

  get ready (): boolean { return this.#backend?.driver.ready === true }

  addExit (exit: ExitSpec): string {
    if (this.#backend !== undefined) return this.#backend.addExit(exit)
    this.#exits.push(exit)
    return typeof exit === 'string' ? exit : exit.id ?? String(exit.destination)
  }

  removeExit (id: string): boolean { return this.#backend?.removeExit(id) ?? false }

  exits (): ReturnType<Backend['exits']> { return this.#backend?.exits() ?? [] }

  async close (): Promise<void> {
    this.#backend?.close()
    await this.#app.close()
  }

  async #start (sessions: readonly Session[] | Promise<readonly Session[]>): Promise<void> {
    try {
      const { config, strategy, replyMode, logger, streams, createCore } = this.#options
      const backend = new Backend(await sessions, {
        config: { ...config, ...(strategy === undefined ? {} : { strategy }), ...(replyMode === undefined ? {} : { replyMode }) },
        logger,
        streams,
        createCore
      })
      for (const exit of this.#exits) backend.addExit(exit)
      this.#backend = backend
    } catch (error) {
      this.#failure = error
      this.#options.logger?.error({ err: error }, 'no session')
    }
  }

  #readyBackend (): Backend {
    if (this.#backend?.driver.ready === true) return this.#backend
    const state = this.#backend?.driver.state ?? 'connecting'
    throw new ProxyError('MINWWW_NOT_READY', this.#failure === undefined ? state : 'no connection to the router')
  }
}

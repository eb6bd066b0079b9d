import type { Destination } from '@minwww/i2cp/codec'
import { openConsole, type OperatorConsole } from './console/console.ts'
import { ExitParts } from './exit/exit.ts'
import type { ExitOptions, ReloadableOptions } from './exit/options.ts'

export interface Exit {
  readonly destination: Destination
  readonly stats: ExitStats
  readonly summary: ExitSummary
  /** The signed line that says what this exit is, as everybody gets it who asks (docs/reference/protocol.md, section 10). */
  readonly descriptor: string
  /** Where the operator's console listens; undefined without one. */
  readonly console: { host: string, port: number } | undefined
  /**
   * Answers everything new with ERROR 10 (take another exit); resolves when the last request has its answer, or after
   * `timeout` ms.
   */
  drain: (options?: { timeout?: number }) => Promise<void>
  /**
   * Reads the policy's list files again; with options, their limits, addresses and policy replace those in force. On an
   * error (ServerError MINWWW_EXIT_BAD_OPTION) everything stays as it was.
   */
  reload: (options?: ReloadableOptions) => Promise<void>
  /** Drains for up to `timeout` ms (default 0), then ends what is left. Does not close the session. */
  close: (options?: { timeout?: number }) => Promise<void>
}

/** What an exit offers and where, as its operator hands it on when it has started. */
export interface ExitSummary {
  /** `...b32.i2p`, for `minwww proxy --exit`. */
  address: string
  /** Where the operator's console listens; undefined without one. */
  console: { host: string, port: number } | undefined
  /** Names under which own sites are served; the address, if there is a site, is one of them. */
  sites: string[]
  /** Bytes a second, 0 is unlimited. */
  limits: { in: number, out: number }
  /** Bytes; Infinity without a quota. */
  quotaLeft: { day: number, month: number }
  /** Fetches at once, and streams at once (0: none are taken). */
  fetches: number
  streams: number
}

export interface ExitStats {
  /** Requests that wait or are being fetched. */
  active: number
  /** Streams that are open. */
  streams: number
  /** Answers whose beginning went out as a message and whose rest waits for its stream. */
  rests: number
  /**
   * Resources that clients were promised and sent before they asked, and the bytes of these as they were sent. `cancelled`: given up by
   * the client before all of one had left; `askedAgain`: asked for all the same within 30 s.
   */
  pushes: { promised: number, sent: number, bytes: number, cancelled: number, askedAgain: number }
  running: number
  waiting: number
  /** Answers that wait to leave towards I2P, and their bytes. */
  sending: number
  queued: number
  shed: number
  /** Bytes: fetched from the web, and sent towards I2P. */
  bytesIn: number
  bytesOut: number
  /** Bytes; Infinity without a quota. */
  quotaLeft: { day: number, month: number }
  /** `message answered`, `stream policy` ... to counts. */
  outcomes: Record<string, number>
  /** Cause to counts. */
  refusals: Record<string, number>
}

/**
 * Starts an exit on a session. It answers from the moment this resolves until `close`.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION, MINWWW_EXIT_BAD_STATE
 */
export async function createExit (options: ExitOptions): Promise<Exit> {
  const parts = await ExitParts.create(options)
  const exit = new RunningExit(parts)
  try {
    if (options.console !== undefined) await exit.openConsole(options.console)
    return exit
  } catch (error) {
    await exit.close()
    throw error
  }
}

class RunningExit implements Exit {
  readonly #parts: ExitParts
  #closing: Promise<void> | undefined
  #console: OperatorConsole | undefined

  constructor (parts: ExitParts) {
    this.#parts = parts
  }

  get destination (): Destination {
    return this.#parts.destination
  }

  get console (): { host: string, port: number } | undefined {
    return this.#console?.address
  }

  async openConsole (listen: { host: string, port: number }): Promise<void> {
    const actions = { drain: async () => await this.drain(), reload: async () => await this.reload() }
    this.#console = await openConsole(this.#parts, actions, listen)
  }

  get stats (): ExitStats {
    return statsOf(this.#parts)
  }

  get descriptor (): string {
    return this.#parts.descriptor
  }

  get summary (): ExitSummary {
    const { destination, web, bandwidth, queue, streams } = this.#parts
    return {
      address: destination.b32,
      console: this.console,
      sites: web.sites.names,
      limits: bandwidth.limits,
      quotaLeft: bandwidth.quotaLeft(),
      fetches: queue.limits.concurrency,
      streams: streams?.maxStreams ?? 0
    }
  }

  async drain ({ timeout = Infinity }: { timeout?: number } = {}): Promise<void> {
    const { clock } = this.#parts
    const drained = this.#parts.drain()
    if (timeout <= 0) return
    let timer: { clear: () => void } | undefined
    const expired = new Promise<void>(resolve => { timer = clock.setTimer(resolve, timeout) })
    await Promise.race([drained, expired])
    timer?.clear()
  }

  async reload (options?: ReloadableOptions): Promise<void> {
    await this.#parts.reload(options)
  }

  async close ({ timeout = 0 }: { timeout?: number } = {}): Promise<void> {
    this.#closing ??= this.drain({ timeout }).then(async () => {
      await this.#console?.close()
      await this.#parts.close()
    })
    await this.#closing
  }
}

function statsOf (parts: ExitParts): ExitStats {
  const { queue, bandwidth, statistics } = parts
  const totals = bandwidth.totals
  const { sending, queued } = parts.coreLoad
  const { promises = 0, pushes = 0, pushedBytes = 0, pushesCancelled = 0, pushesAskedAgain = 0 } = parts.coreCounters
  return {
    active: parts.active,
    streams: parts.streams?.size ?? 0,
    rests: parts.rests.size,
    pushes: { promised: promises, sent: pushes, bytes: pushedBytes, cancelled: pushesCancelled, askedAgain: pushesAskedAgain },
    running: queue.running,
    waiting: queue.waiting,
    sending,
    queued,
    shed: queue.shed,
    bytesIn: totals.in,
    bytesOut: totals.out,
    quotaLeft: bandwidth.quotaLeft(),
    outcomes: Object.fromEntries(statistics.outcomes),
    refusals: Object.fromEntries(statistics.refusals)
  }
}

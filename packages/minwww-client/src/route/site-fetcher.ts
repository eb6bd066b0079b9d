import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@minwww/ground/node'
import { decodeB33, type BlindedAddress, type Destination, type Logger } from '@minwww/i2cp'
import { Destination as DestinationClass } from '@minwww/i2cp/codec'
import { EXIT_PORT } from '@minwww/protocol'
import type { ExitStatus } from '../core.ts'
import type { AltSvcMemory } from './alt-svc.ts'
import { destroyBody, type Answer, type SiteRequest } from '../http/answer.ts'
import type { Backend } from '../sessions/backend.ts'
import { exitsForRest, exitsForSite } from './exit-choice.ts'
import { ProxyError, type FailureCode } from '../http/failures.ts'
import { valuesOf, type Fields } from '../http/fields.ts'
import { fetchByMessage, failureOf, TooLargeError } from './message-path.ts'
import type { NameService } from './names.ts'
import type { Settings } from '../http/settings.ts'
import { firstOf } from './peer-search.ts'
import { isWell } from '../sessions/pool-health.ts'
import { resuming } from './resume.ts'
import { patienceForBody, patienceForHead, patienceOf, SilentExit, whileHeard } from './standstill.ts'
import { fetchByStream, isRepeatable, StreamFailure, type Limits, type StreamAnswer } from './stream-path.ts'
import { asStream, fitsMessage, isHarmless, isPlain, readWhole, type WholeRequest } from './small-body.ts'
import { pathOf, type StreamPeer } from './streams.ts'
import { parseAuthority, parseTarget, withHost, type Target } from '../http/target.ts'

/** After these an exit that never answered a message may still be an outproxy that only speaks HTTP over streams. */
const UNANSWERED: ReadonlySet<FailureCode> = new Set<FailureCode>(['MINWWW_TIMEOUT', 'MINWWW_EXIT_SILENT', 'MINWWW_NO_EXIT'])
/** These may be explained by the state of the pool. */
const OF_POOL: ReadonlySet<FailureCode> = new Set<FailureCode>(['MINWWW_TIMEOUT', 'MINWWW_EXIT_SILENT', 'MINWWW_NO_EXIT', 'MINWWW_BUSY'])
/** Whether an exit is there is known so soon, s. */
const ASKING_RETRY = 3
/** A page that waits for silent exits loads itself again after this, s, until they have been silent for so long, ms. */
const RELOAD = 5
const ASK_AGAIN_FOR = 120_000
/** These say that an exit knows the site. */
const BEHIND_EXIT: ReadonlySet<FailureCode> = new Set<FailureCode>(['MINWWW_CONNECTION_FAILED', 'MINWWW_UPSTREAM_TIMEOUT', 'MINWWW_BAD_UPSTREAM'])
/** An exit that is asked about a name has so long, ms. */
const SERVED_TIMEOUT = 10_000
/** Such a last resort is not waited for as long as a request, ms. */
const LAST_RESORT: Limits = { connect: 30_000, answer: 30_000 }

/** A pool that is busy is asked again so often, if it says that it will soon have time, s. */
const BUSY_RETRIES = 2
const MAX_BUSY_WAIT = 5

/** Where a request goes. `known` is false for an .i2p name that only the exits might know. */
export type Route = { to: 'pool', known: boolean } | { to: 'site', destination: Destination }

export interface ExchangeOptions {
  settings: Settings
  names: NameService
  altSvc: AltSvcMemory
  jumpServices: Readonly<Record<string, string>>
  /** Waited for before a request goes to the pool: exits of lists may be about to come. */
  beforePool?: ((backend: Backend, signal: AbortSignal) => Promise<void>) | undefined
  /** Secret by which sites get their exits for streams. */
  salt?: () => string
  logger?: Logger | undefined
}

/** Chooses the path of one request: messages where they can carry it, else streams. */
export class SiteFetcher {
  readonly #options: ExchangeOptions

  constructor (options: ExchangeOptions) {
    this.#options = options
  }

  /** @throws ProxyError, the signal's reason */
  async fetch (request: SiteRequest, backend: Backend): Promise<Answer> {
    if (isHarmless(request)) return await this.#fetch(request, backend)
    const { authority } = request.target
    backend.driver.changed(authority)
    try {
      return await this.#fetch(request, backend)
    } finally {
      backend.driver.changed(authority)
    }
  }

  async #fetch (request: SiteRequest, backend: Backend): Promise<Answer> {
    const route = await this.route(request.target, backend)
    if (route.to === 'site') return await this.#fromSite(inNameOf(request, route.destination), backend, route.destination)
    try {
      return await this.#fromPool(request, backend)
    } catch (error) {
      throw route.known ? error : this.withJumpLinks(error, request.target, request.method, backend.health.state === 'empty')
    }
  }

  /** Whether an exit of the pool serves a site under a name that neither this proxy nor the router knows. */
  async isServed (name: string, backend: Backend): Promise<boolean> {
    const target = parseTarget(`http://${name}/`)
    if (this.#options.settings.i2pOnly) return false
    const signal = AbortSignal.timeout(SERVED_TIMEOUT)
    try {
      destroyBody(await this.#fromPool({ method: 'HEAD', target, fields: [['Host', target.authority]], signal, timeout: SERVED_TIMEOUT }, backend))
      return true
    } catch (error) {
      // The site may be down, but the exit knows it.
      return error instanceof ProxyError && BEHIND_EXIT.has(error.code)
    }
  }

  /** @throws ProxyError MINWWW_SITE_OFFLINE for a b32 or b33 that is not found, MINWWW_BAD_HOST; what `toPool` throws */
  async route (target: Target, backend: Backend): Promise<Route> {
    if (target.kind === 'web') return this.#toPool(target, true)
    if (target.kind === 'b64') return { to: 'site', destination: parseDestination(target.host) }
    if (target.kind === 'b33') checkB33(labelOf(target.host))
    const destination = await this.#options.names.resolve(target.kind === 'i2p-name' ? target.host : labelOf(target.host), backend)
    if (destination !== undefined) return { to: 'site', destination }
    if (target.kind === 'b32') throw new ProxyError('MINWWW_SITE_OFFLINE', 'no LeaseSet was found for this address')
    if (target.kind === 'b33') {
      const detail = 'the router found no encrypted LeaseSet for this address; some routers cannot look for one'
      throw new ProxyError('MINWWW_SITE_OFFLINE', detail)
    }
    return this.#toPool(target, false)
  }

  /** @throws ProxyError MINWWW_I2P_ONLY, MINWWW_NAME_NOT_RESOLVED where nothing goes to an exit */
  #toPool (target: Target, known: boolean): Route {
    if (!this.#options.settings.i2pOnly) return { to: 'pool', known }
    if (known) throw new ProxyError('MINWWW_I2P_ONLY', target.host)
    throw this.withJumpLinks(new ProxyError('MINWWW_NAME_NOT_RESOLVED', target.host), target)
  }

  /** From this Destination and nobody else. @throws as `fetch` */
  async fetchFrom (destination: Destination, request: SiteRequest, backend: Backend): Promise<Answer> {
    return await this.#fromSite(inNameOf(request, destination), backend, destination)
  }

  /** Resolves when the pool has exits, or when none are about to come. */
  async poolReady (backend: Backend, signal: AbortSignal): Promise<void> { await this.#options.beforePool?.(backend, signal) }

  async #fromPool (request: SiteRequest, backend: Backend): Promise<Answer> {
    try {
      await this.poolReady(backend, request.signal)
      return await this.#askPool(request, backend)
    } catch (error) {
      throw this.explain(error, backend, request.isPage)
    }
  }

  /** Where the pool does not work, the page says so and why; what waits in a window asks again by itself for a while. */
  explain (error: unknown, backend: Backend, isPage = false): unknown {
    if (!(error instanceof ProxyError) || !OF_POOL.has(error.code)) return error
    const { health } = backend
    const { state, text, since } = health
    if (error.code === 'MINWWW_NO_EXIT' && state === 'asking') {
      return new ProxyError(error.code, text, { retryAfter: ASKING_RETRY, reload: isPage ? RELOAD : undefined, cause: error })
    }
    if (error.code === 'MINWWW_NO_EXIT' && state === 'empty') return new ProxyError(error.code, text, { cause: error })
    if (isWell(health)) return error
    const isGone = error.code === 'MINWWW_TIMEOUT' && backend.isGone()
    const isPatient = isPage && error.code === 'MINWWW_EXIT_SILENT' && since !== undefined && systemClock.now() - since < ASK_AGAIN_FOR
    return new ProxyError(isGone ? 'MINWWW_EXIT_SILENT' : error.code, error.detail ?? text, {
      retryAfter: error.retryAfter, reload: isPatient ? RELOAD : undefined, cause: error
    })
  }

  async #askPool (request: SiteRequest, backend: Backend): Promise<Answer> {
    const exits = backend.driver.exits()
    if (!fitsMessage(request) || !(isPlain(request) || exits.some(({ takesOnce }) => takesOnce === true))) {
      return await this.#overExits(request, backend)
    }
    const mute = exits.length > 0 && exits.every(exit => exit.successes === 0)
    if (backend.streams !== undefined && mute && exits.every(exit => exit.state === 'down')) return await this.#overExits(request, backend)
    const whole = await readWhole(request)
    try {
      return this.#resuming(request, backend, await this.#byMessage(whole, backend))
    } catch (error) {
      if (isTooLong(error, whole)) return await this.#overExits(asStream(whole), backend)
      if (error instanceof TooLargeError) {
        if (backend.streams === undefined) throw failureOf(error.event)
        return await this.#overExits(asStream(whole), backend, error.event.exit)
      }
      const isMute = mute && backend.streams !== undefined && error instanceof ProxyError && UNANSWERED.has(error.code)
      if (!isMute) throw error
      const limits = { ...LAST_RESORT, connect: backend.connectTime(LAST_RESORT.connect) }
      return await this.#overExits(asStream(whole), backend, undefined, limits).catch(() => { throw error })
    }
  }

  /** A pool that is busy for a moment is asked again. */
  async #byMessage (request: WholeRequest, backend: Backend): Promise<StreamAnswer> {
    const end = performance.now() + this.#options.settings.timeout
    for (let retries = 0; ; retries++) {
      try {
        return await fetchByMessage(backend, request, end - performance.now())
      } catch (error) {
        const wait = error instanceof ProxyError && error.code === 'MINWWW_BUSY' ? error.retryAfter ?? 1 : Infinity
        if (wait > MAX_BUSY_WAIT || retries >= BUSY_RETRIES) throw error
        await delay(wait * 1_000, undefined, { signal: request.signal }).catch(() => {})
        request.signal.throwIfAborted()
      }
    }
  }

  async #fromSite (request: SiteRequest, backend: Backend, destination: Destination): Promise<Answer> {
    const { altSvc, settings } = this.#options
    const site = destination.b32
    const ask = async (asked: SiteRequest): Promise<StreamAnswer> => {
      const attempt = async (peer: StreamPeer, limits: Limits): Promise<StreamAnswer> => await this.#overStream(asked, backend, peer, limits)
      const mayGoOn = (failure: StreamFailure): boolean => failure.harmless && !hasStarted(asked)
      return await firstOf(backend.sessionStreams.peersOf(destination, request.target.port), limitsOf(settings), attempt, mayGoOn)
    }
    let asked = request
    const takesIt = (): boolean => isPlain(request) || backend.driver.takesOnce(destination)
    if (request.target.port === EXIT_PORT && fitsMessage(request) && altSvc.has(site) && takesIt()) {
      const whole = await readWhole(request)
      try {
        return resuming(request, await fetchByMessage(backend, whole, settings.timeout, destination), ask)
      } catch (error) {
        const isGone = error instanceof ProxyError && UNANSWERED.has(error.code)
        if (isGone || (error instanceof ProxyError && error.code === 'MINWWW_UNANSWERED')) altSvc.forget(site)
        if (!(error instanceof TooLargeError) && !isGone && !isTooLong(error, whole)) throw error
        asked = asStream(whole)
      }
    }
    const answer = await ask(asked)
    altSvc.note(site, valuesOf(answer.received, 'alt-svc'))
    return resuming(request, answer, ask)
  }

  /** The exits that suit best, one after the other as long as a repeat is harmless. */
  async #overExits (
    request: SiteRequest, backend: Backend, first?: string, limits = this.limitsOf(backend)
  ): Promise<StreamAnswer> {
    const answer = await this.#askExits(request, backend, this.exitPeers(backend, request.target, first), limits)
    return this.#resuming(request, backend, answer)
  }

  /** A body that breaks off goes on from other exits, where it may. */
  #resuming (request: SiteRequest, backend: Backend, answer: StreamAnswer): StreamAnswer {
    const { driver } = backend
    const askOthers = async (rest: SiteRequest, { exit }: StreamAnswer): Promise<StreamAnswer> => {
      this.#options.logger?.debug({ exit }, 'the rest of a body is asked of another exit')
      if (exit !== undefined) driver.suspectExit(exit)
      const peers = exitsForRest(driver.exits(), exit).map(peerOf)
      return await this.#askExits(rest, backend, peers, limitsOf(this.#options.settings))
    }
    return resuming(request, answer, askOthers, ({ exit }) => patienceForBody(() => driver.exits(), exit, () => driver.suspectExit(exit!)))
  }

  /**
   * One exit after the other. One that does not even answer a probe is left where another of them is well: be it one that was left
   * before, and is back. Then those that are well are asked once more, and the last of them is waited for.
   */
  async #askExits (request: SiteRequest, backend: Backend, peers: readonly StreamPeer[], limits: Limits): Promise<StreamAnswer> {
    try {
      return await this.#askEach(request, backend, peers, limits, peer => peers.filter(other => other !== peer))
    } catch (error) {
      if (!(error instanceof SilentExit)) throw error
      const back = backend.driver.exits().filter(({ state }) => state === 'ready').map(({ id }) => id)
      const again = peers.filter(({ id }) => back.includes(id))
      if (again.length === 0) throw error
      return await this.#askEach(request, backend, again, limits, peer => again.slice(again.indexOf(peer) + 1))
    }
  }

  /** @param others - who may do instead of a peer that is silent */
  async #askEach (
    request: SiteRequest, backend: Backend, peers: readonly StreamPeer[], limits: Limits, others: (peer: StreamPeer) => readonly StreamPeer[]
  ): Promise<StreamAnswer> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', request.method)
    const { driver } = backend
    const ask = async (peer: StreamPeer, limits: Limits): Promise<StreamAnswer> => {
      const instead = others(peer).map(({ id }) => id)
      const probe = (): void => { driver.suspectExit(peer.id) }
      const patience = isRepeatable(request) && instead.length > 0 ? patienceForHead(() => driver.exits(), peer.id, probe, instead) : patienceOf()
      return await whileHeard(patience, request.signal, async signal => await this.#overStream({ ...request, signal }, backend, peer, limits))
    }
    return await firstOf(peers, limits, ask, (failure, { id }) => {
      this.#options.logger?.debug({ exit: id, err: failure }, 'stream to exit failed')
      backend.noteStream(id, false)
      backend.driver.suspectExit(id)
      return failure.harmless && !hasStarted(request)
    })
  }

  /** How long the exits of a pool may take. */
  limitsOf (backend: Backend): Limits {
    const { connect, answer } = limitsOf(this.#options.settings)
    return { connect: backend.connectTime(connect), answer }
  }

  exitPeers (backend: Backend, target: Target, first?: string): StreamPeer[] {
    return exitsForSite(backend.driver.exits(), target.host, first, this.#options.salt?.()).map(peerOf)
  }

  async #overStream (request: SiteRequest, backend: Backend, asked: StreamPeer, usual: Limits): Promise<StreamAnswer> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'streams')
    const { peer, limits } = await backend.sessionStreams.fromWhere(asked, usual, request.signal)
    try {
      const answer = await fetchByStream(backend.streams, request, peer, limits)
      if (peer.kind === 'exit') backend.noteStream(peer.id, true)
      return answer
    } catch (error) {
      if (!(error instanceof StreamFailure) || !error.reused || !isRepeatable(request)) throw error
      return await fetchByStream(backend.streams, request, peer, limits, true)
    }
  }

  /**
   * The page for a name that nobody knows offers the jump services. An exit that does not serve a name says no more than
   * that its policy refuses it; so it does for a method, which is never GET or HEAD. While no exit is there, one may know
   * the name later; `alone` says that none is set.
   */
  withJumpLinks (error: unknown, target: Target, method = 'GET', alone = true): unknown {
    if (!(error instanceof ProxyError) || target.kind !== 'i2p-name') return error
    const isOfName = error.code === 'MINWWW_NAME_NOT_RESOLVED' || error.code === 'MINWWW_NO_EXIT'
    if (!isOfName && !(error.code === 'MINWWW_POLICY' && (method === 'GET' || method === 'HEAD'))) return error
    const links = Object.entries(this.#options.jumpServices)
      .map(([title, url]) => [`Ask ${title}`, url + encodeURIComponent(target.host)] as const)
    if (error.code === 'MINWWW_NO_EXIT' && !alone) {
      return new ProxyError(error.code, error.detail, { links, retryAfter: error.retryAfter, reload: error.reload, cause: error })
    }
    return new ProxyError('MINWWW_NAME_NOT_RESOLVED', target.host, { links, cause: error })
  }
}

const limitsOf = ({ timeout, timeouts }: Settings): Limits => ({ connect: timeout, answer: timeouts.answer })

const peerOf = (exit: ExitStatus): StreamPeer =>
  ({ kind: 'exit', id: exit.id, destination: exit.destination, port: EXIT_PORT, path: pathOf(exit) })

/** The body is larger than messages carry, once it is coded: nothing was sent. */
const isTooLong = (error: unknown, { content }: WholeRequest): boolean =>
  content !== undefined && error instanceof ProxyError && error.code === 'MINWWW_BODY_TOO_LARGE'

/** A body that has begun to flow cannot be sent again. */
const hasStarted = (request: SiteRequest): boolean => request.body?.readableDidRead === true

/** Names may stand in front of the hash: they are of no meaning. */
const labelOf = (host: string): string => host.split('.').slice(-3).join('.')

/** @throws ProxyError MINWWW_BAD_HOST for an address that is damaged, or that needs what this proxy does not have */
function checkB33 (name: string): void {
  let address: BlindedAddress
  try {
    address = decodeB33(name)
  } catch (error) {
    throw new ProxyError('MINWWW_BAD_HOST', 'the address of an encrypted LeaseSet, but not a whole one', { cause: error })
  }
  if (!address.secretRequired && !address.clientKeyRequired) return
  throw new ProxyError('MINWWW_BAD_HOST', 'this encrypted LeaseSet needs a password or a key, which this proxy cannot give')
}

function parseDestination (base64: string): Destination {
  try {
    return DestinationClass.fromBase64(base64)
  } catch (error) {
    throw new ProxyError('MINWWW_BAD_HOST', 'not a base64 Destination', { cause: error })
  }
}

/** A base64 Destination is too long for Host, and sites know themselves by their b32. */
function inNameOf (request: SiteRequest, destination: Destination): SiteRequest {
  if (request.target.kind !== 'b64') return request
  const { host } = parseAuthority(destination.b32, EXIT_PORT)
  const target = withHost(request.target, host, 'b32')
  const fields = request.fields.map(([name, value]): Fields[number] => [name, name === 'Host' ? target.authority : value])
  return { ...request, target, fields }
}

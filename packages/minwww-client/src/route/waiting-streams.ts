import { request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { NEXT_REST, REST_FIELD, REST_SCHEME } from '@minwww/protocol'
import type { RestName } from '../core.ts'
import { pathFields, type StreamAgent, type StreamPeer } from './streams.ts'

/** Streams that wait at one exit, of one Destination: it takes no more. */
const MAX_WAITING = 2
/** In all. */
export const MAX_STREAMS = 64
/** Exits that are known not to know this. */
export const MAX_OTHERS = 256
/** Round trips until a rest is asked for that should have come by itself; a round trip if none is known, ms. */
const PATIENCE = 1.5
const UNKNOWN_RTT = 2_000
/** ms that a rest is kept for a beginning of which nothing came yet. */
const KEEP = 10_000
/** An exit ends the waiting after a minute. One that does not has no stream for ever, ms. */
const MOST_WAIT = 120_000

/** A stream that waits, or has brought what nobody has taken yet. */
interface Waiting { readonly key: string, isHeard: boolean, brought?: { name: string, response: IncomingMessage } }

/** What wants a rest by its name; undefined: none comes. */
interface Claim { readonly key: string, readonly name: string, readonly settle: (response: IncomingMessage | undefined) => void }

/** A rest that should come by itself. */
export interface Expected {
  /** Undefined once it should be asked for. */
  readonly soon: Promise<IncomingMessage | undefined>
  /** However late; undefined if no stream is left that may bring it. */
  readonly response: Promise<IncomingMessage | undefined>
  /** It has come by another way. */
  readonly leave: () => void
}

/**
 * Streams on which rests have come stay at the exit, which sends the next rest right behind its beginning. So no round trip is lost
 * for asking (docs/reference/protocol.md section 9).
 */
export class WaitingStreams {
  readonly #streams = new Set<Waiting>()
  readonly #claims = new Set<Claim>()
  readonly #others = new Set<string>()

  /** Has an idle stream of `agent` to this peer wait, if there is one. */
  wait (agent: StreamAgent, peer: StreamPeer, source: number): void {
    const key = keyOf(source, peer.destination.b32)
    const isFull = this.#of(key).length >= MAX_WAITING || this.#streams.size >= MAX_STREAMS
    if (isFull || this.#others.has(key) || !agent.hasFree(peer)) return
    const waiting: Waiting = { key, isHeard: false }
    this.#streams.add(waiting)
    const headers = ['Host', 'minwww', ...pathFields(peer).flat()]
    const outgoing = httpRequest({ agent, peer, method: 'GET', path: `${REST_SCHEME}${NEXT_REST}`, headers, setHost: false } as object)
    outgoing.on('information', () => { waiting.isHeard = true })
    const timer = setTimeout(() => { outgoing.destroy() }, MOST_WAIT)
    timer.unref()
    outgoing.on('response', response => {
      clearTimeout(timer)
      this.#heard(waiting, response, () => this.wait(agent, peer, source))
    })
    outgoing.on('error', () => {})
    outgoing.on('close', () => {
      clearTimeout(timer)
      if (waiting.brought === undefined) this.#end(waiting)
    })
    outgoing.end()
  }

  /** The rest of this name, if it may come by itself: a stream waits for it, or has brought it. @param rtt - ms */
  expect (name: RestName, signal: AbortSignal, rtt = UNKNOWN_RTT): Expected | undefined {
    const key = keyOf(name.source, name.exit.b32)
    const streams = this.#of(key)
    const brought = streams.find(({ brought }) => brought?.name === textOf(name))
    if (brought !== undefined) {
      this.#streams.delete(brought)
      const response = Promise.resolve(brought.brought!.response)
      return { soon: response, response, leave: () => {} }
    }
    const waiting = streams.filter(({ brought }) => brought === undefined)
    if (waiting.length === 0) return undefined
    let leave = (): void => {}
    const response = new Promise<IncomingMessage | undefined>(resolve => {
      const settle = (response: IncomingMessage | undefined): void => {
        this.#claims.delete(claim)
        signal.removeEventListener('abort', leave)
        resolve(response)
      }
      leave = () => settle(undefined)
      const claim: Claim = { key, name: textOf(name), settle }
      this.#claims.add(claim)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
    // The exit may have a stream that has not heard from it yet: what is asked for by name may be on its way there.
    const isSure = waiting.some(({ isHeard }) => isHeard)
    const late = isSure ? delay(PATIENCE * rtt, undefined, { ref: false }) : undefined
    return { response, soon: Promise.race([response, late]), leave }
  }

  #heard (waiting: Waiting, response: IncomingMessage, again: () => void): void {
    response.on('error', () => {})
    const name = response.headers[REST_FIELD.toLowerCase()]
    if (response.statusCode !== 200 || typeof name !== 'string') {
      if (response.statusCode !== 204) this.#note(waiting.key)
      response.resume()
      return this.#end(waiting)
    }
    waiting.brought = { name, response }
    whenDone(response, again)
    const claim = [...this.#claims].find(claim => claim.key === waiting.key && claim.name === name)
    if (claim !== undefined) {
      this.#streams.delete(waiting)
      claim.settle(response)
    } else this.#keep(waiting, response)
    this.#disappoint(waiting.key)
  }

  /** Its beginning may still be on the way, or its request be over. */
  #keep (waiting: Waiting, response: IncomingMessage): void {
    const timer = setTimeout(() => { if (this.#streams.delete(waiting)) response.destroy() }, KEEP)
    timer.unref()
    response.once('close', () => {
      clearTimeout(timer)
      this.#streams.delete(waiting)
    })
  }

  #end (waiting: Waiting): void {
    if (this.#streams.delete(waiting)) this.#disappoint(waiting.key)
  }

  /** Nothing comes by itself where no stream waits any more. */
  #disappoint (key: string): void {
    if (this.#of(key).some(({ brought }) => brought === undefined)) return
    for (const claim of [...this.#claims]) if (claim.key === key) claim.settle(undefined)
  }

  #note (key: string): void {
    if (this.#others.size >= MAX_OTHERS) this.#others.clear()
    this.#others.add(key)
  }

  #of (key: string): Waiting[] { return [...this.#streams].filter(waiting => waiting.key === key) }
}

/** Calls back when all of an answer was read and its stream is free. */
export function whenDone (response: IncomingMessage, callback: () => void): void {
  response.once('close', () => { if (response.complete) setImmediate(callback) })
}

const keyOf = (source: number, b32: string): string => `${source} ${b32}`
const textOf = ({ token, session, id }: RestName): string => token ?? `${session}/${id}`

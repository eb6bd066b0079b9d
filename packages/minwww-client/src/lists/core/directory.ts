import type { Destination } from '@minwww/i2cp/codec'
import { VERSION, type ExitDescriptor, type Statement } from '@minwww/protocol'
import { holds, type Verified } from './verify.ts'

/** Lists that a proxy subscribes to. */
export const MAX_PUBLISHERS = 16
/** Exits of lists that are in use at a time. */
export const WANTED = 6
/** Exits that are left alone after a failure; the one that failed longest ago is free again. */
export const MAX_AVOIDED = 1_024
/** Exits that the user has pinned, and has banned. */
export const MAX_PINNED = 64
export const MAX_BANNED = 1_024
/** Steps of a random share. */
const GRAIN = 1_000_000
/** ms that an exit is left alone after a failure; doubles with each, up to the maximum. */
const AVOIDED = 600_000
const MAX_AVOIDED_TIME = 86_400_000
/** An exit is used for a week or two, ms, then its place is drawn anew: else those would remain that never end. */
const TENURE = 604_800_000
/** An exit in use is asked again what it is when so much is over, ms, and so often when it did not say, ms. */
const RENEW_AFTER = 86_400_000
const RENEW_RETRY = 3_600_000

export interface DirectoryOptions {
  /** Publishers that must name an exit. Default 2 where there are more than two, else 1. */
  agree?: number | undefined
  wanted?: number | undefined
  /** Whole numbers from 0 to below `bound`. */
  random: (bound: number) => number
}

/** One that the user subscribes to. */
export interface Publisher {
  readonly url: string
  /** Destination of the site, or its name while that is not looked up: lists of one site are one publisher's. */
  owner: string
  /** By b32. */
  named: ReadonlyMap<string, Verified<ExitDescriptor>>
}

/** An exit of lists that is in use, or is tried. */
export interface Chosen {
  readonly b32: string
  readonly destination: Destination
  descriptor: Verified<ExitDescriptor>
  /** `newcomer`: no page goes there before it has said itself what it is. */
  state: 'newcomer' | 'used'
  /** When it said what it is the last time, epoch ms. */
  checkedAt: number
  /** Asked now. */
  isAsked: boolean
  /** Not asked again before, epoch ms. */
  askAt: number
  /** Its place is drawn anew then, if there is another exit, epoch ms. */
  until: number
}

export type Action =
  | { do: 'ask', b32: string, destination: Destination }
  | { do: 'use', b32: string, destination: Destination }
  | { do: 'leave', b32: string, because: Leaving }

export type Leaving = 'expired' | 'revoked' | 'banned' | 'silent' | 'closed' | 'turn' | 'own'

/** What one reading of a list changed. */
export interface ListChange { exits: number, added: number, gone: number, revoked: number }

/**
 * Which exits of lists are used: no I/O. Publishers say who there is and nothing else: what is used is drawn by lot, each publisher
 * with the same chance, among the exits that enough of them name; and only the exit itself, by expiry, revocation or silence, or the
 * user ends it. Times are epoch ms.
 */
export class ExitDirectory {
  readonly #random: DirectoryOptions['random']
  readonly #wanted: number
  readonly #agree: number | undefined
  readonly #publishers: Publisher[] = []
  /** Owners as the URLs name them: what a list turns out to be does not lower `agree`. */
  readonly #named = new Set<string>()
  /** Who names an exit, by b32. */
  #owners: ReadonlyMap<string, readonly string[]> = new Map()
  /** How many exits each publisher names. */
  #sizes: ReadonlyMap<string, number> = new Map()
  readonly #chosen = new Map<string, Chosen>()
  readonly #avoided = new Map<string, { until: number, failures: number }>()
  readonly #revoked = new Map<string, Statement>()
  readonly #pinned = new Map<string, Verified<ExitDescriptor>>()
  readonly #banned = new Set<string>()
  #own: ReadonlySet<string> = new Set()
  readonly #actions: Action[] = []
  #isHeld = false

  constructor ({ agree, wanted = WANTED, random }: DirectoryOptions) {
    this.#agree = agree
    this.#wanted = wanted
    this.#random = random
  }

  get publishers (): readonly Publisher[] { return this.#publishers }
  get chosen (): ReadonlyMap<string, Chosen> { return this.#chosen }
  get pinned (): ReadonlyMap<string, Verified<ExitDescriptor>> { return this.#pinned }
  get banned (): ReadonlySet<string> { return this.#banned }
  get load (): { listed: number, avoided: number, revoked: number, pinned: number, banned: number } {
    const listed = Math.max(0, ...this.#publishers.map(({ named }) => named.size))
    return { listed, avoided: this.#avoided.size, revoked: this.#revoked.size, pinned: this.#pinned.size, banned: this.#banned.size }
  }

  /** Publishers that must name an exit. */
  get agree (): number {
    const owners = new Set(this.#publishers.map(({ owner }) => owner)).size
    return Math.min(this.#agree ?? (this.#named.size > 2 ? 2 : 1), Math.max(1, owners))
  }

  /** Every list that the user subscribes to counts for `agree`, also if it never comes. */
  subscribe (url: string, owner: string): void {
    if (this.#publishers.length >= MAX_PUBLISHERS) return
    this.#publishers.push({ url, owner, named: new Map() })
    this.#named.add(owner)
  }

  /** Exits that never are used: our own, and ourselves. They take the place of those given before. */
  exclude (now: number, own: readonly string[]): void {
    this.#own = new Set(own)
    for (const b32 of own) this.#leave(b32, 'own')
    this.#fill(now)
  }

  /** Nothing is drawn until `release`: who comes first would get all the places. */
  hold (): void { this.#isHeld = true }
  get isHeld (): boolean { return this.#isHeld }

  release (now: number): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#fill(now)
  }

  /** A list came. Nothing that is in use changes by what is missing from it. */
  update (now: number, url: string, owner: string, statements: readonly Verified[]): ListChange {
    const publisher = this.#publishers.find(one => one.url === url)
    if (publisher === undefined) return { exits: 0, added: 0, gone: 0, revoked: 0 }
    const named = new Map<string, Verified<ExitDescriptor>>()
    let revoked = 0
    for (const verified of statements) {
      const { statement } = verified
      if (statement.kind === 'exit') named.set(statement.b32, { ...verified, statement })
      else {
        revoked++
        this.#revoke(now, statement)
      }
    }
    const before = publisher.named
    publisher.owner = owner
    publisher.named = named
    this.#owners = ownersOf(this.#publishers)
    this.#sizes = sizesOf(this.#owners)
    const added = [...named.keys()].filter(b32 => !before.has(b32)).length
    const gone = [...before.keys()].filter(b32 => !named.has(b32)).length
    for (const one of this.#chosen.values()) this.#refresh(one, named.get(one.b32))
    this.#fill(now)
    return { exits: named.size, added, gone, revoked }
  }

  /** An exit has said what it is. */
  checked (now: number, verified: Verified<ExitDescriptor>): void {
    const { b32, web } = verified.statement
    const one = this.#chosen.get(b32)
    if (one === undefined) return
    one.isAsked = false
    if (!web || this.#isRevoked(verified.statement)) {
      if (one.state === 'newcomer') return this.failed(now, b32)
      this.#avoid(now, b32, 1)
      this.#leave(b32, 'closed')
      return this.#fill(now)
    }
    one.descriptor = verified
    one.checkedAt = now
    one.askAt = now + RENEW_AFTER
    this.#avoided.delete(b32)
    if (this.#pinned.has(b32)) this.#pinned.set(b32, verified)
    if (one.state === 'used') return
    one.state = 'used'
    this.#actions.push({ do: 'use', b32, destination: one.destination })
  }

  /** It did not answer, or not as an exit does. One in use is asked again: its descriptor still holds. */
  failed (now: number, b32: string): void {
    const one = this.#chosen.get(b32)
    if (one === undefined) return
    one.isAsked = false
    one.askAt = now + RENEW_RETRY
    if (one.state === 'used') return
    const failures = (this.#avoided.get(b32)?.failures ?? 0) + 1
    this.#avoid(now, b32, failures)
    if (this.#pinned.has(b32)) one.askAt = now + Math.min(RENEW_RETRY, AVOIDED)
    else this.#chosen.delete(b32)
    this.#fill(now)
  }

  /** One in use has been silent for long, while others answer: another one takes its place. */
  silent (now: number, b32: string): void {
    if (this.#chosen.get(b32)?.state !== 'used' || this.#pinned.has(b32)) return
    this.#avoid(now, b32, (this.#avoided.get(b32)?.failures ?? 0) + 1)
    this.#leave(b32, 'silent')
    this.#fill(now)
  }

  /** The user wants this exit, whoever names it. False for one that no list names, for a banned one, and above the bound. */
  pin (now: number, b32: string): boolean {
    const verified = this.#find(b32)
    if (verified === undefined || this.#banned.has(b32) || this.#pinned.size >= MAX_PINNED) return false
    this.#pinned.set(b32, verified)
    this.#fill(now)
    return true
  }

  unpin (b32: string): boolean { return this.#pinned.delete(b32) }

  /** Never again, until the user says otherwise. False above the bound. */
  ban (now: number, b32: string): boolean {
    if (this.#banned.size >= MAX_BANNED) return false
    this.#banned.add(b32)
    this.#pinned.delete(b32)
    this.#leave(b32, 'banned')
    this.#fill(now)
    return true
  }

  unban (b32: string): boolean { return this.#banned.delete(b32) }

  /** Those that were in use, or pinned, before a restart: they are tried first. */
  restore (
    now: number, chosen: ReadonlyArray<Verified & { until?: number | undefined }>, pinned: readonly Verified[], banned: readonly string[]
  ): void {
    for (const b32 of banned.slice(0, MAX_BANNED)) this.#banned.add(b32)
    for (const one of pinned.slice(0, MAX_PINNED)) if (isExit(one)) this.#pinned.set(one.statement.b32, one)
    for (const one of chosen.slice(0, this.#wanted + MAX_PINNED)) {
      const { until } = one
      if (isExit(one) && this.#isGood(now, one)) this.#choose(now, one, until)
    }
    this.#fill(now)
  }

  /** Call it every minute or so. */
  handleTimeout (now: number): void {
    for (const one of [...this.#chosen.values()]) {
      const hasExpired = !holds(one.descriptor.statement, now)
      if (hasExpired && (one.state === 'used' || !this.#pinned.has(one.b32))) this.#leave(one.b32, 'expired')
      else if (!one.isAsked && now >= one.askAt) this.#ask(one)
      if (now >= one.until) this.#takeTurns(now, one)
    }
    for (const [b32, statement] of this.#revoked) if (!holds(statement, now)) this.#revoked.delete(b32)
    this.#fill(now)
  }

  pollAction (): Action | undefined { return this.#actions.shift() }

  /** The publishers that name an exit, by owner. */
  namedBy (b32: string): readonly string[] { return this.#owners.get(b32) ?? [] }

  /** Exits that could be used, by what the lists say. */
  candidates (now: number): Array<Verified<ExitDescriptor>> {
    const all = new Map<string, Verified<ExitDescriptor>>()
    for (const { named } of this.#publishers) for (const [b32, one] of named) if (!all.has(b32) && this.#isGood(now, one)) all.set(b32, one)
    const { agree } = this
    return [...all.values()].filter(({ statement: { b32 } }) => this.namedBy(b32).length >= agree)
  }

  /** Takes exits until there are enough. */
  #fill (now: number): void {
    // What a pinned exit said may be over: it is asked again.
    for (const [b32, one] of this.#pinned) if (!this.#chosen.has(b32) && this.#mayBeUsed(one)) this.#choose(now, one)
    while (!this.#isHeld && this.#chosen.size < this.#wanted) {
      const drawn = this.#draw(now)
      if (drawn === undefined) return
      this.#choose(now, drawn)
    }
  }

  /**
   * First a publisher, then one of the exits that he names. Who names more than others has no more weight than they; who names fewer, to
   * have these drawn, has less. So what all hostile publishers together get drawn is at most about their share of the publishers.
   */
  #draw (now: number): Verified<ExitDescriptor> | undefined {
    const open = this.candidates(now).filter(
      ({ statement: { b32 } }) => !this.#chosen.has(b32) && !(now < (this.#avoided.get(b32)?.until ?? 0))
    )
    const lots = new Map<string, Array<Verified<ExitDescriptor>>>()
    for (const one of open) {
      for (const owner of this.namedBy(one.statement.b32)) {
        const lot = lots.get(owner)
        if (lot === undefined) lots.set(owner, [one])
        else lot.push(one)
      }
    }
    const usual = medianOf([...this.#sizes.values()])
    const weighed = [...lots].map(([owner, lot]) => ({ lot, weight: lot.length / Math.max(usual, this.#sizes.get(owner) ?? lot.length) }))
    let left = weighed.reduce((sum, { weight }) => sum + weight, 0) * this.#random(GRAIN) / GRAIN
    const drawn = weighed.find(({ weight }) => (left -= weight) < 0)?.lot ?? weighed.at(-1)?.lot
    return drawn?.[this.#random(drawn.length)]
  }

  /** Another exit takes the place, if there is one. */
  #takeTurns (now: number, { b32, state }: Chosen): void {
    if (state !== 'used' || this.#pinned.has(b32) || !this.#chosen.has(b32)) return
    const next = this.#draw(now)
    if (next === undefined) return
    this.#leave(b32, 'turn')
    this.#choose(now, next)
  }

  #choose (now: number, descriptor: Verified<ExitDescriptor>, until = now + TENURE * (1 + this.#random(1_000) / 1_000)): void {
    const { destination, statement: { b32 } } = descriptor
    const one: Chosen = { b32, destination, descriptor, state: 'newcomer', checkedAt: 0, isAsked: false, askAt: now, until }
    this.#chosen.set(b32, one)
    this.#ask(one)
  }

  #ask (one: Chosen): void {
    one.isAsked = true
    this.#actions.push({ do: 'ask', b32: one.b32, destination: one.destination })
  }

  #leave (b32: string, because: Leaving): void {
    const one = this.#chosen.get(b32)
    if (one === undefined) return
    this.#chosen.delete(b32)
    this.#actions.push({ do: 'leave', b32, because })
  }

  #avoid (now: number, b32: string, failures: number): void {
    this.#avoided.delete(b32)
    this.#avoided.set(b32, { until: now + Math.min(MAX_AVOIDED_TIME, AVOIDED * 2 ** Math.min(10, failures - 1)), failures })
    if (this.#avoided.size > MAX_AVOIDED) this.#avoided.delete(this.#avoided.keys().next().value!)
  }

  #revoke (now: number, statement: Statement): void {
    const { b32, date } = statement
    const known = this.#revoked.get(b32)
    if (known !== undefined && known.date >= date) return
    this.#revoked.set(b32, statement)
    if (this.#revoked.size > MAX_REVOKED) this.#revoked.delete(this.#revoked.keys().next().value!)
    const one = this.#chosen.get(b32)
    if (one !== undefined && this.#isRevoked(one.descriptor.statement)) this.#leave(b32, 'revoked')
    const pinned = this.#pinned.get(b32)
    if (pinned !== undefined && this.#isRevoked(pinned.statement)) this.#pinned.delete(b32)
  }

  #isRevoked ({ b32, date }: Statement): boolean { return date <= (this.#revoked.get(b32)?.date ?? -1) }

  #isGood (now: number, one: Verified<ExitDescriptor>): boolean { return holds(one.statement, now) && this.#mayBeUsed(one) }

  #mayBeUsed ({ statement }: Verified<ExitDescriptor>): boolean {
    const { b32, web, versions } = statement
    return web && versions.includes(VERSION) && !this.#isRevoked(statement) && !this.#banned.has(b32) && !this.#own.has(b32)
  }

  #find (b32: string): Verified<ExitDescriptor> | undefined {
    return this.#chosen.get(b32)?.descriptor ?? this.#publishers.find(({ named }) => named.has(b32))?.named.get(b32)
  }

  /** A list may bring a later word of an exit that is in use. */
  #refresh (one: Chosen, listed: Verified<ExitDescriptor> | undefined): void {
    if (listed !== undefined && listed.statement.date > one.descriptor.statement.date && !this.#isRevoked(listed.statement)) {
      one.descriptor = listed
    }
  }
}

function ownersOf (publishers: readonly Publisher[]): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string[]>()
  for (const { owner, named } of publishers) {
    for (const b32 of named.keys()) {
      const known = owners.get(b32)
      if (known === undefined) owners.set(b32, [owner])
      else if (!known.includes(owner)) known.push(owner)
    }
  }
  return owners
}

function sizesOf (owners: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const names of owners.values()) for (const owner of names) sizes.set(owner, (sizes.get(owner) ?? 0) + 1)
  return sizes
}

/** The lower one of two: no single publisher moves it alone. */
const medianOf = (sizes: readonly number[]): number => [...sizes].sort((a, b) => a - b)[(sizes.length - 1) >> 1] ?? 0

/** Revocations that are remembered; the oldest goes. Each lasts a week at most. */
export const MAX_REVOKED = 4_096

const isExit = (verified: Verified): verified is Verified<ExitDescriptor> => verified.statement.kind === 'exit'

import { MESSAGE_BURST } from './constants.ts'
import { MAX_SHAPE, MAX_SYMBOLS, SYMBOL_OVERHEAD, minimumPayload, symbolCapacity, tunnelMessagesOf } from './sizes.ts'

/** Estimates above this mean: change the exit (section 5). */
export const MAX_LOSS = 0.12
/** Sizes that a symbol may have, in tunnel messages. */
export const SHAPES: readonly number[] = [1, 2, 4, 8, 16, 32, MAX_SHAPE]
/** Largest shape that an exit is asked for before anything is known of the path. */
export const INITIAL_SHAPE = 8

const NEGLIGIBLE = 0.005
const COPIES_LOST = 0.005
const MAX_COPIES = 6
/** 1 - (1 - p) may be a little more than p. */
const ROUNDING = 1e-9

/** How an object is cut: k data and r parity symbols of symbolLength bytes, m tunnel messages each. */
export interface Choice {
  m: number
  k: number
  r: number
  symbolLength: number
}

export interface ChoiceInput {
  /** Bytes of the object. */
  size: number
  /** The client's upper estimate of the loss per tunnel message, 0..1. */
  loss: number
  /** Allowed m, ascending. */
  shapes: readonly number[]
  /** Symbols that may leave back to back. */
  maxSymbols?: number
}

/** v: symbols that are expected to be lost until k have arrived. */
export function expectedLosses (k: number, p: number, m: number): number {
  const arrives = (1 - clampLoss(p)) ** m
  return k * (1 - arrives) / arrives
}

/** r by the formula of section 5, with its limit of k/2 + 2 and the 256 symbols of the code. */
export function parityFor (k: number, p: number, m: number): number {
  return Math.min(wantedParity(k, p, m), parityLimit(k))
}

/** Sizes up to the largest allowed one; a shape that is no power of two adds itself. */
export function allowedShapes (shape: number): number[] {
  const largest = Math.min(MAX_SHAPE, Math.max(1, Math.floor(shape) || 1))
  const shapes = SHAPES.filter(m => m <= largest)
  return shapes.includes(largest) ? shapes : [...shapes, largest]
}

/**
 * The size, number and length of an object's symbols. One tunnel message where that is enough; else the fewest tunnel
 * messages until it is whole, and in all, of what stays within `maxSymbols`. Where nothing stays within, the fewest
 * symbols that have enough parity.
 */
export function chooseSymbols ({ size, loss, shapes, maxSymbols = MESSAGE_BURST }: ChoiceInput): Choice {
  if (size <= symbolCapacity(1)) return cut(size, loss, 1)
  // An object of 128 KiB is 166 symbols of one tunnel message, with 85 of parity at most: fewer than 256.
  const choices = shapes.map(m => cut(size, loss, m))
  const covered = choices.filter(({ k, m }) => neededParity(k, loss, m) <= parityLimit(k))
  const within = covered.filter(choice => choice.k + choice.r <= maxSymbols)
  if (within.length > 0) return best(within, choice => cost(choice, loss))
  return best(covered.length > 0 ? covered : choices, choice => choice.k + choice.r)
}

/** Copies of a message of t tunnel messages so that all are lost with at most 0.5 %. */
export function copiesFor (t: number, p: number): number {
  const lost = 1 - (1 - clampLoss(p)) ** t
  let copies = 1
  while (lost ** copies > COPIES_LOST + ROUNDING && copies < MAX_COPIES) copies++
  return copies
}

/** Equal symbols; a last tunnel message that gateways would hold back is filled, which costs nothing. */
function cut (size: number, loss: number, shape: number): Choice {
  const k = Math.max(1, Math.ceil(size / symbolCapacity(shape)))
  const even = Math.ceil(size / k)
  const m = tunnelMessagesOf(even + SYMBOL_OVERHEAD)
  const symbolLength = Math.max(even, minimumPayload(m) - SYMBOL_OVERHEAD)
  return { m, k, r: parityFor(k, loss, m), symbolLength }
}

/** Lowest cost; the larger m at a tie. */
function best (choices: readonly Choice[], price: (choice: Choice) => number): Choice {
  return choices.reduce((a, b) => price(b) < price(a) || (price(b) === price(a) && b.m >= a.m) ? b : a)
}

/** Tunnel messages until k have arrived, three parts, and all that are sent, one part. */
function cost ({ m, k, r }: Choice, loss: number): number {
  return m * (4 * k + 3 * expectedLosses(k, loss, m) + r)
}

function wantedParity (k: number, p: number, m: number): number {
  const v = expectedLosses(k, p, m)
  return v < NEGLIGIBLE ? 0 : Math.ceil(v + 3 * Math.sqrt(v))
}

/** What the limit must leave of it: fails to decode in one case of fifty at worst, and loss is reported with a margin. */
function neededParity (k: number, p: number, m: number): number {
  const v = expectedLosses(k, p, m)
  return v < NEGLIGIBLE ? 0 : Math.ceil(v + 2 * Math.sqrt(v))
}

/** Most parity of k symbols: k/2 + 2, as far as the code has indices. */
export function parityLimit (k: number): number {
  return Math.min(Math.floor(k / 2) + 2, MAX_SYMBOLS - k)
}

function clampLoss (p: number): number {
  return Math.min(MAX_LOSS, Math.max(0, p || 0))
}

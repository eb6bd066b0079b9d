import { DESIGNS } from './cells.ts'
import type { Cell, Conditions, Design } from './cells.ts'
import { geometricMean } from './statistics.ts'

/** Geometric means over all points of one loss rate, as multiples of the physical limit. */
export interface LossRow {
  loss: number
  burst: number
  profile: NonNullable<Conditions['profile']>
  design: Design
  points: number
  p50: number
  p99: number
  /** Tunnel messages of all pages together, relative to warm streaming's. */
  tunnelMessages: number
  failed: number
}

/** A point where one design is behind another. */
export interface Behind { cell: Cell, rival: Cell, at: 'p50' | 'p99', ratio: number }

export function lossRows (cells: readonly Cell[]): LossRow[] {
  const rows: LossRow[] = []
  for (const { loss, burst, profile } of unique(cells.map(kindOf))) {
    for (const design of DESIGNS) {
      const own = cells.filter(cell => cell.design === design && keyOf(kindOf(cell)) === keyOf({ loss, burst, profile }))
      if (own.length === 0) continue
      const warm = own.map(cell => sibling(cells, cell, 'streaming-warm')).filter(cell => cell !== undefined)
      rows.push({
        loss,
        burst,
        profile,
        design,
        points: own.length,
        p50: geometricMean(own.map(cell => cell.p50 / cell.limit)),
        p99: geometricMean(own.map(cell => cell.p99 / cell.limit)),
        tunnelMessages: warm.length < own.length ? NaN : geometricMean(own.map((cell, i) => cell.tunnelMessages / warm[i]!.tunnelMessages)),
        failed: own.reduce((sum, cell) => sum + cell.failed, 0)
      })
    }
  }
  return rows
}

/** Points where streams that begin with what messages know need more than `tolerance` times what they need without. Worst first. */
export function behindUninformed (cells: readonly Cell[], tolerance = 1.05): Behind[] {
  return comparisons(cells, 'streaming-informed', ['streaming-cold'], tolerance)
}

/** Points where MinWWW needs more than `tolerance` times what streaming, cold or warm, needs. Worst first. */
export function behind (cells: readonly Cell[], tolerance = 1.05): Behind[] {
  return comparisons(cells, 'minwww', ['streaming-cold', 'streaming-warm'], tolerance)
}

function comparisons (cells: readonly Cell[], own: Design, rivals: readonly Design[], tolerance: number): Behind[] {
  const found: Behind[] = []
  for (const cell of cells) {
    if (cell.design !== own) continue
    for (const design of rivals) {
      const rival = sibling(cells, cell, design)
      if (rival === undefined) continue
      for (const at of ['p50', 'p99'] as const) {
        if (cell[at] > tolerance * rival[at]) found.push({ cell, rival, at, ratio: cell[at] / rival[at] })
      }
    }
  }
  return found.sort((a, b) => b.ratio - a.ratio)
}

export function sibling (cells: readonly Cell[], cell: Cell, design: Design): Cell | undefined {
  return cells.find(other => other.design === design && other.size === cell.size && other.latency === cell.latency &&
    other.loss === cell.loss && other.bandwidth === cell.bandwidth && (other.burst ?? 1) === (cell.burst ?? 1) &&
    other.profile === cell.profile)
}

type Kind = Pick<LossRow, 'loss' | 'burst' | 'profile'>

function kindOf ({ loss, burst = 1, profile = 'plain' }: Cell): Kind {
  return { loss, burst, profile }
}

function keyOf ({ loss, burst, profile }: Kind): string {
  return `${profile} ${burst} ${loss}`
}

/** Plain ones first. */
function unique (kinds: Kind[]): Kind[] {
  return [...new Map(kinds.map(kind => [keyOf(kind), kind])).values()]
    .sort((a, b) => Number(a.profile !== 'plain') - Number(b.profile !== 'plain') ||
      a.profile.localeCompare(b.profile) || a.burst - b.burst || a.loss - b.loss)
}

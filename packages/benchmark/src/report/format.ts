import type { Conditions, Series } from './types.ts'

const KB = 1024

export function formatMs (value: number): string {
  if (Number.isNaN(value)) return '-'
  return value >= 9_950 ? `${(value / 1000).toFixed(1)} s` : value >= 100 ? `${Math.round(value)} ms` : `${value.toPrecision(2)} ms`
}

export function formatSize (bytes: number): string {
  return bytes < KB ? `${bytes} B` : `${Math.round(bytes / KB * 10) / 10} KB`
}

const WORDS: Readonly<Record<string, (value: number | string) => string>> = {
  size: value => formatSize(Number(value)),
  latency: value => `${value} ms one way`,
  loss: value => `${value} % loss`,
  routers: value => `${value === 'java' ? 'Java' : value === 'mixed' ? 'mixed i2pd and Java' : value} routers`,
  clients: value => `${value} clients`,
  'at once': value => Number(value) > 1 ? `${value} at once` : 'alone',
  objects: value => `${value} objects`,
  bandwidth: value => Number(value) === 0 ? 'unlimited' : `${formatSize(Number(value))}/s`,
  hops: value => `${value} ${value === 1 ? 'hop' : 'hops'}`,
  what: value => String(value),
  http: value => value === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
  tls: value => `TLS ${value}`,
  state: value => String(value),
  url: value => String(value)
}

/** Conditions in words, without those in `except`. */
export function conditionsInWords (conditions: Conditions, except: readonly string[] = []): string {
  return Object.entries(conditions).filter(([name]) => !except.includes(name))
    .map(([name, value]) => WORDS[name]?.(value) ?? `${name} ${value}`).join(', ')
}

/** Splits by the conditions that are not in `except`; keys are in words, in order of first appearance. */
export function groupBy<T extends { conditions: Conditions }> (items: readonly T[], except: readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = conditionsInWords(item.conditions, except)
    groups.set(key, [...groups.get(key) ?? [], item])
  }
  return groups
}

/** For tables: the unit is in their head. */
export function formatInterval ({ value, low, high }: Series['p50'], format: (value: number) => string = formatNumber): string {
  return `${format(value)} (${format(low)} to ${format(high)})`
}

function formatNumber (value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toPrecision(2)
}

/** By size, then loss and the rest, then design, so that tables read well whatever the order of measurement was. */
export function inOrder<T extends { conditions: Conditions, design: string }> (items: readonly T[]): T[] {
  const keys = ['routers', 'objects', 'latency', 'hops', 'loss', 'bandwidth', 'state', 'clients', 'at once', 'size']
  return [...items].sort((a, b) => {
    for (const key of keys) {
      const [left, right] = [a.conditions[key], b.conditions[key]]
      if (left === right || left === undefined || right === undefined) continue
      return typeof left === 'number' && typeof right === 'number' ? left - right : String(left) < String(right) ? -1 : 1
    }
    return rankOf(a.design) - rankOf(b.design)
  })
}

const RANKS = [
  'minwww', 'minwww-stream', 'minwww-no-push', 'minwww-floor', 'minwww-honest', 'minwww-single', 'minwww-base',
  'streaming', 'streaming-cold', 'streaming-warm', 'streaming-informed', 'java', 'i2pd'
]

export function rankOf (design: string): number {
  const rank = RANKS.indexOf(design)
  return rank < 0 ? RANKS.length : rank
}

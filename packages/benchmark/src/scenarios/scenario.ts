import type { Collector } from '../report/collector.ts'
import type { Journal } from '../journal.ts'
import type { Missing } from '../missing.ts'
import type { ScenarioName } from '../report/types.ts'
import type { RouterKind } from '../worlds/closed-network.ts'

/** What the user may set; each scenario has defaults of its own. */
export interface Settings {
  /** Measurements of each point. */
  runs?: number
  /** One-way, ms. */
  latency?: number
  /** Percent: of tunnel messages, or of packets between routers. */
  loss?: number[]
  /** KB. */
  sizes?: number[]
  /** Tunnel lengths. */
  hops?: number[]
  /** routers: pages at the same time, each over a connection of its own. */
  concurrency?: number[]
  /** load: how many. */
  clients?: number[]
  /** load: checkout of another version, built, that is measured beside this one. */
  base?: string
  /** routers: which implementations. */
  routers?: RouterKind[]
  /** routers: only these of minwww, i2pd and java. */
  designs?: string[]
  /** routers: goes on with further runs until so many minutes are over, in each network. */
  minutes?: number
  /** url: proxies and addresses. */
  via?: string[]
  urls?: string[]
}

export interface ScenarioContext {
  quick: boolean
  seed: number
  settings: Settings
  signal: AbortSignal
  journal: Journal
  out: Collector
  progress: (text: string) => void
}

export interface Scenario {
  name: ScenarioName
  /** Its figures do not depend on the machine: a load does not disturb it. */
  virtualTime?: true
  /** Why it cannot run on this machine at all, and how to get what it needs. */
  missing: (settings: Settings) => Missing | undefined | Promise<Missing | undefined>
  /** Puts what it measures into `out` as it goes; may reject at any time, what is there then is kept. */
  run: (context: ScenarioContext) => Promise<void>
}

export const KB = 1024

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { NetworkDatabase } from './netdb.ts'
import type { NetworkModel } from './network/model.ts'
import type { ServerOptions } from './options.ts'
import type { RouterSession } from './session.ts'
import type { RouterStats } from './stats.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** What the parts of one router share. */
export interface RouterContext {
  readonly options: ServerOptions
  readonly clock: Clock
  readonly logger: Logger
  readonly network: NetworkModel<Buffer>
  readonly netdb: NetworkDatabase
  readonly stats: RouterStats
  readonly waitingRoom: WaitingRoom
  /** Sessions by the key of their Destination. */
  readonly sessions: Map<string, RouterSession>
  /** Session IDs in use, in all connections. */
  readonly sessionIds: Set<number>
  /** Delivers what is due and arms the timer for the rest; after each batch of messages to the network. */
  pump (): void
}

import type { HedgeBudget } from '../pool/hedge-budget.ts'
import type { ExitPool } from '../pool/pool.ts'
import type { ClientContext } from './context.ts'
import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'
import type { Sender } from './sender.ts'
import type { Sources } from './sources.ts'

/** What a dispatcher works with. */
export interface DispatcherParts {
  context: ClientContext
  sender: Sender
  sources: Sources
  pool: ExitPool
  exits: Map<string, Exit>
  /** Live requests by handle. */
  requests: Map<number, ClientRequest>
  hedges: HedgeBudget
  probe: (now: number, exit: Exit) => void
}

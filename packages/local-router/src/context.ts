import type { Logger } from '@minwww/ground'
import type { SessionContext } from './session.ts'
import type { SessionTable } from './session-table.ts'

/** What the parts of one router share. */
export interface RouterContext extends SessionContext {
  readonly logger: Logger
  readonly sessions: SessionTable
}

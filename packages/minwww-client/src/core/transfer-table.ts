import type { Exit } from './exit.ts'
import type { ExitSession } from './session.ts'
import type { Transfer } from './transfer.ts'

/** Where a received message belongs. Bounded by the attempts of the client's live requests. */
export class TransferTable {
  /** Oldest first. */
  readonly #all = new Set<Transfer>()
  /** By session and request id, oldest first. */
  readonly #routes = new Map<ExitSession, Map<number, Transfer[]>>()

  add (transfer: Transfer): void {
    const { session, id, exit } = transfer
    const ids = this.#routes.get(session) ?? new Map<number, Transfer[]>()
    this.#routes.set(session, ids)
    ids.set(id, [...ids.get(id) ?? [], transfer])
    this.#all.add(transfer)
    exit.take(transfer)
  }

  /** The latest that had begun by that attempt. Attempts never sent belong to none. */
  find (session: ExitSession, { id, attempt }: { id: number, attempt: number }): Transfer | undefined {
    return this.#routes.get(session)?.get(id)?.findLast(({ base, latest }) => base <= attempt && attempt <= latest)
  }

  /** What still comes for it, or for the others of its request under the same id, is late. */
  remove (transfer: Transfer): void {
    const { session, id, exit } = transfer
    transfer.giveUp()
    const ids = this.#routes.get(session)
    ids?.delete(id)
    if (ids?.size === 0) this.#routes.delete(session)
    this.#all.delete(transfer)
    exit.release(transfer)
  }

  isUsed (session: ExitSession): boolean {
    return this.#routes.has(session)
  }

  /** Of one exit, oldest first. */
  at (exit: Exit): Transfer[] {
    return [...this.#all].filter(transfer => transfer.exit === exit)
  }
}

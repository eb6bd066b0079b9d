/** Clients that are remembered; the one that was sent to longest ago goes. */
export const MAX_ACCOUNTS = 4_096
/** Bytes that were paid for and have not left: what streams hold. What was paid for a stream that ended is not kept for ever. */
export const MAX_PAID = 4 * 1_048_576

interface Account {
  /** Bytes that were paid for, and have not left yet. */
  paid: number
  /** Bytes that may still be charged. */
  chargeable: number
}

/**
 * What streams send beyond the bytes that were written to them: headers, ACKs, repetitions and parity. It has left when it is known, so it
 * is charged afterwards, to whom it went; and no more than was paid for before. So a client that has everything repeated gets less itself,
 * and nobody else waits for that.
 */
export class Overheads {
  /** In order of their last packet. */
  readonly #accounts = new Map<string, Account>()

  get size (): number { return this.#accounts.size }

  /** Bytes for a client may be written to a stream. */
  paid (client: string, bytes: number): void {
    const account = this.#use(client)
    account.paid = Math.min(account.paid + bytes, MAX_PAID)
    account.chargeable = Math.min(account.chargeable + bytes, MAX_PAID)
  }

  /** Bytes have left for a client. Returns those that were not paid for, and how many of them are to be charged. */
  sent (client: string, bytes: number): { counted: number, charged: number } {
    const account = this.#use(client)
    const covered = Math.min(account.paid, bytes)
    const counted = bytes - covered
    const charged = Math.min(counted, account.chargeable)
    account.paid -= covered
    account.chargeable -= charged
    return { counted, charged }
  }

  #use (client: string): Account {
    const account = this.#accounts.get(client) ?? { paid: 0, chargeable: 0 }
    this.#accounts.delete(client)
    this.#accounts.set(client, account)
    if (this.#accounts.size > MAX_ACCOUNTS) this.#accounts.delete(this.#accounts.keys().next().value!)
    return account
  }
}

import { LocalDestination } from '@minwww/i2cp/codec'
import type { Destination } from '@minwww/i2cp/codec'
import type { ProxySession } from './proxy-session.ts'

/** In the place of a session that is opened when it is needed: it can neither send nor receive. */
export class VacantSession implements ProxySession {
  readonly keys = LocalDestination.generate()
  readonly state = 'closed'
  readonly clockOffset = 0

  get limits (): [] { return [] }

  get destination (): Destination { return this.keys.destination }

  send (): number { throw new Error('no session here') }

  async lookup (): Promise<Destination> { throw new Error('no session here') }

  on (): void {}

  off (): void {}
}

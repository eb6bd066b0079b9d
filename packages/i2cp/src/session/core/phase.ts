import type { Lease } from '../../data/lease.ts'

/** Where the session stands. `until`: deadline of the phase, epoch ms of our clock. */
export type Phase =
  | { readonly name: 'new' }
  | { readonly name: 'closed' }
  /** Between two connections. */
  | { readonly name: 'waiting', readonly until: number }
  /** The driver opens the transport. */
  | { readonly name: 'connecting', readonly until: number }
  /** GetDate is sent. */
  | { readonly name: 'greeting', readonly until: number }
  /** The date is known; what the router says of its bandwidth tells which one it is, and is waited for a moment. */
  | { readonly name: 'acquainting', readonly until: number }
  /** CreateSession is sent. */
  | { readonly name: 'creating', readonly until: number }
  /** The session is created, the router builds tunnels; `answer` waits for its time (quirks.ts). */
  | {
    readonly name: 'building',
    readonly until: number,
    readonly sessionId: number,
    readonly answer?: {
      readonly at: number, readonly leases: readonly Lease[]
    }
  }
  | { readonly name: 'ready', readonly sessionId: number, readonly since: number }
  /** DestroySession is sent. */
  | { readonly name: 'closing', readonly until: number }

/** True if there is no transport whose bytes could matter. */
export function isApart (phase: Phase): boolean { return phase.name === 'new' || phase.name === 'waiting' || phase.name === 'closed' }

/** Earliest time at which the phase itself has something to do. */
export function phaseTimeout (phase: Phase): number {
  switch (phase.name) {
    case 'new': case 'closed': case 'ready': return Infinity
    case 'building': return Math.min(phase.until, phase.answer?.at ?? Infinity)
    case 'waiting': case 'connecting': case 'greeting': case 'acquainting': case 'creating': case 'closing': return phase.until
  }
}

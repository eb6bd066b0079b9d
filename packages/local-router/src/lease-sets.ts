import {
  ByteReader, LEASE_SET_TYPE, readEncryptedLeaseSet, readLeaseSet, readLeaseSet2, TYPE, verifyEncryptedLeaseSet, verifyLeaseSet,
  verifyLeaseSet2
} from '@minwww/i2cp/codec'
import type { CreateLeaseSet, CreateLeaseSet2, Lease } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import { RouterError } from './errors.ts'
import type { StoredLeaseSet } from './netdb.ts'
import type { RouterSession } from './session.ts'
import { sessionOf } from './session-messages.ts'

/** Stores the LeaseSet of a session. @throws RouterError, I2cpError if it is not one of this session's Destination */
export function acceptLeaseSet (connection: Connection, message: CreateLeaseSet | CreateLeaseSet2): void {
  const session = sessionOf(connection, message.sessionId)
  const type = message.type === TYPE.CreateLeaseSet ? LEASE_SET_TYPE.LEASE_SET : message.leaseSetType
  session.leaseSet(read(session, type, new ByteReader(message.leaseSet), connection.context.clock.now()))
}

function read (session: RouterSession, type: number, reader: ByteReader, now: number): StoredLeaseSet {
  const { destination, published } = session
  const nowSeconds = now / 1_000
  switch (type) {
    case LEASE_SET_TYPE.LEASE_SET: {
      const leaseSet = readLeaseSet(reader)
      check(leaseSet.destination.equals(destination) && verifyLeaseSet(leaseSet))
      return { destination, options: {}, expires: lastEnd(leaseSet.leases), published, encrypted: false }
    }
    case LEASE_SET_TYPE.LEASE_SET2: {
      const leaseSet = readLeaseSet2(reader)
      check(leaseSet.destination.equals(destination) && verifyLeaseSet2(leaseSet, nowSeconds))
      return { destination, options: leaseSet.options, expires: lastEnd(leaseSet.leases), published, encrypted: false }
    }
    case LEASE_SET_TYPE.ENCRYPTED: {
      const outer = readEncryptedLeaseSet(reader)
      check(verifyEncryptedLeaseSet(outer, nowSeconds))
      return { destination, options: {}, expires: (outer.published + outer.expires) * 1_000, published: false, encrypted: true }
    }
    default: throw new RouterError('ROUTER_PROTOCOL_ERROR', `LeaseSet type ${type} is not supported`)
  }
}

function check (valid: boolean): void {
  if (!valid) throw new RouterError('ROUTER_PROTOCOL_ERROR', 'the LeaseSet is not signed by the session\'s Destination')
}

function lastEnd (leases: readonly Lease[]): number {
  return leases.reduce((latest, { end }) => Math.max(latest, end), 0)
}

import { MAX_LEASES, readLease, writeLease } from '../data/lease.ts'
import type { Lease } from '../data/lease.ts'
import { malformed } from '../errors.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Router to client: sign a LeaseSet of these leases. The first says that tunnels stand. I2CP, "RequestVariableLeaseSetMessage". */
export interface RequestVariableLeaseSet {
  readonly type: typeof TYPE.RequestVariableLeaseSet
  readonly sessionId: number
  readonly leases: readonly Lease[]
}

export const requestVariableLeaseSetCodec: MessageCodec<RequestVariableLeaseSet> = {
  type: TYPE.RequestVariableLeaseSet,
  name: 'RequestVariableLeaseSet',
  write (message, writer) {
    writer.u16(message.sessionId).u8(message.leases.length)
    for (const lease of message.leases) writeLease(writer, lease)
  },
  read (reader) {
    const sessionId = reader.u16()
    const count = reader.u8()
    if (count > MAX_LEASES) throw malformed(`${count} leases`)
    return { type: TYPE.RequestVariableLeaseSet, sessionId, leases: Array.from({ length: count }, () => readLease(reader)) }
  }
}

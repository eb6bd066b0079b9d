import { HASH_LENGTH, MAX_LEASES } from '../data/lease.ts'
import { malformed } from '../errors.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Router to client, deprecated: like RequestVariableLeaseSet with one end for all leases. I2CP, "RequestLeaseSetMessage". */
export interface RequestLeaseSet {
  readonly type: typeof TYPE.RequestLeaseSet
  readonly sessionId: number
  readonly tunnels: ReadonlyArray<{ readonly gateway: Buffer, readonly tunnelId: number }>
  /** Epoch ms. */
  readonly end: number
}

export const requestLeaseSetCodec: MessageCodec<RequestLeaseSet> = {
  type: TYPE.RequestLeaseSet,
  name: 'RequestLeaseSet',
  write (message, writer) {
    writer.u16(message.sessionId).u8(message.tunnels.length)
    for (const { gateway, tunnelId } of message.tunnels) writer.put(gateway).u32(tunnelId)
    writer.date(message.end)
  },
  read (reader) {
    const sessionId = reader.u16()
    const count = reader.u8()
    if (count > MAX_LEASES) throw malformed(`${count} leases`)
    const tunnels = Array.from({ length: count }, () => ({ gateway: reader.slice(HASH_LENGTH), tunnelId: reader.u32() }))
    return { type: TYPE.RequestLeaseSet, sessionId, tunnels, end: reader.date() }
  }
}

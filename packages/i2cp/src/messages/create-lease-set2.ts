import { readEncryptedLeaseSet } from '../data/encrypted-lease-set.ts'
import { readLeaseSet } from '../data/lease-set.ts'
import { LEASE_SET_TYPE, readLeaseSet2 } from '../data/lease-set2.ts'
import type { EncryptionKey } from '../data/lease-set2.ts'
import { readMetaLeaseSet } from '../data/meta-lease-set.ts'
import type { ByteReader } from '../data/reader.ts'
import { malformed } from '../errors.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router: the signed LeaseSet for the leases that were requested. I2CP, "CreateLeaseSet2Message". */
export interface CreateLeaseSet2 {
  readonly type: typeof TYPE.CreateLeaseSet2
  readonly sessionId: number
  /** LEASE_SET_TYPE. */
  readonly leaseSetType: number
  /** The signed structure; read it with the reader of its type. */
  readonly leaseSet: Buffer
  /** One for each encryption key of the LeaseSet, in its order; none for a meta LeaseSet. Secret. */
  readonly privateKeys: readonly EncryptionKey[]
}

export const createLeaseSet2Codec: MessageCodec<CreateLeaseSet2> = {
  type: TYPE.CreateLeaseSet2,
  name: 'CreateLeaseSet2',
  write (message, writer) {
    writer.u16(message.sessionId).u8(message.leaseSetType).put(message.leaseSet)
    if (message.leaseSetType === LEASE_SET_TYPE.META) return
    writer.u8(message.privateKeys.length)
    for (const { type, key } of message.privateKeys) writer.u16(type).u16(key.length).put(key)
  },
  read (reader) {
    const sessionId = reader.u16()
    const leaseSetType = reader.u8()
    const start = reader.offset
    readAny(leaseSetType, reader)
    const leaseSet = reader.since(start)
    const count = leaseSetType === LEASE_SET_TYPE.META ? 0 : reader.u8()
    const privateKeys = Array.from({ length: count }, () => ({ type: reader.u16(), key: reader.slice(reader.u16()) }))
    return { type: TYPE.CreateLeaseSet2, sessionId, leaseSetType, leaseSet, privateKeys }
  }
}

/** Only to find where the structure ends: it carries no length of its own. */
function readAny (type: number, reader: ByteReader): void {
  switch (type) {
    case LEASE_SET_TYPE.LEASE_SET: readLeaseSet(reader); return
    case LEASE_SET_TYPE.LEASE_SET2: readLeaseSet2(reader); return
    case LEASE_SET_TYPE.ENCRYPTED: readEncryptedLeaseSet(reader); return
    case LEASE_SET_TYPE.META: readMetaLeaseSet(reader); return
    default: throw malformed(`LeaseSet type ${type}`)
  }
}

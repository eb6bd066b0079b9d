import { readLeaseSet } from '../data/lease-set.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

const SIGNING_KEY = 20
const PRIVATE_KEY = 256

/** Client to router, deprecated: a LeaseSet of the first kind. I2CP, "CreateLeaseSetMessage". */
export interface CreateLeaseSet {
  readonly type: typeof TYPE.CreateLeaseSet
  readonly sessionId: number
  /** 20 bytes, ignored unless the Destination signs with DSA. */
  readonly signingPrivateKey: Buffer
  /** ElGamal, 256 bytes. */
  readonly privateKey: Buffer
  /** As signLeaseSet makes it and readLeaseSet reads it. */
  readonly leaseSet: Buffer
}

export const createLeaseSetCodec: MessageCodec<CreateLeaseSet> = {
  type: TYPE.CreateLeaseSet,
  name: 'CreateLeaseSet',
  write (message, writer) {
    writer.u16(message.sessionId).put(message.signingPrivateKey).put(message.privateKey).put(message.leaseSet)
  },
  read (reader) {
    const sessionId = reader.u16()
    const signingPrivateKey = reader.slice(SIGNING_KEY)
    const privateKey = reader.slice(PRIVATE_KEY)
    const start = reader.offset
    readLeaseSet(reader)
    return { type: TYPE.CreateLeaseSet, sessionId, signingPrivateKey, privateKey, leaseSet: reader.since(start) }
  }
}

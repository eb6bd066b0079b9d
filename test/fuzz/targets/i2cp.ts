import { gzipSync } from 'node:zlib'
import {
  ByteReader, compressGzipPayload, decodeDatagram1, decodeDatagram2, decodeDatagram3, decodeGzipPayload, decodeMessage, Destination,
  encodeDatagram1,
  encodeDatagram2, encodeDatagram3, encodeGzipPayload, encodeMapping, encodeMessage, encryptLeaseSet, FrameReader, I2CP_MAX_FRAME,
  LEASE_SET_TYPE, LocalDestination,
  readEncryptedLeaseSet, readLeaseSet, readLeaseSet2, readMapping, readMetaLeaseSet, readSessionConfig, signLeaseSet, signLeaseSet2,
  signMetaLeaseSet,
  signSessionConfig, TYPE, verifyEncryptedLeaseSet, verifyLeaseSet, verifyLeaseSet2, verifyMetaLeaseSet, verifySessionConfig
} from '@minwww/i2cp/codec'
import type { Message } from '@minwww/i2cp/codec'
import { bound, coded, type Target } from '../target.ts'
import { SeededRandom } from '@minwww/testkit'

const HEADER = 5
const NOW = 1_700_000_000 // s
const source = new SeededRandom(1)
export const keys = LocalDestination.generate(n => source.bytes(n))
export const offline = keys.toOffline(4_000_000_000, n => source.bytes(n))
const { destination } = keys
const sign = (data: Uint8Array): Buffer => keys.sign(data)
const hash = Buffer.alloc(32, 7)
const leases = [1, 2, 3].map(tunnelId => ({ gateway: Buffer.alloc(32, tunnelId), tunnelId, end: NOW * 1000 + 600_000 }))
const options = { 'inbound.length': '3', 'i2cp.leaseSetEncType': '4', empty: '' }
const header = { destination, published: NOW, expires: 600, flags: 0, options: {} }

const encryptionKeys = [{ type: 4, key: hash }, { type: 0, key: Buffer.alloc(256, 3) }]
const leaseSet1 = signLeaseSet({ destination, encryptionKey: Buffer.alloc(256, 2), signingKey: Buffer.alloc(32, 3), leases }, sign)
const leaseSet2 = signLeaseSet2({ ...header, encryptionKeys, leases }, sign)
const leaseSet2Offline = signLeaseSet2(
  { ...header, flags: 1, offline: offline.offline!, encryptionKeys, leases }, data => offline.sign(data)
)
const meta = signMetaLeaseSet({ ...header, leases: [{ gateway: hash, flags: 3, cost: 9, end: NOW + 600 }], revocations: [hash] }, sign)
const encrypted = encryptLeaseSet(leaseSet2, { signer: keys.signer, published: NOW, expires: 600, random: n => source.bytes(n) })
const config = signSessionConfig({ destination, options, date: NOW * 1000 }, sign)
const payload = encodeGzipPayload({ protocol: 18, fromPort: 1, toPort: 2, payload: Buffer.from('a payload of a message') })

const MESSAGES = [
  { type: TYPE.CreateSession, config },
  { type: TYPE.ReconfigureSession, sessionId: 1, config },
  { type: TYPE.DestroySession, sessionId: 1 },
  { type: TYPE.CreateLeaseSet, sessionId: 1, signingPrivateKey: Buffer.alloc(20), privateKey: Buffer.alloc(256, 1), leaseSet: leaseSet1 },
  { type: TYPE.SendMessage, sessionId: 1, destination, payload, nonce: 3 },
  { type: TYPE.SendMessageExpires, sessionId: 1, destination, payload, nonce: 3, flags: 0x100, expiration: NOW * 1000 },
  { type: TYPE.ReceiveMessageBegin, sessionId: 1, messageId: 2 },
  { type: TYPE.ReceiveMessageEnd, sessionId: 1, messageId: 2 },
  { type: TYPE.GetBandwidthLimits },
  { type: TYPE.SessionStatus, sessionId: 1, status: 1 },
  { type: TYPE.RequestVariableLeaseSet, sessionId: 1, leases },
  { type: TYPE.RequestLeaseSet, sessionId: 1, tunnels: leases.map(({ gateway, tunnelId }) => ({ gateway, tunnelId })), end: NOW * 1000 },
  { type: TYPE.MessageStatus, sessionId: 1, messageId: 2, status: 4, size: 5, nonce: 3 },
  {
    type: TYPE.BandwidthLimits,
    limits: {
      clientInbound: 1, clientOutbound: 2, routerInbound: 3, routerInboundBurst: 4, routerOutbound: 5, routerOutboundBurst: 6, burstTime: 7
    }
  },
  { type: TYPE.ReportAbuse, sessionId: 1, severity: 1, reason: 'a reason', messageId: 2 },
  { type: TYPE.Disconnect, reason: 'a reason' },
  { type: TYPE.MessagePayload, sessionId: 1, messageId: 2, payload },
  { type: TYPE.GetDate, version: '0.9.64', authentication: { 'i2cp.username': 'u' } },
  { type: TYPE.SetDate, date: NOW * 1000, version: '0.9.64' },
  { type: TYPE.DestLookup, hash },
  { type: TYPE.DestReply, destination },
  { type: TYPE.DestReply, hash },
  { type: TYPE.HostLookup, sessionId: 1, requestId: 2, timeout: 3, key: { lookupType: 3, name: 'name.i2p' } },
  { type: TYPE.HostReply, sessionId: 1, requestId: 2, code: 0, destination, options },
  {
    type: TYPE.CreateLeaseSet2,
    sessionId: 1,
    leaseSetType: LEASE_SET_TYPE.LEASE_SET2,
    leaseSet: leaseSet2,
    privateKeys: [
      { type: 4, key: hash }
    ]
  },
  { type: TYPE.CreateLeaseSet2, sessionId: 1, leaseSetType: LEASE_SET_TYPE.META, leaseSet: meta, privateKeys: [] },
  {
    type: TYPE.BlindingInfo,
    sessionId: 1,
    blindedType: 11,
    expiration: NOW,
    password: 'p',
    clientKey: {
      scheme: 'dh',
      key: hash
    },
    endpoint: { name: 'name.i2p' }
  }
] as unknown as Message[]
export const FRAMES = MESSAGES.map(encodeMessage)

/** The length of a frame's header made true again. */
function repairLength (bytes: Buffer): Buffer {
  if (bytes.length < HEADER) return bytes
  const copy = Buffer.from(bytes)
  copy.writeUInt32BE(bytes.length - HEADER, 0)
  return copy
}

function pushInPieces (bytes: Buffer, random: SeededRandom): void {
  const reader = new FrameReader()
  for (let at = 0; at < bytes.length;) {
    const size = random.chance(3) ? bytes.length : 1 + random.below(40)
    for (const { type, body } of reader.push(bytes.subarray(at, at + size))) {
      bound(body.length <= I2CP_MAX_FRAME, 'frame')
      coded(() => decodeMessage(type, body))
    }
    at += size
  }
}

export const I2CP_TARGETS: Target[] = [
  {
    name: 'I2CP messages',
    weight: 40,
    samples: FRAMES,
    repair: repairLength,
    decode (bytes) {
      if (bytes.length < HEADER) return
      const message = coded(() => decodeMessage(bytes[HEADER - 1]!, bytes.subarray(HEADER)))
      if (message !== undefined) coded(() => encodeMessage(message))
    }
  },
  {
    name: 'I2CP frames in pieces',
    weight: 20,
    samples: [...FRAMES, Buffer.concat(FRAMES), Buffer.concat(FRAMES.slice(5, 12))],
    decode: (bytes, random) => { coded(() => pushInPieces(bytes, random)) }
  },
  {
    name: 'Destinations and key files',
    weight: 1,
    samples: [destination.bytes, keys.toBytes(), offline.toBytes()],
    decode (bytes) {
      const read = coded(() => Destination.parse(bytes))
      if (read !== undefined) coded(() => Destination.fromBase64(read.base64))
      coded(() => LocalDestination.parse(bytes))
    }
  },
  {
    name: 'LeaseSets',
    weight: 2,
    samples: [leaseSet1, leaseSet2, leaseSet2Offline, meta, encrypted],
    decode (bytes) {
      const one = coded(() => readLeaseSet(new ByteReader(bytes)))
      if (one !== undefined) coded(() => verifyLeaseSet(one))
      const two = coded(() => readLeaseSet2(new ByteReader(bytes)))
      if (two !== undefined) coded(() => verifyLeaseSet2(two, NOW))
      const several = coded(() => readMetaLeaseSet(new ByteReader(bytes)))
      if (several !== undefined) coded(() => verifyMetaLeaseSet(several, NOW))
      const outer = coded(() => readEncryptedLeaseSet(new ByteReader(bytes)))
      if (outer !== undefined) coded(() => verifyEncryptedLeaseSet(outer, NOW))
    }
  },
  {
    name: 'mappings and session configurations',
    weight: 10,
    samples: [encodeMapping(options), encodeMapping({}), FRAMES[0]!.subarray(HEADER), encodeMapping(
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`option.${index}`, `${index}`]))
    )],
    tokens: ['=', ';', '\0', '__proto__', '\xff'].map(text => Buffer.from(text, 'latin1')),
    decode (bytes) {
      coded(() => readMapping(new ByteReader(bytes)))
      const read = coded(() => readSessionConfig(new ByteReader(bytes)))
      if (read !== undefined) coded(() => verifySessionConfig(read))
    }
  },
  {
    name: 'gzip containers',
    weight: 10,
    samples: [payload, compressGzipPayload(
      { protocol: 6, fromPort: 0, toPort: 80, payload: Buffer.alloc(3_000, 'text ') }
    ), gzipSync(Buffer.alloc(400_000))],
    decode: bytes => { bound((coded(() => decodeGzipPayload(bytes))?.payload.length ?? 0) <= 65_535, 'payload') }
  },
  {
    name: 'datagrams',
    weight: 3,
    samples: [
      encodeDatagram1(keys, Buffer.from('payload')), encodeDatagram2(keys, hash, Buffer.from('payload')),
      encodeDatagram2(offline, hash, Buffer.from('payload'), { a: 'b' }),
      encodeDatagram3({ fromHash: hash, payload: Buffer.from('payload'), options: { x: 'y' } })
    ],
    decode (bytes) {
      coded(() => decodeDatagram1(bytes))
      coded(() => decodeDatagram2(bytes, hash, NOW))
      coded(() => decodeDatagram3(bytes))
    }
  }
]

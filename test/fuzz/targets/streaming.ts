import { decodePacket, encodePacket, packet, StreamingCore, verifyPacket } from '@minwww/streaming/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { bound, coded, type Target } from '../target.ts'
import { SeededRandom } from '@minwww/testkit'
import { keys, offline } from './i2cp.ts'

const source = new SeededRandom(2)
const peer = LocalDestination.generate(n => source.bytes(n))
const signer = { signatureLength: 64, sign: (data: Uint8Array) => keys.sign(data) }
const offlineSigner = { signatureLength: 64, sign: (data: Uint8Array) => offline.sign(data) }
const from = keys.destination
const transient = { ...offline.offline!, transientKey: offline.offline!.transientPublicKey }
const NOW = 1_700_000_000_000 // ms
const ours = { sendStreamId: 1, receiveStreamId: 2 }

const SYN = encodePacket(packet({
  synchronize: true,
  receiveStreamId: 2,
  from,
  maxPacketSize: 1_730,
  signed: true,
  targetHash: peer.destination.hash,
  payload: Buffer.from('GET /')
}), signer)
const PACKETS = [
  SYN,
  encodePacket(
    packet({ synchronize: true, receiveStreamId: 2, from: offline.destination, offline: transient, signed: true }), offlineSigner
  ),
  encodePacket(packet({ ...ours, sequence: 1, ackThrough: 4, nacks: [2, 3], delay: 500, payload: Buffer.alloc(300, 1) })),
  encodePacket(packet({ ...ours, sequence: 2, close: true, signed: true, from }), signer),
  encodePacket(packet({ ...ours, reset: true, signed: true, from }), signer),
  encodePacket(packet({ sendStreamId: 2, echo: true, signed: true, from, payload: Buffer.from('ping') }), signer)
]

/** A core with one listening port that is asked and told whatever the bytes say; no error may leave it. */
function play (bytes: Buffer, random: SeededRandom): void {
  const core = new StreamingCore({ keys: peer, random: n => random.bytes(n) })
  core.listen()
  let now = NOW
  const settle = (): void => {
    for (let step = 0; ; step++) {
      if (step > 10_000) throw new Error('livelock')
      if (core.pollEvent() === undefined && core.pollTransmit(now) === undefined) break
    }
  }
  const stream = core.connect(now, { destination: from, port: 80 })
  settle()
  const packets = [SYN, bytes, PACKETS[2 + random.below(4)]!, bytes]
  for (const payload of packets) {
    const copy = Buffer.from(payload)
    // Half of them are for a stream that exists.
    if (copy.length >= 4 && payload !== SYN && random.chance(2)) copy.writeUInt32BE(stream.receiveStreamId >>> 0, 0)
    core.receive(now, { protocol: 6, fromPort: 80, toPort: random.below(3) * 40, payload: copy })
    settle()
    now += random.below(3_000)
    const timeout = core.nextTimeout()
    if (timeout !== undefined && timeout <= now) core.handleTimeout(now)
    settle()
  }
}

export const STREAMING_TARGETS: Target[] = [
  {
    name: 'streaming packets',
    weight: 24,
    samples: PACKETS,
    decode (bytes, random) {
      const read = coded(() => decodePacket(bytes))
      if (read === undefined) return
      bound(read.nacks.length <= 255 && read.payload.length <= bytes.length, 'packet')
      if (read.signed && random.chance(8)) {
        coded(() => verifyPacket(read, { signingType: from.signingType, publicKey: from.signingPublicKey }))
      }
    }
  },
  { name: 'streaming core, sequences of packets', weight: 0.2, samples: PACKETS, decode: play }
]

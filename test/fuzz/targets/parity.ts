import { sessionKeys } from '@minwww/protocol'
import { decodeParity, encodeParity, ParityCore } from '@minwww/protocol/parity'
import type { LayerMessage } from '@minwww/protocol/parity'
import { packet, encodePacket } from '@minwww/streaming/core'
import type { SeededRandom } from '@minwww/testkit'
import { bound, coded, type Target } from '../target.ts'
import { repairTag } from './protocol.ts'

const SECRET = Buffer.alloc(16, 5)
const KEYS = sessionKeys(SECRET)
const common = { channel: KEYS.session, number: 3 }
const ours = { sendStreamId: 2, receiveStreamId: 1 }
const peer = { b32: 'peer.b32.i2p' }
const QUIET = { rtt: 100, hasMore: false, isLoaded: false }

const OWN = [
  encodeParity({ kind: 'hello', ...common, secret: SECRET, stream: 1 }, KEYS.client),
  encodeParity({ kind: 'group', ...common, to: 2, from: 1, first: 1, count: 3, index: 0, symbol: Buffer.alloc(900, 4) }, KEYS.client),
  encodeParity({ kind: 'group', ...common, to: 2, from: 1, first: 1, count: 1, index: 1, symbol: Buffer.alloc(40) }, KEYS.client),
  encodeParity({ kind: 'repairs', ...common, to: 2, from: 1, rebuilt: 1, repeated: 1 }, KEYS.client)
]
const PACKETS = [1, 2, 0xffffffff].map(sequence => encodePacket(packet({ ...ours, sequence, payload: Buffer.alloc(300, sequence) })))

/** An exit's layer with one stream of a client that said HELLO; no error may leave it, and it keeps little. */
function play (bytes: Buffer, random: SeededRandom): void {
  const core = new ParityCore<typeof peer>({ random: n => random.bytes(n) })
  let now = 1_000
  const receive = (payload: Buffer, protocol: number): void => {
    core.receive(now, { protocol, payload })
    while (core.pollReceived() !== undefined || core.pollEvent() !== undefined);
    now += random.below(300)
    if ((core.nextTimeout() ?? Infinity) <= now) core.handleTimeout(now)
    let sent = 0
    for (let next: LayerMessage | undefined = core.pollTransmit(now); next !== undefined; next = core.pollTransmit(now)) sent += 1
    bound(sent < 100, 'messages for one that came')
  }
  const send = (sequence: number): void => {
    const payload = encodePacket(packet({ sendStreamId: 1, receiveStreamId: 2, sequence, payload: Buffer.alloc(200) }))
    core.sent(now, { protocol: 6, fromPort: 80, toPort: 4480, payload, to: peer }, QUIET)
  }
  receive(OWN[0]!, 18)
  send(1)
  for (const payload of [bytes, random.pick(PACKETS), random.pick(OWN), bytes]) {
    receive(payload, random.chance(3) ? 6 : 18)
    send(random.below(5))
  }
  bound(core.size.kept < 100_000 && core.size.streams <= 2, 'what is kept')
}

export const PARITY_TARGETS: Target[] = [
  {
    name: 'parity messages',
    weight: 6,
    samples: OWN,
    repair: bytes => repairTag(bytes),
    decode (bytes) {
      const read = coded(() => decodeParity(bytes, KEYS.client))
      if (read?.kind === 'group') bound(read.symbol.length <= bytes.length, 'symbol')
    }
  },
  {
    name: 'parity beneath streams, sequences of messages',
    weight: 1,
    samples: [...OWN, ...PACKETS],
    repair: bytes => repairTag(bytes),
    decode: play
  }
]

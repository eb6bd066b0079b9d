/** BitTorrent over I2P: asks a tracker for peers, and shakes hands with one. */
import { randomBytes } from 'node:crypto'
import { toBase32 } from '@minwww/i2cp'
import type { I2p } from '@minwww/http'
import type { StreamSocket } from '@minwww/streaming'

export const PEER_ID = Buffer.concat([Buffer.from('-MW0001-'), randomBytes(12)])
const PROTOCOL = Buffer.from('\x13BitTorrent protocol')
const HANDSHAKE = 68
type Value = number | Buffer | Value[] | Map<string, Value>

/** Peers of a torrent, as .b32.i2p addresses: a compact answer has the hash of each Destination, 32 bytes. */
export async function announce (i2p: I2p, tracker: string, infoHash: Buffer): Promise<string[]> {
  const escaped = (bytes: Buffer): string => bytes.toString('hex').replace(/../g, '%$&')
  const query = `info_hash=${escaped(infoHash)}&peer_id=${escaped(PEER_ID)}&port=6881&ip=${i2p.destination.base64}.i2p` +
    '&uploaded=0&downloaded=0&left=1&event=started&compact=1'
  const response = await i2p.fetch(`${tracker}?${query}`)
  const answer = decode(Buffer.from(await response.arrayBuffer()))[0] as Map<string, Value>
  if (answer.has('failure reason')) throw new Error(String(answer.get('failure reason')))
  const peers = answer.get('peers') as Buffer
  return Array.from({ length: peers.length / 32 }, (_, i) => `${toBase32(peers.subarray(32 * i, 32 * i + 32))}.b32.i2p`)
}

/** A stream to a peer that has the torrent; messages follow, each with its length in front. */
export async function shakeHands (i2p: I2p, peer: string, infoHash: Buffer): Promise<{ socket: StreamSocket, peerId: Buffer }> {
  const socket = await i2p.connect({ host: peer, port: 6881 })
  socket.write(Buffer.concat([PROTOCOL, Buffer.alloc(8), infoHash, PEER_ID]))
  let head: Buffer | null = null
  while ((head = socket.read(HANDSHAKE) as Buffer | null) === null) await new Promise(resolve => socket.once('readable', resolve))
  if (!head.subarray(0, 20).equals(PROTOCOL) || !head.subarray(28, 48).equals(infoHash)) throw new Error('another protocol or torrent')
  return { socket, peerId: head.subarray(48) }
}

/** One value of bencoding, and where it ends. */
function decode (bytes: Buffer, start = 0): [Value, number] {
  const letter = bytes.toString('latin1', start, start + 1)
  const end = bytes.indexOf(letter === 'i' ? 'e' : ':', start)
  if (letter === 'i' && end > 0) return [Number(bytes.toString('latin1', start + 1, end)), end + 1]
  const length = Number(bytes.toString('latin1', start, end))
  if (/\d/.test(letter) && end + length < bytes.length) return [bytes.subarray(end + 1, end + 1 + length), end + 1 + length]
  if (letter !== 'l' && letter !== 'd') throw new Error('not bencoded')
  const values: Value[] = []
  let at = start + 1
  for (let value: Value; bytes[at] !== 0x65; values.push(value)) [value, at] = decode(bytes, at)
  return [letter === 'l' ? values : new Map(values.flatMap((value, i) => i % 2 ? [[String(values[i - 1]), value]] : [])), at + 1]
}

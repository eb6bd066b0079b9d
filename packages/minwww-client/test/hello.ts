import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'

/** The first bytes of a real TLS client. */
export async function clientHello (options: ConnectionOptions = {}): Promise<Buffer> {
  const chunks: Buffer[] = []
  const socket = new Duplex({ read () {}, write (chunk: Buffer, _encoding, done) { chunks.push(chunk); done() } })
  const client = connect({ socket, servername: 'a.example', ...options })
  client.on('error', () => {})
  while (chunks.length === 0) await new Promise(setImmediate)
  client.destroy()
  await once(client, 'close')
  return Buffer.concat(chunks)
}

/** The same with one more extension, whose data is empty. */
export function withExtension (hello: Buffer, type: number): Buffer {
  const message = Buffer.concat([hello.subarray(5), Buffer.from([type >> 8, type & 0xff, 0, 0])])
  message.writeUIntBE(message.length - 4, 1, 3)
  let at = 4 + 2 + 32
  at += 1 + message[at]!
  at += 2 + message.readUInt16BE(at)
  at += 1 + message[at]!
  message.writeUInt16BE(message.length - at - 2, at)
  return inRecords(message, message.length)
}

/** A handshake message in TLS records of so many bytes. */
export function inRecords (message: Buffer, size: number): Buffer {
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const piece = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 0xff]), piece)
  }
  return Buffer.concat(records)
}

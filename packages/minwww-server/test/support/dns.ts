import { createSocket } from 'node:dgram'

const HEADER = 12
const TYPE_A = 1
const FLAGS_RESPONSE = 0x8180

/** A name server on 127.0.0.1 that the test runs: for each A question `answers` gives the addresses, whatever it likes. */
export async function nameServer (answers: (name: string) => readonly string[]): Promise<{ address: string, asked: string[], close: () => void }> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const { name, type, end } = question(query)
    const addresses = type === TYPE_A ? answers(name) : []
    if (type === TYPE_A) asked.push(name)
    const head = Buffer.from(query.subarray(0, HEADER))
    head.writeUInt16BE(FLAGS_RESPONSE, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(addresses.length, 6)
    head.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([head, query.subarray(HEADER, end), ...addresses.map(record)]), peer.port, peer.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => { socket.close() } }
}

function question (query: Buffer): { name: string, type: number, end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** Name by reference to the question, A, IN, TTL 0. */
function record (address: string): Buffer {
  return Buffer.from([0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)])
}

/**
 * A file from here to there, with progress and a check of what arrived:
 *   node --import tsx packages/http/examples/send-file.ts receive FILE
 *   node --import tsx packages/http/examples/send-file.ts ADDRESS.b32.i2p FILE
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'

const PORT = 4000

export interface Progress { sent: number, size: number, rtt: number | undefined, window: number, retransmissions: number }

/** Takes one file and answers with its SHA-256. */
export async function receiveFile (i2p: I2p, file: string): Promise<string> {
  const server = i2p.createStreamServer({ allowHalfOpen: true }).listen(PORT)
  const [socket] = await once(server, 'connection')
  server.close()
  const hash = createHash('sha256')
  socket.on('data', (chunk: Buffer) => hash.update(chunk))
  await pipeline(socket, createWriteStream(file), { end: true })
  const sum = hash.digest('hex')
  socket.end(sum)
  return sum
}

/** True if the other side has the same bytes. */
export async function sendFile (i2p: I2p, host: string, file: string, report: (progress: Progress) => void): Promise<boolean> {
  const { size } = await stat(file)
  const socket = await i2p.connect({ host, port: PORT, allowHalfOpen: true })
  const hash = createHash('sha256')
  const source = createReadStream(file)
  source.on('data', chunk => {
    hash.update(chunk)
    const { rtt, window, retransmissions } = socket.statistics
    report({ sent: socket.bytesWritten, size, rtt, window, retransmissions })
  })
  const answer = text(socket)
  await pipeline(source, socket, { end: true })
  return await answer === hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [where = 'receive', file = 'file', router = '127.0.0.1:7654'] = process.argv.slice(2)
  await using i2p = await createI2p({ router })
  if (where === 'receive') {
    console.log(i2p.address)
    console.log(await receiveFile(i2p, file))
  } else {
    const show = ({ sent, size, rtt = 0 }: Progress): void => console.log(`${Math.floor(100 * sent / size)} %, ${Math.round(rtt)} ms`)
    console.log(await sendFile(i2p, where, file, show) ? 'arrived' : 'damaged')
  }
}

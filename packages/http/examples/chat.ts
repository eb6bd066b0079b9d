/**
 * A chat over streams: who says something says it to everybody.
 *   node --import tsx packages/http/examples/chat.ts serve
 *   node --import tsx packages/http/examples/chat.ts ADDRESS.b32.i2p
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'
import type { StreamSocket } from '@minwww/streaming'

const PORT = 6667
const LONGEST_LINE = 1_000

export async function openRoom (i2p: I2p): Promise<void> {
  const guests = new Set<StreamSocket>()
  const server = i2p.createStreamServer(guest => {
    const name = guest.remoteAddress.slice(0, 8)
    const tell = (text: string): void => { for (const other of guests) other.write(`${text}\n`) }
    guests.add(guest)
    tell(`${name} is here`)
    guest.on('error', () => {}) // 'close' follows
    guest.once('close', () => {
      guests.delete(guest)
      tell(`${name} has gone`)
    })
    createInterface({ input: guest }).on('line', line => tell(`${name}: ${line.slice(0, LONGEST_LINE)}`))
  })
  server.listen(PORT)
  await once(server, 'listening')
}

export async function enterRoom (i2p: I2p, host: string): Promise<StreamSocket> {
  return await i2p.connect({ host, port: PORT, signal: AbortSignal.timeout(60_000) })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [where = 'serve', router = '127.0.0.1:7654'] = process.argv.slice(2)
  const i2p = await createI2p({ router, ...(where === 'serve' && { keys: 'chat.dat' }) })
  if (where === 'serve') {
    await openRoom(i2p)
    console.log(i2p.address)
  } else {
    const socket = await enterRoom(i2p, where)
    socket.pipe(process.stdout)
    process.stdin.pipe(socket)
    socket.once('close', () => { i2p.close().catch(console.error) })
  }
}

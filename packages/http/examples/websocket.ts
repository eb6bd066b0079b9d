/**
 * A WebSocket server with `ws`, and a client of it:
 *   node --import tsx packages/http/examples/websocket.ts serve
 *   node --import tsx packages/http/examples/websocket.ts ADDRESS.b32.i2p
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { WebSocket, WebSocketServer } from 'ws'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'

export async function serveClock (i2p: I2p, now: () => string): Promise<void> {
  const server = i2p.createServer((_request, response) => response.end('this is a WebSocket'))
  new WebSocketServer({ server }).on('connection', socket => {
    socket.on('message', () => socket.send(now()))
  })
  server.listen(80)
  await once(server, 'listening')
}

export async function askClock (i2p: I2p, host: string): Promise<string> {
  const socket = new WebSocket(`ws://${host}/`, { agent: i2p.agent, handshakeTimeout: 60_000 })
  await once(socket, 'open')
  socket.send('what time is it?')
  const [time] = await once(socket, 'message') as [Buffer]
  socket.close()
  return time.toString()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [where = 'serve', router = '127.0.0.1:7654'] = process.argv.slice(2)
  const i2p = await createI2p({ router, ...(where === 'serve' && { keys: 'clock.dat' }) })
  if (where === 'serve') {
    await serveClock(i2p, () => new Date().toISOString())
    console.log(i2p.address)
  } else {
    console.log(await askClock(i2p, where))
    await i2p.close()
  }
}

/**
 * An echo over datagrams that say who sent them, and a question to it:
 *   node --import tsx packages/http/examples/echo-datagrams.ts serve
 *   node --import tsx packages/http/examples/echo-datagrams.ts ADDRESS.b32.i2p hello
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'

const PORT = 7
const TRIES = 5
const WAIT = 5_000

export async function serveEcho (i2p: I2p): Promise<void> {
  const socket = i2p.createSocket('datagram2')
  socket.on('message', (message, { port, address }) => socket.send(message, port, address))
  socket.on('error', error => console.error(error.message))
  socket.bind(PORT)
  await once(socket, 'listening')
}

/** Datagrams may get lost: asks again until an answer comes. */
export async function askEcho (i2p: I2p, host: string, question: string): Promise<string> {
  await using socket = i2p.createSocket('datagram2')
  for (let tries = 0; tries < TRIES; tries++) {
    socket.send(question, PORT, host)
    try {
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(WAIT) }) as [Buffer]
      return answer.toString()
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error
    }
  }
  throw new Error('no answer')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [where = 'serve', question = 'hello', router = '127.0.0.1:7654'] = process.argv.slice(2)
  const i2p = await createI2p({ router, ...(where === 'serve' && { keys: 'echo.dat' }) })
  if (where === 'serve') {
    await serveEcho(i2p)
    console.log(i2p.address)
  } else {
    console.log(await askEcho(i2p, where, question))
    await i2p.close()
  }
}

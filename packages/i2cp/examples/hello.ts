/**
 * Two sessions on one router: look up, greet, answer. With a router on this machine:
 *   node --import tsx packages/i2cp/examples/hello.ts [host:port]
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSession, encodeDatagram2, decodeDatagram2, PROTOCOL } from '@minwww/i2cp'
import type { ReceivedMessage, SessionOptions } from '@minwww/i2cp'

export async function hello (options: SessionOptions): Promise<string> {
  const server = await createSession(options)
  const client = await createSession(options)

  // A signed datagram says who sent it and cannot be replayed to anyone else.
  server.on('message', ({ protocol, payload, fromPort }) => {
    if (protocol !== PROTOCOL.DATAGRAM2) return
    const { from, payload: question } = decodeDatagram2(payload, server.destination.hash)
    server.send(from, Buffer.from(`${question} to you too`), { protocol: PROTOCOL.RAW, toPort: fromPort })
  })

  const destination = await client.lookup(server.destination.b32)
  const answer = once(client, 'message') as Promise<[ReceivedMessage]>
  const datagram = encodeDatagram2(client.keys, destination.hash, Buffer.from('hello'))
  client.send(destination, datagram, { protocol: PROTOCOL.DATAGRAM2, fromPort: 1 })
  const [{ payload }] = await answer

  await Promise.all([client.close(), server.close()])
  return payload.toString()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [host = '127.0.0.1', port = '7654'] = (process.argv[2] ?? '').split(':').filter(Boolean)
  console.log(await hello({ router: { host, port: Number(port) } }))
}

/**
 * A fastify app on I2P: the one line is `serverFactory`.
 *   node --import tsx packages/http/examples/fastify-app.ts [HOST:PORT]
 */
import { fileURLToPath } from 'node:url'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'

export function createApp (i2p: I2p): FastifyInstance {
  const app = fastify({ serverFactory: handler => i2p.createServer(handler) })
  const notes: string[] = []
  app.get('/notes', async () => notes)
  app.post('/notes', async (request, reply) => {
    if (notes.length >= 100) return await reply.code(507).send({ error: 'full' })
    notes.push(`${request.ip}: ${String(request.body)}`) // request.ip is the visitor's .b32.i2p address
    return await reply.code(201).send({ notes: notes.length })
  })
  app.addHook('onClose', async () => await i2p.close())
  return app
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const i2p = await createI2p({ router: process.argv[2] ?? '127.0.0.1:7654', keys: 'notes.dat' })
  await createApp(i2p).listen({ port: 80 })
  console.log(`http://${i2p.address}/notes`)
}

/**
 * Many fetches at once through one session, the client in a process of its own, whose memory is measured:
 *   npx tsx --conditions=@minwww/source packages/http/test/measure/fetches.ts [fetches] [bytes] [latency ms] [connections]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createLocalRouter } from '@minwww/local-router'
import { createI2p } from '../../src/index.ts'

const [fetches = 1000, bytes = 65_536, latency = 50, connections = 32] = process.argv.slice(2, 6).map(Number)
const [client, router, site] = process.argv.slice(6)
const MB = 2 ** 20

if (client === 'client') await measure(router!, site!)
else await serve()

async function serve (): Promise<void> {
  const router = createLocalRouter({ seed: 1, latency })
  const { port } = await router.listen({ host: '127.0.0.1', port: 0 })
  const i2p = await createI2p({ router })
  const body = Buffer.alloc(bytes, 'x')
  i2p.createServer((_request, response) => response.end(body)).listen(80)
  const args = [fetches, bytes, latency, connections].map(String)
  const child = fork(fileURLToPath(import.meta.url), [...args, 'client', `127.0.0.1:${port}`, i2p.address], {
    execArgv: [...process.execArgv, '--expose-gc']
  })
  await once(child, 'exit')
  await i2p.close()
  await router.close()
}

async function measure (router: string, site: string): Promise<void> {
  const i2p = await createI2p({ router, connections })
  await (await i2p.fetch(`http://${site}/`)).arrayBuffer()
  globalThis.gc?.()
  const before = process.memoryUsage()
  let peak = before.rss
  let streams = 0
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
    streams = Math.max(streams, i2p.statistics.sockets.length)
  }, 20)
  const start = performance.now()
  const sizes = await Promise.all(Array.from({ length: fetches }, async () => {
    const response = await i2p.fetch(`http://${site}/`)
    let size = 0
    for await (const chunk of response.body!) size += (chunk as Uint8Array).length
    return size
  }))
  const seconds = (performance.now() - start) / 1000
  clearInterval(sampler)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const whole = sizes.filter(size => size === bytes).length
  console.log(`${whole} of ${fetches} fetches of ${bytes} bytes at once in ${seconds.toFixed(1)} s over at most ${streams} streams`)
  console.log(`${(whole * bytes / MB / seconds).toFixed(1)} MiB/s; RSS ${(before.rss / MB).toFixed(0)} MiB before, at most ${
    (peak / MB).toFixed(0)} MiB; heap ${(before.heapUsed / MB).toFixed(0)} MiB before, ${(after.heapUsed / MB).toFixed(0)} MiB after`)
  await i2p.close()
}

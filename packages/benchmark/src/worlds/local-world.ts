import { createLocalRouter, type LocalRouter } from '@minwww/local-router'
import type { NetworkOptions } from '@minwww/local-router/network'
import type { Address } from '../fetch.ts'
import { Trace } from '../trace/trace.ts'
import { Closers } from '@minwww/ground/node'
import type { Design } from './design.ts'
import { javaDesign, javaMissing } from './java-design.ts'
import { minwwwDesign } from './minwww-design.ts'
import { startSite, type Site } from './site.ts'
import { streamingDesign } from './streaming-design.ts'

/** One router on this machine with a model of the network, a web server, and every design that can run here. */
export interface LocalWorld {
  readonly router: LocalRouter
  readonly trace: Trace
  readonly designs: Design[]
  readonly site: Address
  close: () => Promise<void>
}

export interface LocalWorldOptions {
  network: Partial<NetworkOptions>
  /** Without it: all that can run here. */
  designs?: readonly string[]
  /** The web server; without it the one of the benchmark. */
  site?: () => Promise<Site>
}

export async function openLocalWorld (
  { network, designs: wanted = ['minwww', 'streaming', 'java'], site: start = startSite }: LocalWorldOptions
): Promise<LocalWorld> {
  const closers = new Closers()
  try {
    const site = closers.add(await start(), site => site.close())
    const router = closers.add(createLocalRouter(network), router => router.close())
    const connect = () => router.connect()
    const designs: Design[] = []
    const add = async (name: string, make: () => Promise<Design>): Promise<void> => {
      if (wanted.includes(name)) designs.push(closers.add(await make(), design => design.close()))
    }
    await add('minwww', async () => await minwwwDesign({ client: connect, server: connect, origin: site.origin }))
    await add('minwww-no-push', async () => await minwwwDesign({ client: connect, server: connect, origin: site.origin, push: false }))
    await add('minwww-floor', async () => await minwwwDesign({ client: connect, server: connect, origin: site.origin, floor: true }))
    await add('streaming', async () => await streamingDesign({ client: connect, server: connect, target: site.address }))
    if (wanted.includes('java') && javaMissing() === undefined) {
      const i2cp = await router.listen({ host: '127.0.0.1', port: 0 })
      await add('java', async () => await javaDesign({ client: i2cp, server: i2cp, target: site.address }))
    }
    return { router, trace: new Trace(router.network), designs, site: site.address, close: async () => await closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}

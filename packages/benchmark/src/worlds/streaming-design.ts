import type { Duplex } from 'node:stream'
import { createSession } from '@minwww/i2cp'
import { destinationKey } from '@minwww/local-router'
import { createStreamManager, forwardFromTcp, forwardToTcp } from '@minwww/streaming'
import type { Address } from '../fetch.ts'
import { Closers } from '@minwww/ground/node'
import type { Design } from './design.ts'

/** Our streaming library with a TCP forwarder at both ends, as I2PTunnel's. */
export async function streamingDesign (
  { client, server, target }: { client: () => Duplex, server: () => Duplex, target: Address }
): Promise<Design> {
  const closers = new Closers()
  const session = closers.add(await createSession({ connect: server }), session => session.close())
  const manager = closers.add(createStreamManager(session), manager => manager.close())
  const tunnel = closers.add(forwardToTcp({ manager, target }), tunnel => tunnel.close())
  return {
    design: 'streaming',
    label: 'our streaming, I2PTunnel-like',
    processes: [],
    close: async () => await closers.close(),
    openClient: async () => {
      const closers = new Closers()
      const session = closers.add(await createSession({ connect: client }), session => session.close())
      const manager = closers.add(createStreamManager(session), manager => manager.close())
      const entrance = closers.add(
        await forwardFromTcp({ manager, destination: tunnel.destination, listen: { host: '127.0.0.1', port: 0 } }), tunnel => tunnel.close()
      )
      return { via: entrance.address, keys: [destinationKey(session.destination)], processes: [], close: async () => await closers.close() }
    }
  }
}

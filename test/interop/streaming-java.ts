/** Java's streaming and ours, both roles, over any I2CP router. */
import { connect } from 'node:net'
import type { Test } from 'tap'
import { Destination, createSession, type SessionOptions } from '@minwww/i2cp'
import { createStreamManager, forwardToTcp, type StreamManager } from '@minwww/streaming'
import type { Address } from '../testnet/network.ts'
import { startJavaStreamClient, startJavaStreamServer } from './java.ts'
import { startWebServer, transferBothWays } from './transfer.ts'

export const SIZES = [1024, 128 * 1024, 8 * 1024 * 1024]
export const TUNNELS = { 'inbound.length': '1', 'outbound.length': '1', 'inbound.quantity': '2', 'outbound.quantity': '2' }
/** For one transfer, ms. */
export const TRANSFER_MS = 120_000

export async function openManager (t: Test, options: SessionOptions): Promise<StreamManager> {
  const session = await createSession({ ...options, options: { ...TUNNELS, ...options.options } })
  t.teardown(async () => await session.close())
  return createStreamManager(session)
}

/** Java's streaming and ours in both roles, with `ours` and `theirs` as I2CP addresses of one network. */
export async function withJava (t: Test, ours: SessionOptions, theirs: Address, sizes: number[], attempts = 1): Promise<void> {
  const web = await startWebServer(t)
  const manager = await openManager(t, ours)

  const server = await startJavaStreamServer({ i2cp: theirs, target: web, options: TUNNELS })
  t.teardown(async () => await server.stop())
  const destination = Destination.fromBase64(server.destination)
  await transferBothWays(t, {
    name: 'our client, Java\'s server', sizes, timeout: TRANSFER_MS, attempts, open: () => manager.connect({ destination })
  })

  const tunnel = forwardToTcp({ manager, target: web })
  t.teardown(async () => await tunnel.close())
  const client = await startJavaStreamClient({ i2cp: theirs, destination: manager.destination.base64, options: TUNNELS })
  t.teardown(async () => await client.stop())
  await transferBothWays(t, {
    name: 'Java\'s client, our server', sizes, timeout: TRANSFER_MS, attempts, open: () => connect(client.port, '127.0.0.1')
  })
}

import type { Duplex } from 'node:stream'
import { createSession } from '@minwww/i2cp'

/**
 * Resolves when a client that has nothing to do with the proxy has tunnels over this router: a page that was asked for before cannot
 * have come sooner.
 */
export async function tunnelsStand (connect: () => Duplex, options: Record<string, number>, signal: AbortSignal): Promise<void> {
  const session = await createSession({ connect, options, waitForRouter: true, backoff: { min: 100, max: 200 }, signal })
  await session.close()
}

import type { Test } from 'tap'
import { createLocalRouter } from '@minwww/local-router'
import type { LocalRouter, LocalRouterOptions } from '@minwww/local-router'
import { createI2p } from '../src/index.ts'
import type { CreateOptions, I2p } from '../src/index.ts'

export interface World { router: LocalRouter, alice: I2p, bob: I2p }

/** Two Destinations at an embedded router; all of it goes with the test. */
export async function world (
  t: Test, network: LocalRouterOptions = {}, options: { alice?: CreateOptions, bob?: CreateOptions } = {}
): Promise<World> {
  const router = createLocalRouter({ seed: 3, latency: 2, ...network })
  const alice = await createI2p({ router, ...options.alice })
  const bob = await createI2p({ router, ...options.bob })
  router.addHost('bob.i2p', bob.destination.base64)
  t.teardown(async () => {
    await Promise.all([alice.close(), bob.close()])
    await router.close()
  })
  return { router, alice, bob }
}

/** The code of what a promise rejects with. */
export async function codeOf (promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

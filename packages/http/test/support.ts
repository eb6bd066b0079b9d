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
  t.teardown(async () => await router.close())
  const open = async (given: CreateOptions = {}): Promise<I2p> => {
    const i2p = await createI2p({ router, ...given })
    t.teardown(async () => await i2p.close())
    return i2p
  }
  const alice = await open(options.alice)
  const bob = await open(options.bob)
  router.addHost('bob.i2p', bob.destination.base64)
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

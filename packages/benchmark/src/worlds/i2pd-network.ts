import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Address } from '../fetch.ts'
import type { Missing } from '../scenarios/scenario.ts'

/** The closed network belongs to the repository's tests; an installed package does not have it. */
const NETWORK = new URL('../../../../test/testnet/network.ts', import.meta.url)
/** TypeScript loader of the repository. */
const LOADER = 'tsx/esm/api'

/** The part of test/testnet/network.ts that is used. */
export interface ClosedNetwork {
  connect (to: number | Address): Duplex
  forward (to: number | Address): Promise<Address>
  site (hops: number): string
  proxy (hops: number): Address
  stop (): Promise<void>
}

interface NetworkModule {
  networkMissing: (needs: { emulatedLinks: boolean }) => string | undefined
  startNetwork: (options: { hops: number[], delay: number, loss: number, seed: number, readyTimeout: number }) => Promise<ClosedNetwork>
}

export async function i2pdMissing (emulatedLinks: boolean): Promise<Missing | undefined> {
  if (!existsSync(NETWORK)) return { reason: 'the closed network of i2pd routers is only in the repository', hint: "run it from a clone of the repository: 'npm install', then 'npx minwww bench routers' as root" }
  const reason = await load().then(({ networkMissing }) => networkMissing({ emulatedLinks }), error => (error as Error).message)
  return reason === undefined ? undefined : { reason, hint: "run as root on Linux with i2pd and iproute2 installed; links with delay or loss need gcc and /dev/net/tun too ('--latency 0 --loss 0' does without)" }
}

export async function startI2pdNetwork (options: { hops: number[], delay: number, loss: number, seed: number, readyTimeout: number }): Promise<ClosedNetwork> {
  return await (await load()).startNetwork(options)
}

async function load (): Promise<NetworkModule> {
  const { tsImport } = await import(LOADER) as { tsImport: (file: string, parent: string) => Promise<NetworkModule> }
  return await tsImport(fileURLToPath(NETWORK), import.meta.url)
}

import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Destination } from '@minwww/i2cp'
import type { Address } from '../fetch.ts'
import type { Missing } from '../missing.ts'

/** Implementations of which all routers of a network are; `mixed`: four i2pd, four Java I2P. */
export const ROUTER_KINDS = ['i2pd', 'java', 'mixed'] as const
export type RouterKind = typeof ROUTER_KINDS[number]

/** The closed network belongs to the repository's tests; an installed package does not have it. */
const NETWORK = new URL('../../../../test/testnet/network.ts', import.meta.url)
/** The benchmark's web server as a program. */
const SITE = new URL('../../scripts/site.ts', import.meta.url)
const JAVA = new URL('../../../../test/interop/java.ts', import.meta.url)
/** TypeScript loader of the repository. */
const LOADER = 'tsx/esm/api'
const ROUTERS = 8
/** The last ones. Java routers store nothing with i2pd 2.45 and look nothing up there, so that all of them must be Java. */
const JAVA_FLOODFILLS = 4
const FIRST_JAVA = { java: 1, mixed: 1 + ROUTERS - JAVA_FLOODFILLS }
/** Until the first page came through i2pd's own tunnels, ms. */
const READY_TIMEOUT = 90_000

/** The part of test/testnet/network.ts that is used. */
export interface ClosedNetwork {
  connect (to: number | Address): Duplex
  forward (to: number | Address): Promise<Address>
  site (hops: number): string
  proxy (hops: number): Address
  destination (router: number, tunnel: string): Buffer
  execAt (place: `r${number}`, command: string, args: readonly string[]): ChildProcess
  stop (): Promise<void>
}

export interface Links {
  /** Tunnel lengths. */
  hops: number[]
  /** One way, ms. */
  delay: number
  /** 0 to 1. */
  loss: number
  seed: number
  /** i2pd's own tunnels lead to the benchmark's web server too, whose pages have pictures: `startPages`. */
  pages?: boolean
}

interface NetworkModule {
  networkMissing: (needs: { emulatedLinks: boolean, java: boolean }) => string | undefined
  startNetwork: (options: Omit<Links, 'pages'> & {
    signal: AbortSignal
    readyTimeout: number
    routers: number
    signals: false
    floodfills?: number
    java?: number[]
    classpath?: string
    tunnels?: Record<number, string>
  }) => Promise<ClosedNetwork>
}

interface JavaModule {
  javaMissing: () => string | undefined
  javaClasspath: () => Promise<string>
}

/** Why routers of that kind cannot run here. */
export async function routersMissing (kind: RouterKind, emulatedLinks: boolean): Promise<Missing | undefined> {
  if (!existsSync(NETWORK)) {
    return {
      reason: 'the closed network of routers is only in the repository',
      hint: "run it from a clone of the repository: 'npm install', then 'npx minwww bench routers' as root"
    }
  }
  const reason = await missing(kind !== 'i2pd', emulatedLinks).catch((error: unknown) => (error as Error).message)
  const java = kind !== 'i2pd' ? ', and a JDK and Maven for Java routers' : ''
  return reason === undefined
    ? undefined
    : {
        reason,
        hint: `run as root on Linux with i2pd and iproute2 installed${java}; links with ` +
    'delay or loss need gcc and /dev/net/tun too (\'--latency 0 --loss 0\' does without)'
      }
}

async function missing (java: boolean, emulatedLinks: boolean): Promise<string | undefined> {
  const { networkMissing } = await load<NetworkModule>(NETWORK)
  return networkMissing({ emulatedLinks, java }) ?? (java ? (await load<JavaModule>(JAVA)).javaMissing() : undefined)
}

/**
 * Eight routers, each in a network namespace of its own. i2pd's own tunnels are up; Java routers build none in their first
 * 90 s. Signals of the process are left to the command, so that an interrupted run still prints what it has.
 * @throws the reason of `signal`
 */
export async function startClosedNetwork (
  kind: RouterKind, { pages = false, ...links }: Links, signal: AbortSignal
): Promise<ClosedNetwork> {
  const { startNetwork } = await load<NetworkModule>(NETWORK)
  if (kind === 'i2pd') {
    const tunnels = pages ? { [PAGES.router]: links.hops.map(pagesTunnel).join('\n') } : {}
    return await startNetwork({ ...links, tunnels, signal, routers: ROUTERS, signals: false, readyTimeout: READY_TIMEOUT })
  }
  const classpath = await (await load<JavaModule>(JAVA)).javaClasspath()
  const java = Array.from({ length: ROUTERS }, (_, i) => i + 1).filter(k => k >= FIRST_JAVA[kind])
  return await startNetwork(
    { ...links, signal, hops: [], routers: ROUTERS, signals: false, floodfills: JAVA_FLOODFILLS, java, classpath, readyTimeout: 0 }
  )
}

async function load<T> (module: URL): Promise<T> {
  const { tsImport } = await import(LOADER) as { tsImport: (file: string, parent: string) => Promise<T> }
  return await tsImport(fileURLToPath(module), import.meta.url)
}

/** Where the benchmark's web server stands in a network of i2pd, beside the one of the network. */
const PAGES = { router: 2, port: 8081, tunnels: 2 } as const

function pagesTunnel (length: number): string {
  const directions = ['inbound', 'outbound'].flatMap(
    direction => [`${direction}.length = ${length}`, `${direction}.quantity = ${PAGES.tunnels}`]
  )
  return [
    `[pages${length}]`, 'type = http', 'host = 127.0.0.1', `port = ${PAGES.port}`, 'inport = 80', `keys = pages${length}.dat`,
    'i2cp.leaseSetEncType = 4,0', ...directions, ''
  ].join('\n')
}

/** Starts that web server; the caller ends it before the network. */
export function startPages (network: ClosedNetwork): { hostOf: (length: number) => string, server: ChildProcess } {
  const server = network.execAt(`r${PAGES.router}`, process.execPath, ['--import', 'tsx', fileURLToPath(SITE), String(PAGES.port)])
  return { hostOf: length => Destination.parse(network.destination(PAGES.router, `pages${length}`)).b32, server }
}

import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Destination } from '@minwww/i2cp'
import type { Address } from '../fetch.ts'
import type { Missing } from '../missing.ts'
import type { OutproxyKeys } from './outproxy-keys.ts'

/** Implementations of which all routers of a network are; `mixed`: four i2pd, four Java I2P. */
export const ROUTER_KINDS = ['i2pd', 'java', 'mixed'] as const
export type RouterKind = typeof ROUTER_KINDS[number]

/** The closed network belongs to the repository's tests; an installed package does not have it. */
const NETWORK = new URL('../../../../test/testnet/network.ts', import.meta.url)
/** The benchmark's web server as a program. */
const SITE = new URL('../../scripts/site.ts', import.meta.url)
/** A secure one, and an HTTP proxy that knows CONNECT to it. */
const SECURE_SITE = new URL('../../scripts/secure-site.ts', import.meta.url)
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
  restart (router: number): Promise<void>
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
  /** Of i2pd: HTTP proxies with an outproxy, whose server tunnels have these keys: `startOutproxy`. */
  outproxy?: OutproxyKeys | undefined
}

interface NetworkModule {
  networkMissing: (needs: { emulatedLinks: boolean, java: boolean }) => string | undefined
  startNetwork: (options: Omit<Links, 'pages' | 'outproxy'> & {
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
  kind: RouterKind, { pages = false, outproxy, ...links }: Links, signal: AbortSignal
): Promise<ClosedNetwork> {
  const { startNetwork } = await load<NetworkModule>(NETWORK)
  if (kind === 'i2pd') {
    const tunnels = outproxy === undefined
      ? pages ? { [PAGES.router]: links.hops.map(pagesTunnel).join('\n') } : {}
      : outproxyTunnels(links.hops, outproxy)
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

const TUNNELS = 2
/** Where the benchmark's web server stands in a network of i2pd, beside the one of the network. */
const PAGES = { router: 2, port: 8081 } as const
/** The router whose HTTP proxies have an outproxy, the first of their ports, and where that outproxy and a secure site of its own stand. */
const OUTPROXY = { asking: 1, firstPort: 4460, router: 2, port: 8082, sitePort: 8443 } as const

function tunnel (section: string, length: number, lines: readonly string[]): string {
  const directions = ['inbound', 'outbound'].flatMap(
    direction => [`${direction}.length = ${length}`, `${direction}.quantity = ${TUNNELS}`]
  )
  return [`[${section}]`, ...lines, 'i2cp.leaseSetEncType = 4,0', ...directions, ''].join('\n')
}

function pagesTunnel (length: number): string {
  return tunnel(`pages${length}`, length, [
    'type = http', 'host = 127.0.0.1', `port = ${PAGES.port}`, 'inport = 80', `keys = pages${length}.dat`
  ])
}

/** An i2pd reads the address of its outproxy when it starts, so that the keys must be there before. */
function outproxyTunnels (lengths: readonly number[], { fileOf, b32Of }: OutproxyKeys): Record<number, string> {
  const servers = lengths.map(length => tunnel(`outproxy${length}`, length, [
    'type = server', 'host = 127.0.0.1', `port = ${OUTPROXY.port}`, 'inport = 80', `keys = ${fileOf(length)}`
  ]))
  const proxies = lengths.map(length => tunnel(`out${length}`, length, [
    'type = httpproxy', 'address = 0.0.0.0', `port = ${OUTPROXY.firstPort + length}`, `keys = out${length}.dat`,
    `outproxy = http://${b32Of(length)}`
  ]))
  return { [OUTPROXY.router]: servers.join('\n'), [OUTPROXY.asking]: proxies.join('\n') }
}

/** Starts that web server; the caller ends it before the network. */
export function startPages (network: ClosedNetwork): { hostOf: (length: number) => string, server: ChildProcess } {
  const server = network.execAt(`r${PAGES.router}`, process.execPath, ['--import', 'tsx', fileURLToPath(SITE), String(PAGES.port)])
  return { hostOf: length => Destination.parse(network.destination(PAGES.router, `pages${length}`)).b32, server }
}

/** What stands for the web behind i2pd's outproxies: the site's certificate folder, where it is one of HTTPS. */
export interface Web { readonly folder: string | undefined }

/**
 * Starts what the server tunnels of the outproxies lead to; the caller ends it before the network. Without a certificate that is the
 * benchmark's web server itself, which takes what is written to a proxy; else a proxy that knows CONNECT.
 */
export function startOutproxy (network: ClosedNetwork, { folder }: Web): {
  proxyOf: (length: number) => Address, sitePort: number, server: ChildProcess
} {
  const program = folder === undefined
    ? [fileURLToPath(SITE), String(OUTPROXY.port)]
    : [fileURLToPath(SECURE_SITE), String(OUTPROXY.port), String(OUTPROXY.sitePort), folder]
  const server = network.execAt(`r${OUTPROXY.router}`, process.execPath, ['--import', 'tsx', ...program])
  const proxyOf = (length: number): Address => ({ host: `10.77.0.${OUTPROXY.asking}`, port: OUTPROXY.firstPort + length })
  return { proxyOf, sitePort: OUTPROXY.sitePort, server }
}

/**
 * Java I2P (net.i2p of Maven Central) as a peer: its client library, its streaming library, its router.
 * The first use builds ./java with Maven into ./java/target (about 10 s, downloads the jars); later ones reuse that.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasProgram } from '../testnet/missing.ts'
import type { Address } from '../testnet/network.ts'
import { withLock } from './build-lock.ts'
import { Peer } from './peer.ts'
import { runBuild } from './run-build.ts'

const PROJECT = fileURLToPath(new URL('java/', import.meta.url))
const SOURCES = join(PROJECT, 'src/main/java/minwww/interop')
const JAR = join(PROJECT, 'target/interop.jar')
const START_TIMEOUT_MS = 60_000

/** The reason to skip a test that needs Java peers, or undefined. */
export function javaMissing (): string | undefined {
  const absent = ['java', 'javac', 'mvn'].filter(program => !hasProgram(program))
  return absent.length === 0 ? undefined : `not installed: ${absent.join(', ')}`
}

/** Builds the peers if needed; resolves to their class path, the dependencies included. */
export async function javaClasspath (): Promise<string> {
  await withLock(join(tmpdir(), 'minwww-interop-java.lock'), async () => {
    if (!isFresh()) await runBuild('mvn', ['-q', '-B', 'package'], PROJECT)
  })
  return JAR // its manifest names the jars in target/lib
}

export interface JavaPeerOptions {
  i2cp: Address
  /** I2CP and streaming options: `inbound.length`, `i2p.streaming.initialWindowSize`, ... */
  options?: Record<string, string>
}

/** A plain I2CP session of Java's client library; see I2cpEcho.java for its commands. */
export async function startJavaClient (options: JavaPeerOptions): Promise<Peer & { destination: string }> {
  return await startJava('I2cpEcho', options)
}

/** Accepts streams and forwards them to a TCP target. */
export async function startJavaStreamServer (options: JavaPeerOptions & { target: Address }): Promise<Peer & { destination: string }> {
  return await startJava('StreamServer', options, ['--target', `${options.target.host}:${options.target.port}`])
}

/** A TCP port whose connections become streams to a Destination (base64). */
export async function startJavaStreamClient (
  options: JavaPeerOptions & { destination: string }
): Promise<Peer & { destination: string, port: number }> {
  return await startJava('StreamClient', options, ['--destination', options.destination])
}

async function startJava<T extends Peer & { destination: string }> (
  main: string, options: JavaPeerOptions, more: string[] = []
): Promise<T> {
  const classpath = await javaClasspath()
  const directory = mkdtempSync(join(tmpdir(), 'minwww-java-'))
  const args = [
    '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true', '-Dtime.disabled=true',
    ...['base', 'config', 'router', 'app', 'log', 'pid', 'temp'].map(kind => `-Di2p.dir.${kind}=${directory}`),
    '-cp', classpath, `minwww.interop.${main}`, '--i2cp', `${options.i2cp.host}:${options.i2cp.port}`, ...more,
    ...Object.entries(options.options ?? {}).flatMap(([name, value]) => ['--option', `${name}=${value}`])
  ]
  const peer = new Peer('java', args, () => rmSync(directory, { recursive: true, force: true }))
  try {
    return Object.assign(peer, await peer.next('ready', START_TIMEOUT_MS)) as unknown as T
  } catch (error) {
    await peer.stop()
    throw error
  }
}

function isFresh (): boolean {
  try {
    const built = statSync(JAR).mtimeMs
    const sources = [join(PROJECT, 'pom.xml'), ...readdirSync(SOURCES).map(file => join(SOURCES, file))]
    return sources.every(file => statSync(file).mtimeMs <= built)
  } catch {
    return false
  }
}

/**
 * go-i2cp as a peer. The first use builds ./go into a folder under the temporary directory. Where the Go module proxy
 * does not serve github.com/go-i2p/go-i2cp, GO_I2CP_SOURCE may name a checkout of it (v0.1.67).
 */
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasProgram } from '../testnet/missing.ts'
import type { Address } from '../testnet/network.ts'
import { withLock } from './build-lock.ts'
import { Peer } from './peer.ts'
import { runBuild } from './run-build.ts'

const MODULE = 'github.com/go-i2p/go-i2cp'
const PROJECT = fileURLToPath(new URL('go/', import.meta.url))
const BUILD = join(tmpdir(), 'minwww-interop-go')
const PROGRAM = join(BUILD, 'peer')
const START_TIMEOUT_MS = 60_000

/** The reason to skip a test that needs go-i2cp, or undefined; builds it to find out. */
export async function goMissing (): Promise<string | undefined> {
  if (!hasProgram('go')) return 'not installed: go'
  try {
    await buildGo()
    return undefined
  } catch (error) {
    const { message } = error as Error
    if (/reading https?:\S+: 40[34]|module lookup disabled/.test(message)) {
      return 'the Go module proxy does not serve go-i2cp (GO_I2CP_SOURCE may name a checkout)'
    }
    const lines = message.split('\n').filter(line => line !== '')
    return `go-i2cp cannot be built (GO_I2CP_SOURCE may name a checkout): ${lines.slice(1, 3).join(' ')}`
  }
}

/** The only address that go-i2cp 0.1.67 connects to. */
export const GO_I2CP_ADDRESS: Address = { host: '127.0.0.1', port: 7654 }

/** A session of go-i2cp with the router at GO_I2CP_ADDRESS; see main.go for its commands. */
export async function startGoClient (): Promise<Peer & { destination: string }> {
  await buildGo()
  const peer = new Peer(PROGRAM, [])
  try {
    return Object.assign(peer, await peer.next('ready', START_TIMEOUT_MS)) as unknown as Peer & { destination: string }
  } catch (error) {
    await peer.stop()
    throw error
  }
}

async function buildGo (): Promise<void> {
  await withLock(`${BUILD}.lock`, async () => {
    if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs >= statSync(join(PROJECT, 'main.go')).mtimeMs) return
    mkdirSync(BUILD, { recursive: true })
    cpSync(PROJECT, BUILD, { recursive: true })
    const source = process.env.GO_I2CP_SOURCE
    if (source !== undefined) await runBuild('go', ['mod', 'edit', '-replace', `${MODULE}=${source}`], BUILD)
    await runBuild('go', ['build', '-o', PROGRAM, '.'], BUILD, { GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' })
  })
}

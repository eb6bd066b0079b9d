import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Beside the sources, which the package has too. */
const SOURCE = fileURLToPath(new URL('../../src/i2cp/go/', import.meta.url))
const MODULE = 'github.com/go-i2p/go-i2cp'
const BUILD_TIMEOUT = 300_000

export const GO_HINT = `install Go; where the module proxy does not serve ${MODULE}, name a checkout of v0.1.67 in GO_I2CP_SOURCE`

/** Builds the peer on go-i2cp; Go's cache makes the second time quick. Returns the program, or why there is none. */
export function buildGoPeer (): { program: string } | { reason: string } {
  const folder = join(tmpdir(), 'minwww-bench-go')
  mkdirSync(folder, { recursive: true })
  cpSync(SOURCE, folder, { recursive: true })
  const source = process.env.GO_I2CP_SOURCE
  const program = join(folder, 'peer')
  const steps = [
    ...source === undefined ? [] : [['mod', 'edit', '-replace', `${MODULE}=${source}`]],
    ['build', '-o', program, '.']
  ]
  for (const step of steps) {
    const { status, error, stderr } = spawnSync('go', step, {
      cwd: folder, encoding: 'utf8', timeout: BUILD_TIMEOUT, env: { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' }
    })
    if (error !== undefined) return { reason: 'Go is not installed' }
    if (status !== 0) return { reason: `go-i2cp cannot be built: ${stderr.trim().split('\n').at(-1) ?? ''}` }
  }
  return { program }
}

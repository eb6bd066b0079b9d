import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAsset } from '@minwww/ground/node'

/** Beside the sources, which the package has too. */
const SOURCES = {
  'go.mod': new URL('../../src/i2cp/go/go.mod', import.meta.url),
  'go.sum': new URL('../../src/i2cp/go/go.sum', import.meta.url),
  'main.go': new URL('../../src/i2cp/go/main.go', import.meta.url)
}
const MODULE = 'github.com/go-i2p/go-i2cp'
const BUILD_TIMEOUT = 300_000

export const GO_HINT = `install Go; where the module proxy does not serve ${MODULE}, name a checkout of v0.1.67 in GO_I2CP_SOURCE`

/** Builds the peer on go-i2cp; Go's cache makes the second time quick. Returns the program, or why there is none. */
export function buildGoPeer (): { program: string } | { reason: string } {
  const folder = join(tmpdir(), 'minwww-bench-go')
  mkdirSync(folder, { recursive: true })
  for (const [name, url] of Object.entries(SOURCES)) writeFileSync(join(folder, name), readAsset(url))
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

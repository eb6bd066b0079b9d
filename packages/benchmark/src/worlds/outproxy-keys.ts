import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { LocalDestination } from '@minwww/i2cp/codec'

/** Keys of the server tunnels of i2pd's outproxies, made before the routers start. */
export interface OutproxyKeys {
  /** From the folder of a router of the closed network, which stands beside. */
  fileOf (length: number): string
  b32Of (length: number): string
  close (): void
}

export function makeOutproxyKeys (lengths: readonly number[]): OutproxyKeys {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-bench-keys-'))
  const keys = new Map(lengths.map(length => [length, LocalDestination.generate()] as const))
  for (const [length, key] of keys) writeFileSync(join(folder, `${length}.dat`), key.toBytes(), { mode: 0o600 })
  return {
    fileOf: length => `../../${basename(folder)}/${length}.dat`,
    b32Of: length => keys.get(length)!.destination.b32,
    close: () => rmSync(folder, { recursive: true, force: true })
  }
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The content of a file that belongs to a package, named as `new URL('./file', import.meta.url)`. In the single-file bundle such a
 * URL is a `data:` one, with the content in it. Throws the system's error.
 */
export function readAsset (url: URL): Buffer {
  return isInline(url) ? Buffer.from(url.href.slice(url.href.indexOf(',') + 1), 'base64') : readFileSync(url)
}

/**
 * The path of a module of a package, for a process of its own. One that is in the bundle is written into a temporary folder,
 * which goes with this process.
 */
export function programFile (url: URL, name = basename(url.pathname)): string {
  if (!isInline(url)) return fileURLToPath(url)
  const folder = mkdtempSync(join(tmpdir(), 'minwww-'))
  process.once('exit', () => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, name)
  writeFileSync(file, readAsset(url), { mode: 0o600 })
  return file
}

const isInline = ({ protocol }: URL): boolean => protocol === 'data:'

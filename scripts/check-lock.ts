// npm run check:lock: what npm installs is what was locked. Every package of a registry has a hash in package-lock.json, without
// which npm takes what the registry gives; none names a host, so that any registry will do (.npmrc).
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

interface Locked {
  version?: string
  integrity?: string
  resolved?: string
  /** Of a workspace. */
  link?: boolean
  /** Comes within another package, which has a hash. */
  inBundle?: boolean
}

export interface Lock { packages: Record<string, Locked> }

/** What is wrong with a lock file, a line each. */
export function flawsOf ({ packages }: Lock): string[] {
  const flaws = []
  for (const [path, { version = '', integrity, resolved, link, inBundle }] of Object.entries(packages)) {
    if (!path.includes('node_modules/') || link === true || inBundle === true) continue
    if (integrity?.startsWith('sha512-') !== true) flaws.push(`${path} ${version}: no integrity`)
    if (resolved !== undefined) flaws.push(`${path} ${version}: resolved names ${resolved}`)
  }
  return flaws
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const flaws = flawsOf(JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock)
  for (const flaw of flaws) console.log(`not ok ${flaw}`)
  process.exitCode = flaws.length === 0 ? 0 : 1
}

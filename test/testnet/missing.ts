/** Why the closed network cannot run on this machine. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface NetworkNeeds {
  /** Debian suites whose i2pd is needed (i2pd-of.sh); what is not there is fetched. */
  suites?: readonly string[]
  /** The link emulator is used: a C compiler and /dev/net/tun are needed. */
  emulatedLinks?: boolean
  /** Some routers are Java I2P. */
  java?: boolean
  /** Some are emissary, which is built where it is not there yet (emissary-of.sh). */
  emissary?: boolean
}

/** The reason to skip a test that needs the network, or undefined when everything is there. */
export function networkMissing (needs: NetworkNeeds = {}): string | undefined {
  const { MINWWW_I2PD: suite } = process.env
  const suites = needs.suites ?? (suite === undefined || suite === '' ? [] : [suite])
  if (process.platform !== 'linux') return 'the closed network needs Linux network namespaces'
  if (process.getuid?.() !== 0) return 'the closed network needs root (network namespaces)'
  const programs = [
    'ip', 'xxd', 'base32',
    ...(suites.length === 0 ? ['i2pd'] : []),
    ...(needs.emulatedLinks === true ? ['gcc'] : []),
    ...(needs.java === true ? ['java'] : [])
  ]
  const absent = programs.filter(program => !hasProgram(program))
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`
  if (needs.emulatedLinks === true && !isWritable('/dev/net/tun')) return '/dev/net/tun is not usable'
  if (!canMakeNamespace()) return 'network namespaces are not permitted here'
  const wanted: Array<[string, string]> = suites.map(suite => ['i2pd', suite])
  if (needs.emissary === true) wanted.push(['emissary', '0.4.0'])
  return wanted.map(([name, version]) => routerMissing(name, version)).find(reason => reason !== undefined)
}

function routerMissing (name: string, version: string): string | undefined {
  const { status, stderr } = spawnSync(fileURLToPath(new URL(`${name}-of.sh`, import.meta.url)), [version], { encoding: 'utf8' })
  return status === 0 ? undefined : `no ${name} of ${version}: ${stderr.trim().split('\n').at(-1) ?? ''}`
}

export function hasProgram (name: string): boolean {
  return (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin').some(directory => isExecutable(`${directory}/${name}`))
}

function isExecutable (path: string): boolean {
  return isAccessible(path, constants.X_OK)
}

function isWritable (path: string): boolean {
  return isAccessible(path, constants.W_OK)
}

function isAccessible (path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

function canMakeNamespace (): boolean {
  const name = `mwprobe${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name], { stdio: 'ignore' }).status !== 0) return false
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
  return true
}

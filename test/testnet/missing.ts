/** Why the closed network cannot run on this machine. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

export interface NetworkNeeds {
  /** The link emulator is used: a C compiler and /dev/net/tun are needed. */
  emulatedLinks?: boolean
  /** Some routers are Java I2P. */
  java?: boolean
}

/** The reason to skip a test that needs the network, or undefined when everything is there. */
export function networkMissing (needs: NetworkNeeds = {}): string | undefined {
  if (process.platform !== 'linux') return 'the closed network needs Linux network namespaces'
  if (process.getuid?.() !== 0) return 'the closed network needs root (network namespaces)'
  const programs = [
    'ip', 'i2pd', 'xxd', 'base32', ...(needs.emulatedLinks === true ? ['gcc'] : []), ...(needs.java === true ? ['java'] : [])
  ]
  const absent = programs.filter(program => !hasProgram(program))
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`
  if (needs.emulatedLinks === true && !isWritable('/dev/net/tun')) return '/dev/net/tun is not usable'
  return canMakeNamespace() ? undefined : 'network namespaces are not permitted here'
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

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ROOT, temporaryFolder } from './harness.ts'

/** The environment without this workspace's own npm settings, which npm hands down to what it runs. */
export const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')))

/** Installs packages from the registry, or files, into a folder that goes with the test. */
export function installPackages (t: Test, ...packages: string[]): string {
  const folder = temporaryFolder(t)
  execFileSync(
    'npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...packages], { cwd: folder, stdio: 'pipe', env: ENVIRONMENT }
  )
  return folder
}

/** Packs every package, and installs them into an empty folder. */
export function installPacked (t: Test): string {
  execFileSync('npm', ['run', 'pack:all'], { cwd: ROOT, stdio: 'pipe', env: ENVIRONMENT })
  return installPackages(t, ...readdirSync(join(ROOT, 'artifacts/packages')).map(name => join(ROOT, 'artifacts/packages', name)))
}

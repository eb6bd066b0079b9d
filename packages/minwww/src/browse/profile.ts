import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { HostPort } from '../address.ts'
import { explain } from '../errors.ts'
import { CHROMIUM_STATE, chromiumOptions, chromiumPreferences, mergeSettings } from './chromium-settings.ts'
import type { Browser, Family } from './find-browser.ts'
import { FIREFOX_ENVIRONMENT, firefoxSettings, userFile } from './firefox-settings.ts'

export interface Profile {
  folder: string
  /** Nobody has browsed with it yet. */
  isNew: boolean
  /** Deletes it, if it is a temporary one. */
  remove: () => void
}

/** Opens the profile of a browser: `folder`, a temporary one, or the one that is kept for it. Throws CliError. */
export function openProfile (family: Family, folder: string | undefined, isTemporary: boolean): Profile {
  if (isTemporary) {
    const temporary = mkdtempSync(join(tmpdir(), 'minwww-browse-'))
    return { folder: temporary, isNew: true, remove: () => { rmSync(temporary, { recursive: true, force: true, maxRetries: 10 }) } }
  }
  const path = folder === undefined ? join(dataFolder(), 'browse', family) : resolve(folder)
  const isNew = !existsSync(join(path, family === 'firefox' ? 'prefs.js' : 'Local State'))
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw explain(error, path, '--profile')
  }
  return { folder: path, isNew, remove: () => {} }
}

/** Where a user's own data of programs is, on each system. */
function dataFolder (): string {
  const { platform, env } = process
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData/Local'), 'minwww')
  if (platform === 'darwin') return join(homedir(), 'Library/Application Support/minwww')
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'minwww')
}

export interface Command { program: string, args: string[], env: Readonly<Record<string, string>> }

/** Writes every setting into the profile, and says how the browser is started with it. Throws CliError. */
export function prepare ({ family, program }: Browser, folder: string, proxy: HostPort, home: string): Command {
  try {
    return family === 'firefox' ? firefox(program, folder, proxy, home) : chromium(program, folder, proxy, home)
  } catch (error) {
    throw explain(error, folder, '--profile')
  }
}

function firefox (program: string, folder: string, proxy: HostPort, home: string): Command {
  writeFileSync(join(folder, 'user.js'), userFile(firefoxSettings(proxy, home)), { mode: 0o600 })
  return { program, args: ['--no-remote', '--profile', folder], env: FIREFOX_ENVIRONMENT }
}

function chromium (program: string, folder: string, proxy: HostPort, home: string): Command {
  mkdirSync(join(folder, 'Default'), { recursive: true, mode: 0o700 })
  put(join(folder, 'Default/Preferences'), chromiumPreferences(home))
  put(join(folder, 'Local State'), CHROMIUM_STATE)
  return { program, args: chromiumOptions(proxy, folder), env: {} }
}

/** Puts settings into a file of Chromium's, and leaves everything else in it. */
function put (file: string, settings: Readonly<Record<string, unknown>>): void {
  writeFileSync(file, JSON.stringify(mergeSettings(parse(file), settings)), { mode: 0o600 })
}

function parse (file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // not there yet, or damaged: Chromium would begin anew as well
  }
}

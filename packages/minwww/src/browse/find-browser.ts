import { accessSync, constants, realpathSync } from 'node:fs'
import { basename, delimiter, isAbsolute, join } from 'node:path'
import { CliError } from '../errors.ts'

export type Family = 'firefox' | 'chromium'
export interface Browser { family: Family, program: string }

/** Names of programs, in the order in which they are looked for. */
const NAMES: Readonly<Record<Family, readonly string[]>> = {
  firefox: ['firefox-esr', 'firefox', 'librewolf'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'brave-browser']
}

/** Where they are on systems that do not have them in the path. */
const PLACES: Readonly<Record<string, Readonly<Record<Family, readonly string[]>>>> = {
  darwin: {
    firefox: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
    chromium: [
      '/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
    ]
  },
  win32: {
    firefox: ['C:\\Program Files\\Mozilla Firefox\\firefox.exe'],
    chromium: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', 'C:\\Program Files\\Chromium\\Application\\chrome.exe']
  }
}

interface System { platform: string, path: string, isProgram: (file: string) => boolean }

const HERE: System = { platform: process.platform, path: process.env.PATH ?? '', isProgram }

/**
 * Firefox or Chromium on this machine: `wanted` is one of both words, the name of a program or its path; without it Firefox
 * goes first. Throws CliError where there is none.
 */
export function findBrowser (wanted: string | undefined, { platform, path, isProgram }: System = HERE): Browser {
  const folders = path.split(delimiter).filter(isAbsolute)
  const inPath = (name: string): string | undefined => folders.map(folder => join(folder, name)).find(isProgram)
  const find = (family: Family): Browser | undefined => {
    const program = NAMES[family].map(inPath).find(Boolean) ?? PLACES[platform]?.[family].find(isProgram)
    return program === undefined ? undefined : { family, program }
  }
  if (wanted === undefined) {
    const found = find('firefox') ?? find('chromium')
    if (found !== undefined) return found
    throw missing('neither Firefox nor Chromium was found; install one of them, or name its program with --browser')
  }
  if (wanted === 'firefox' || wanted === 'chromium') {
    const found = find(wanted)
    if (found !== undefined) return found
    throw missing(`${wanted} was not found; install it, or name its program with --browser`)
  }
  const program = isAbsolute(wanted) ? wanted : inPath(wanted)
  if (program === undefined || !isProgram(program)) throw missing(`--browser: ${wanted} is no program here`)
  return { family: familyOf(program), program }
}

/** By its name, or by that of the file behind it. */
function familyOf (program: string): Family {
  const names = `${basename(program)} ${target(program)}`.toLowerCase()
  if (/firefox|librewolf|mullvad|waterfox/.test(names)) return 'firefox'
  if (/chrom|brave|edge|vivaldi/.test(names)) return 'chromium'
  throw missing(`--browser: ${program} is neither a Firefox nor a Chromium, by its name`)
}

function target (program: string): string {
  try {
    return basename(realpathSync(program))
  } catch {
    return ''
  }
}

const missing = (text: string): CliError => new CliError('MINWWW_NO_BROWSER', text)

function isProgram (file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import { readFileSync } from 'node:fs'
import { parseAddress } from '@minwww/i2cp'
import { explain, UsageError } from './errors.ts'

/** Most exits that a pool takes. */
export const MAX_EXITS = 256
/** Largest exits file, bytes: a base64 Destination has at most some 900 characters. */
const MAX_FILE_BYTES = 1_048_576
const MAX_SHOWN = 60

/**
 * The exits that the user named: `--exit` options and the lines of `--exits FILE` (one Destination, b32 address or
 * name a line, `#` starts a comment), in that order and each once. Throws UsageError when there is none, unless
 * `mayBeNone`.
 */
export function readExits (options: readonly string[], file: string | undefined, { mayBeNone = false } = {}): string[] {
  const lines = file === undefined ? [] : readLines(file)
  const exits = [...new Set([...options, ...lines])]
  for (const exit of exits) checkExitName(exit, '--exit')
  if (exits.length === 0 && !mayBeNone) throw new UsageError('no exit is named; give --exit DEST or --exits FILE')
  if (exits.length > MAX_EXITS) throw new UsageError(`${exits.length} exits are named; the pool takes ${MAX_EXITS}`)
  return exits
}

/** Refuses what no router could find. Throws UsageError that begins with `name`. */
export function checkExitName (exit: string, name: string): void {
  try {
    parseAddress(exit)
  } catch (error) {
    throw new UsageError(`${name}: ${reasonOf(exit)}`, { cause: error })
  }
}

function reasonOf (exit: string): string {
  const shown = `'${exit.slice(0, MAX_SHOWN)}${exit.length > MAX_SHOWN ? '...' : ''}'`
  const b32 = /^(.*)\.b32\.i2p$/i.exec(exit)?.[1]
  if (b32 !== undefined) {
    return b32.length < 52
      ? `${shown} is cut: a b32 address has 52 characters before .b32.i2p, this one has ${b32.length}; copy all that the exit printed`
      : `${shown} is not a b32 address: there is a wrong character in it, or one too many`
  }
  if (/^[A-Za-z0-9~=-]{68,}$/.test(exit)) {
    return `${shown} is not a base64 Destination: it is cut or damaged; copy all that the exit printed`
  }
  return `${shown} is not a base64 Destination, a b32 address or a name that ends in .i2p`
}

function readLines (file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw explain(error, file)
  }
  if (text.length > MAX_FILE_BYTES) throw new UsageError(`${file}: larger than ${MAX_FILE_BYTES} bytes`)
  return text.split('\n').map(line => line.replace(/#.*/, '').trim()).filter(Boolean)
}

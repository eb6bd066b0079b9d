import { readFileSync } from 'node:fs'
import { explain, UsageError } from './errors.ts'

/** Most exits that a pool takes. */
const MAX_EXITS = 256
/** Largest exits file, bytes: a base64 Destination has at most some 900 characters. */
const MAX_FILE_BYTES = 1_048_576
const NAME = /^[A-Za-z0-9~.=-]{1,1024}$/

/**
 * The exits that the user named: `--exit` options and the lines of `--exits FILE` (one Destination, b32 address or
 * name a line, `#` starts a comment), in that order and each once. Throws UsageError when there is none.
 */
export function readExits (options: readonly string[], file: string | undefined): string[] {
  const lines = file === undefined ? [] : readLines(file)
  const exits = [...new Set([...options, ...lines])]
  for (const exit of exits) {
    if (!NAME.test(exit)) throw new UsageError(`--exit: '${exit.slice(0, 60)}' is not a base64 Destination, a b32 address or a name`)
  }
  if (exits.length === 0) throw new UsageError('no exit is named; give --exit DEST or --exits FILE')
  if (exits.length > MAX_EXITS) throw new UsageError(`${exits.length} exits are named; the pool takes ${MAX_EXITS}`)
  return exits
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

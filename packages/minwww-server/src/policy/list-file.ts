import { readFile, stat } from 'node:fs/promises'
import { ServerError } from '../errors.ts'

/** Bytes of a list file, so that a wrong path cannot fill the memory. */
const MAX_FILE = 32 << 20

/**
 * Reads a list: one entry a line, `#` begins a comment, empty lines do not count.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION if the file cannot be read or is too long
 */
export async function readList (file: string): Promise<string[]> {
  try {
    if ((await stat(file)).size > MAX_FILE) throw new RangeError('longer than 32 MiB')
    return parseList(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new ServerError('MINWWW_EXIT_BAD_OPTION', `the list ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

export function parseList (text: string): string[] {
  return text.split(/\r?\n/).map(line => line.replace(/#.*/, '').trim()).filter(line => line !== '')
}

/** Entries given in place, and those of a file. */
export async function readEntries (inline: readonly string[] = [], file: string | undefined): Promise<string[]> {
  return file === undefined ? [...inline] : [...inline, ...await readList(file)]
}

import { constants } from 'node:fs'
import { access, mkdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { formatHostPort, parseHostPort } from '../address.ts'
import { UsageError } from '../errors.ts'
import { nameOf, type Origin } from './origin.ts'
import { systemProblem } from './report.ts'

/** Largest file of lines that is read at a start, bytes. */
const MAX_FILE_BYTES = 33_554_432

/** One line of a file that says something, without its comment. */
export interface Line { text: string, number: number }

/** The text of a file. Throws CliError about the setting that names it. */
export async function readText (file: string, origin: Origin): Promise<string> {
  try {
    if ((await stat(file)).size > MAX_FILE_BYTES) throw new UsageError(`${nameOf(origin)}: ${file} is larger than ${MAX_FILE_BYTES} bytes`)
    return await readFile(file, 'utf8')
  } catch (error) {
    throw systemProblem(error, file, origin)
  }
}

/** The lines of a list: `#` starts a comment, empty lines do not count. */
export async function readLines (file: string, origin: Origin): Promise<Line[]> {
  return (await readText(file, origin)).split(/\r?\n/)
    .map((line, index) => ({ text: line.replace(/#.*/, '').trim(), number: index + 1 }))
    .filter(({ text }) => text !== '')
}

/** A directory that is there and can be written to, or can be made. With `make` it is. Throws CliError. */
export async function checkDirectory (directory: string, origin: Origin, make: boolean): Promise<void> {
  try {
    if (make) await mkdir(directory, { recursive: true, mode: 0o700 })
    await checkWritable(resolve(directory))
  } catch (error) {
    throw systemProblem(error, directory, origin)
  }
}

/** A file that can be written beside: its directory is there. Throws CliError. */
export async function checkCanBeMade (file: string, origin: Origin): Promise<void> {
  const directory = dirname(resolve(file))
  try {
    if (!(await stat(directory)).isDirectory()) throw notADirectory()
    await access(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw systemProblem(error, file, origin)
  }
}

/** The directory, or the nearest one above it that is there. */
async function checkWritable (directory: string): Promise<void> {
  const info = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && dirname(directory) !== directory) return undefined
    throw error
  })
  if (info === undefined) return await checkWritable(dirname(directory))
  if (!info.isDirectory()) throw notADirectory()
  await access(directory, constants.W_OK | constants.X_OK)
}

const notADirectory = (): NodeJS.ErrnoException => Object.assign(new Error('not a directory'), { code: 'EEXIST' })

/** Listens for a moment, so that a port in use is known before anything else is begun. Throws CliError. */
export async function checkPortIsFree (address: string, origin: Origin): Promise<void> {
  const { host, port } = parseHostPort(address, nameOf(origin))
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => { server.once('error', reject).listen({ host, port, exclusive: true }, resolve) })
    await new Promise(resolve => server.close(resolve))
  } catch (error) {
    throw systemProblem(error, formatHostPort({ host, port }), origin)
  }
}

import type { Readable } from 'node:stream'
import { PassThrough, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { charsetOf, decoderFor, PageReader, readStyleSheet, References, type PageStyles, type Reference } from '@minwww/protocol/page'
import type { Answer } from '../http/answer.ts'
import { codingsOf } from '../http/coding.ts'
import { valueOf } from '../http/fields.ts'

/** Bytes of a page or style sheet, decoded, that are read. */
const MAX_READ = 1_048_576

export interface Found {
  /** What was found so far, as often as there is more. */
  readonly found: (references: readonly Reference[]) => void
  /** All of a page was read: what its style sheets have in common. */
  readonly styles?: (styles: PageStyles) => void
}

/**
 * The same answer; what it refers to is told while its body goes by, however fast the browser reads.
 * @param styles - of the page whose style sheet it may be
 */
export function tapped (url: string, answer: Answer, told: Found, styles?: PageStyles): Answer {
  const type = valueOf(answer.fields, 'content-type') ?? ''
  const isPage = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type)
  if (answer.status !== 200 || !(isPage || /^\s*text\/css\b/i.test(type))) return answer
  const decoder = decoderOf(codingsOf(valueOf(answer.fields, 'content-encoding')))
  if (decoder === undefined) return answer
  const reader = isPage ? new PageText(url, type, told) : new StyleText(url, type, told, styles)
  let size = 0
  const read = (piece: Buffer): void => {
    if (size > MAX_READ) return
    size += piece.length
    reader.write(piece)
    // What is more may be very much.
    if (size > MAX_READ) decoder.destroy()
  }
  decoder.on('data', read).once('end', () => reader.end()).on('error', () => {})
  if (Buffer.isBuffer(answer.body)) {
    decoder.end(answer.body)
    return answer
  }
  return { ...answer, body: teed(answer.body, decoder) }
}

/** What goes through is written to the decoder as well; its own reader sets the pace. */
function teed (body: Readable, decoder: Transform): Readable {
  const through = new PassThrough({
    transform (chunk: Buffer, _encoding, done) {
      if (!decoder.destroyed) decoder.write(chunk)
      done(null, chunk)
    },
    flush (done) {
      if (!decoder.destroyed) decoder.end()
      done()
    }
  })
  body.once('error', error => through.destroy(error))
  through.once('close', () => {
    body.destroy()
    if (!through.readableEnded) decoder.destroy()
  })
  return body.pipe(through)
}

function decoderOf (codings: readonly string[]): Transform | undefined {
  if (codings.length === 0) return new PassThrough()
  if (codings.length > 1) return undefined
  if (codings[0] === 'br') return createBrotliDecompress()
  return codings[0] === 'gzip' || codings[0] === 'x-gzip' ? createGunzip() : undefined
}

/** HTML, read piece by piece. */
class PageText {
  readonly #url: string
  readonly #type: string
  readonly #told: Found
  #reader: { page: PageReader, decode: (bytes: Buffer) => string } | undefined
  #known = 0

  constructor (url: string, type: string, told: Found) {
    this.#url = url
    this.#type = type
    this.#told = told
  }

  write (piece: Buffer): void {
    this.#reader ??= this.#open(piece)
    this.#reader.page.write(this.#reader.decode(piece))
    this.#tell(this.#reader.page)
  }

  end (): void {
    if (this.#reader === undefined) return
    const { page } = this.#reader
    page.end()
    this.#told.styles?.(page.styles)
    this.#tell(page)
  }

  #open (start: Buffer): { page: PageReader, decode: (bytes: Buffer) => string } {
    const { decoder, isUtf8 } = decoderFor(charsetOf(this.#type, start))
    return { page: new PageReader(this.#url, isUtf8), decode: bytes => decoder.decode(bytes, { stream: true }) }
  }

  #tell (page: PageReader): void {
    const { found } = page
    if (found.length > this.#known) this.#told.found(found)
    this.#known = found.length
  }
}

/** A style sheet, read when all of it is here. */
class StyleText {
  readonly #url: string
  readonly #type: string
  readonly #told: Found
  readonly #styles: PageStyles | undefined
  readonly #pieces: Buffer[] = [] // MAX_READ bytes and a piece

  constructor (url: string, type: string, told: Found, styles: PageStyles | undefined) {
    this.#url = url
    this.#type = type
    this.#told = told
    this.#styles = styles
  }

  write (piece: Buffer): void {
    this.#pieces.push(piece)
  }

  end (): void {
    const bytes = Buffer.concat(this.#pieces)
    const { decoder, isUtf8 } = decoderFor(charsetOf(this.#type, bytes))
    const found = new References(this.#url, isUtf8)
    readStyleSheet(decoder.decode(bytes), found, this.#styles)
    this.#told.found(found.sorted)
  }
}

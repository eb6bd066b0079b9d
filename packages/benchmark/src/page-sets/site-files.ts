import { gzipSync } from 'node:zlib'
import { encodeObject, encodeResponse, MAX_OBJECT } from '@minwww/protocol'
import { BOUNDS } from '@minwww/server'
import { BEGINNING_OF_TEXT, beginningOf } from '../grid/rest-streams.ts'
import { fieldsOf, fileOf } from './files.ts'
import type { PageSet } from './list.ts'

const TEXTS = /^(?:text\/|application\/json|image\/svg)/

interface SiteAnswer {
  /** HTTP, and how much of it is the head. */
  readonly message: Buffer
  readonly head: number
  readonly shrinks: boolean
  readonly coded: number
  readonly gzipped: number
}

/** The files of one site, and its answers. */
export class SiteFiles {
  readonly #base: string
  readonly #set: PageSet
  readonly #answers = new Map<string, SiteAnswer>()

  constructor (base: string, set: PageSet) {
    this.#base = base
    this.#set = set
  }

  get host (): string { return this.#set.host }

  /** What an exit gets for a URL's path. */
  answer (path: string): Buffer { return this.#of(path).message }

  /** Bytes of the object in which it travels. */
  coded (path: string): number { return this.#of(path).coded }

  /** Bytes that a web server sends to a browser: texts are compressed, as most servers do. */
  gzipped (path: string): number { return this.#of(path).gzipped }

  /** Bytes of the answer that go out as messages: all of them, or those of its beginning. @param atOnce - bytes that leave at once */
  begun (path: string, atOnce: number): number {
    const { message, head, shrinks, coded } = this.#of(path)
    if (coded <= MAX_OBJECT && (!shrinks || message.length - head <= BOUNDS.body.most)) return message.length
    return Math.min(message.length, head + (shrinks ? BEGINNING_OF_TEXT : beginningOf(atOnce)))
  }

  /** Whether it fits one object. */
  isWhole (path: string): boolean { return this.begun(path, 0) === this.#of(path).message.length }

  #of (path: string): SiteAnswer {
    let answer = this.#answers.get(path)
    if (answer === undefined) {
      const file = fileOf(this.#base, this.#set, path.split('?', 1)[0]!)
      const headers = fieldsOf(file)
      const { status, body, type } = file
      const message = encodeResponse({ status, reason: status === 200 ? 'OK' : 'Not Found', headers, body })
      const coded = encodeObject(message, { kind: 'response' }).length
      const head = message.length - body.length
      const shrinks = TEXTS.test(type)
      const gzipped = head + (shrinks ? gzipSync(body).length : body.length)
      this.#answers.set(path, answer = { message, head, shrinks, coded, gzipped })
    }
    return answer
  }
}

import { Readable } from 'node:stream'
import { wholeOf, type Whole } from '../core/resumable.ts'
import { destroyBody, type SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf, type Fields } from '../http/fields.ts'
import { patienceOf, StandstillWatch, type StreamPatience } from './standstill.ts'
import type { StreamAnswer } from './stream-path.ts'

/** How often one body goes on after its stream broke off. */
const MAX_RESUMPTIONS = 3

/** Asks for the rest of a body: somebody else than `failed`, if there is somebody. */
export type AskRest = (request: SiteRequest, failed: StreamAnswer) => Promise<StreamAnswer>

/**
 * The answer, with a body that goes on elsewhere when its stream breaks off or stands still: where the site has a strong
 * validator and takes ranges (RFC 9110, sections 13.1.5 and 14), so that the browser gets the same bytes or none. Other
 * answers come back as they are.
 */
export function resuming (
  request: SiteRequest, answer: StreamAnswer, ask: AskRest, patienceFor: (answer: StreamAnswer) => StreamPatience = () => patienceOf()
): StreamAnswer {
  const isPlain = request.method === 'GET' && valueOf(request.fields, 'range') === undefined
  const whole = isPlain ? wholeOf(answer.status, answer.received) : undefined
  if (whole === undefined || Buffer.isBuffer(answer.body)) return answer
  const download = new Download(request, answer, whole, ask, patienceFor)
  const body = Readable.from(download.bytes(), { objectMode: false })
  // Who is given up before the first byte was read runs no `finally`.
  body.once('close', () => download.close())
  return { ...answer, body }
}

class Download {
  readonly #request: SiteRequest
  readonly #whole: Whole
  readonly #ask: AskRest
  readonly #patienceFor: (answer: StreamAnswer) => StreamPatience
  #answer: StreamAnswer

  constructor (
    request: SiteRequest, answer: StreamAnswer, whole: Whole, ask: AskRest, patienceFor: (answer: StreamAnswer) => StreamPatience
  ) {
    this.#request = request
    this.#answer = answer
    this.#whole = whole
    this.#ask = ask
    this.#patienceFor = patienceFor
  }

  close (): void {
    destroyBody(this.#answer)
  }

  async * bytes (): AsyncGenerator<Buffer> {
    const { length } = this.#whole
    let at = 0
    for (let resumptions = 0; ; resumptions++) {
      const mayResume = resumptions < MAX_RESUMPTIONS
      try {
        for await (const chunk of this.#flowing(mayResume)) {
          at += chunk.length
          // The browser would take it for the next response.
          if (at > length) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the body is longer than it says')
          yield chunk
        }
        if (at === length) return
        throw new ProxyError('MINWWW_CONNECTION_FAILED', 'the body ended before its end')
      } catch (error) {
        if (!mayResume || at >= length || this.#request.signal.aborted) throw error
        this.#answer = await restOf(this.#request, this.#answer, this.#whole, at, this.#ask).catch(() => { throw error })
      }
    }
  }

  /**
   * Chunks of the present stream; with `guarded` it fails after a standstill, or sooner where its exit does not even answer a probe.
   * The time that the browser takes does not count.
   */
  async * #flowing (guarded: boolean): AsyncGenerator<Buffer> {
    const body = this.#answer.body as Readable
    const fail = (): void => { body.destroy(new ProxyError('MINWWW_TIMEOUT', 'the stream stands still')) }
    const watch = new StandstillWatch(this.#patienceFor(this.#answer), fail)
    if (guarded) watch.start()
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        watch.stop()
        yield chunk
        if (guarded) watch.start()
      }
    } finally {
      watch.stop()
    }
  }
}

/** @throws ProxyError where the site has something else by now, and what `ask` throws */
async function restOf (
  request: SiteRequest, failed: StreamAnswer, { etag, length }: Whole, at: number, ask: AskRest
): Promise<StreamAnswer> {
  const others = request.fields.filter(([name]) => !/^(if-.*|range)$/i.test(name))
  const fields: Fields = [...others, ['Range', `bytes=${at}-`], ['If-Range', etag]]
  const rest = await ask({ ...request, fields }, failed)
  const isRest = rest.status === 206 && !Buffer.isBuffer(rest.body) &&
    valueOf(rest.received, 'etag') === etag && valueOf(rest.received, 'content-range') === `bytes ${at}-${length - 1}/${length}`
  if (isRest) return rest
  destroyBody(rest)
  throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the rest is of something else')
}

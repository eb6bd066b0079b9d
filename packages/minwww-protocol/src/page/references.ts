import { parseUrl } from '../parse-url.ts'

/**
 * What a resource is for: it decides how it is asked for, and when. `late-style`: a style sheet that does not apply, but that
 * browsers load with the page (for paper, or an alternate one).
 */
export type Kind = 'document' | 'style' | 'script' | 'font' | 'image' | 'other' | 'late-style'

export interface Reference { readonly url: string, readonly kind: Kind }

/** Most references of one page or style sheet that are looked at. */
export const MAX_REFERENCES = 256
/** Longest address of one, characters. */
export const MAX_REFERENCE = 2_048

/** First what stops a page from being painted. */
const ORDER: readonly Kind[] = ['document', 'style', 'script', 'font', 'image', 'other', 'late-style']

/** Addresses that a page or style sheet refers to, each once, in the order in which they are found. */
export class References {
  readonly #found = new Map<string, Reference>()
  readonly #isUtf8: boolean
  base: string

  /** @param base - what they are relative to */
  constructor (base: string, isUtf8 = true) {
    this.base = base
    this.#isUtf8 = isUtf8
  }

  /** Takes an address, unless it is none of plain http: what else there is a browser does not ask a proxy for. */
  add (text: string, kind: Kind): void {
    if (this.#found.size >= MAX_REFERENCES || text.length > MAX_REFERENCE || text.trim() === '') return
    // A query is in the page's encoding, which a URL parser does not know.
    // eslint-disable-next-line no-control-regex
    if (!this.#isUtf8 && /[^\x00-\x7f]/.test(text)) return
    const url = parseUrl(text, this.base)
    if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') return
    url.hash = ''
    const { href } = url
    if (href.length <= MAX_REFERENCE && href !== this.base && !this.#found.has(href)) this.#found.set(href, { url: href, kind })
  }

  /** What stops a page from being painted comes first; else as they were found. */
  get sorted (): Reference[] {
    return [...this.#found.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
  }
}

import { Parser } from 'htmlparser2'
import { isForScreens, readStyleSheets, type PageStyles } from './css.ts'
import { Fonts } from './fonts.ts'
import { parseUrl } from '../parse-url.ts'
import { References, type Kind, type Reference } from './references.ts'

/** Characters of a page that are read, and of its style elements. */
const MAX_HTML = 1_048_576
const MAX_STYLE = 262_144
/** What is looked at in one go: the parser's cost grows with the square of the depth. */
const PIECE = 8_192
const MAX_DEPTH = 1_024
/** Names of elements, classes and ids that are kept. */
const MAX_NAMES = 8_192
/** What `as` says of a preload. */
const AS: Readonly<Record<string, Kind>> = { style: 'style', script: 'script', font: 'font', image: 'image', fetch: 'other' }
/** In these a browser that runs scripts asks for nothing. */
const INERT: ReadonlySet<string> = new Set([
  'noscript', 'template', 'noframes', 'noembed', 'iframe', 'xmp', 'plaintext', 'textarea', 'title'
])
const JAVASCRIPT = /^(?:module|(?:text|application)\/(?:x-)?(?:java|ecma)script)$/i

type Attributes = Readonly<Record<string, string>>

/**
 * Reads a page as it comes, and finds what every browser asks for at once: style sheets, scripts, images with one candidate
 * that are not lazy, an icon, preloads, what its style elements need, and last the style sheets that wait for paper or a choice.
 */
export class PageReader {
  readonly #found: References
  /** Names of elements, `.class` and `#id`. */
  readonly names = new Set<string>()
  readonly #fonts = new Fonts()
  readonly #parser: Parser
  #inert = 0
  #pictures = 0
  #hasBase = false
  #style: string | undefined
  #styleLength = 0
  readonly #styles: string[] = []
  #icon: string | undefined
  #read = 0
  #depth = 0

  /** @param url - of the page */
  constructor (url: string, isUtf8 = true) {
    this.#found = new References(url, isUtf8)
    this.#parser = new Parser({
      onopentag: (name, attributes) => this.#open(name, attributes),
      onclosetag: name => this.#close(name),
      ontext: text => this.#text(text)
    }, { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true })
  }

  write (text: string): void {
    for (let at = 0; at < text.length && this.#read < MAX_HTML; at += PIECE) {
      this.#read += Math.min(PIECE, text.length - at)
      this.#parser.write(text.slice(at, at + PIECE))
    }
  }

  /** All there is. */
  end (): void {
    this.#parser.end()
    readStyleSheets(this.#styles, this.#found, this.styles)
    if (this.#icon !== undefined) this.#found.add(this.#icon, 'other')
  }

  /** For its style sheets. */
  get styles (): PageStyles { return { names: this.names, fonts: this.#fonts } }

  /** What stops the page from being painted comes first. */
  get found (): Reference[] {
    return this.#found.sorted
  }

  #open (name: string, attributes: Attributes): void {
    if (++this.#depth > MAX_DEPTH) this.#read = MAX_HTML
    if (INERT.has(name)) this.#inert++
    this.#note(name, attributes)
    if (this.#inert > 0) return
    const { src, href } = attributes
    switch (name) {
      case 'base':
        if (!this.#hasBase && href !== undefined) this.#rebase(href)
        break
      case 'link':
        if (href !== undefined) this.#link(href, attributes)
        break
      case 'script':
        if (src !== undefined && isScript(attributes)) this.#found.add(src, 'script')
        break
      case 'picture':
        this.#pictures++
        break
      case 'img':
        if (src !== undefined && this.#pictures === 0 && isOneNow(attributes)) this.#found.add(src, 'image')
        break
      case 'input':
        if (src !== undefined && attributes.type?.toLowerCase() === 'image') this.#found.add(src, 'image')
        break
      case 'video':
        if (attributes.poster !== undefined) this.#found.add(attributes.poster, 'image')
        break
      case 'body': case 'table': case 'td':
        if (attributes.background !== undefined) this.#found.add(attributes.background, 'image')
        break
      case 'style':
        if (isForScreens(attributes.media ?? '')) this.#style = ''
    }
    if (attributes.style?.includes('url(') === true) this.#keep(`*{${attributes.style}}`)
  }

  #close (name: string): void {
    this.#depth--
    if (INERT.has(name)) this.#inert = Math.max(0, this.#inert - 1)
    if (name === 'picture') this.#pictures = Math.max(0, this.#pictures - 1)
    if (name !== 'style' || this.#style === undefined) return
    this.#keep(this.#style)
    this.#style = undefined
  }

  #text (text: string): void {
    if (this.#style !== undefined && this.#style.length < MAX_STYLE) this.#style += text.slice(0, MAX_STYLE)
  }

  #keep (css: string): void {
    if (this.#styleLength >= MAX_STYLE) return
    this.#styles.push(css.slice(0, MAX_STYLE - this.#styleLength))
    this.#styleLength += Math.max(1, css.length)
  }

  #rebase (href: string): void {
    this.#hasBase = true
    const base = parseUrl(href, this.#found.base)
    if (base?.protocol === 'http:') this.#found.base = base.href
  }

  #link (href: string, attributes: Attributes): void {
    const rels = (attributes.rel ?? '').toLowerCase().split(/\s+/)
    const has = (rel: string): boolean => rels.includes(rel)
    if (attributes.disabled !== undefined) return
    const isForHere = isForScreens(attributes.media ?? '')
    if (has('stylesheet')) {
      const type = (attributes.type ?? '').trim().toLowerCase()
      const isUsed = isForHere && !has('alternate')
      if (type === '' || type === 'text/css') this.#found.add(href, isUsed ? 'style' : 'late-style')
    } else if (isForHere) this.#loadAhead(href, has, attributes)
  }

  #loadAhead (href: string, has: (rel: string) => boolean, attributes: Attributes): void {
    if (has('preload')) {
      const kind = AS[(attributes.as ?? '').toLowerCase()]
      if (kind !== undefined && attributes.imagesrcset === undefined) this.#found.add(href, kind)
    } else if (has('modulepreload')) this.#found.add(href, 'script')
    else if (has('icon')) this.#icon ??= href
  }

  #note (name: string, { class: classes, id }: Attributes): void {
    if (this.names.size >= MAX_NAMES) return
    this.names.add(name)
    if (id !== undefined) this.names.add(`#${id}`)
    for (const each of classes?.split(/\s+/, Math.max(0, MAX_NAMES - this.names.size)) ?? []) this.names.add(`.${each}`)
  }
}

const isScript = ({ nomodule, type = '' }: Attributes): boolean => nomodule === undefined && JAVASCRIPT.test(type.trim() || 'module')

/** It has one candidate, which is loaded at once. */
const isOneNow = ({ srcset, loading }: Attributes): boolean => srcset === undefined && loading?.toLowerCase() !== 'lazy'

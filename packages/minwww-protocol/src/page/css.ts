import { tokenizer, type CSSToken } from '@csstools/css-tokenizer'
import type { References } from './references.ts'

/** Names of elements, classes (`.name`) and ids (`#name`) in a page: what its style sheets can apply to. */
export type PageNames = ReadonlySet<string>

/** Characters of a style sheet that are read, and its tokens. */
const MAX_CSS = 524_288
const MAX_TOKENS = 200_000
/** Tokens of one selector or declaration that are kept. */
const MAX_KEPT = 400
/** Blocks in blocks. */
const MAX_DEPTH = 32

/** Declarations whose images are asked for at once. */
const IMAGES: ReadonlySet<string> = new Set([
  'background', 'background-image', 'list-style', 'list-style-image', 'border-image', 'border-image-source', 'content', 'mask',
  'mask-image', '-webkit-mask', '-webkit-mask-image'
])
/** Media that are none of a screen, and colours that few ask for. */
const ELSEWHERE = new RegExp('^(?:only\\s+)?(?:print|speech|aural|braille|embossed|tty|tv|projection|handheld)\\b|' +
  '^not\\s+(?:all|screen)\\b|prefers-color-scheme\\s*:\\s*dark')

/** What a block is. */
type Block = 'rule' | 'group' | 'font-face' | 'skipped'

interface Face { family: string, url: string, isLatin: boolean }

/**
 * What a browser asks for because of a style sheet: imports; images of rules that may apply; fonts of families that are used.
 * @param names - of the page; undefined where it is not known: then every rule may apply
 */
export function readStyleSheet (css: string, into: References, names?: PageNames): void {
  new StyleSheet(into, names).read(css)
}

class StyleSheet {
  readonly #into: References
  readonly #names: PageNames | undefined
  readonly #blocks: Block[] = [] // at most MAX_DEPTH
  #kept: CSSToken[] = []
  readonly #families = new Set<string>()
  readonly #faces: Face[] = []
  #face: Partial<Face> = {}

  constructor (into: References, names: PageNames | undefined) {
    this.#into = into
    this.#names = names
  }

  read (css: string): void {
    const { nextToken, endOfFile } = tokenizer({ css: css.slice(0, MAX_CSS) })
    for (let count = 0; count < MAX_TOKENS && !endOfFile(); count++) {
      const token = nextToken()
      switch (token[0]) {
        case 'comment': break
        case '{-token':
          this.#open()
          break
        case '}-token':
          this.#end()
          this.#close()
          break
        case 'semicolon-token':
          this.#end()
          break
        default:
          if (this.#kept.length < MAX_KEPT) this.#kept.push(token)
      }
    }
    for (const { family, url, isLatin } of this.#faces) if (isLatin && this.#families.has(family)) this.#into.add(url, 'font')
  }

  #open (): void {
    const prelude = this.#kept
    this.#kept = []
    const block = this.#blocks.includes('skipped') || this.#blocks.length >= MAX_DEPTH ? 'skipped' : this.#kindOf(prelude)
    if (block === 'font-face') this.#face = {}
    this.#blocks.push(block)
    if (this.#blocks.length > 2 * MAX_DEPTH) this.#blocks.pop()
  }

  #close (): void {
    const block = this.#blocks.pop()
    const { family, url, isLatin = true } = this.#face
    if (block !== 'font-face' || family === undefined || url === undefined || this.#faces.length >= MAX_KEPT) return
    this.#faces.push({ family, url, isLatin })
  }

  #kindOf (prelude: readonly CSSToken[]): Block {
    const [first, ...rest] = prelude.filter(([type]) => type !== 'whitespace-token')
    if (first?.[0] !== 'at-keyword-token') return this.#mayApply(prelude) ? 'rule' : 'skipped'
    switch (first[1].toLowerCase()) {
      case '@media': return isForScreens(textOf(rest)) ? 'group' : 'skipped'
      case '@supports': case '@layer': case '@container': case '@scope': return 'group'
      case '@font-face': return 'font-face'
      default: return 'skipped'
    }
  }

  /** A declaration, or an at-rule without a block. */
  #end (): void {
    const tokens = this.#kept.filter(([type]) => type !== 'whitespace-token')
    this.#kept = []
    const [first] = tokens
    if (first === undefined) return
    if (first[0] === 'at-keyword-token' && first[1].toLowerCase() === '@import') this.#import(tokens)
    const block = this.#blocks.at(-1)
    const name = first[0] === 'ident-token' ? first[1].toLowerCase() : ''
    if (block === 'font-face') this.#describe(name, tokens)
    if (block === 'rule') this.#declare(name, tokens)
  }

  #import (tokens: readonly CSSToken[]): void {
    const [url] = urlsOf(tokens, true)
    if (url !== undefined && this.#blocks.length === 0 && isForScreens(textOf(tokens.slice(2)))) this.#into.add(url, 'style')
  }

  #describe (name: string, tokens: readonly CSSToken[]): void {
    if (name === 'font-family') this.#face.family = familyOf(textOf(tokens.slice(2)))
    if (name === 'unicode-range') this.#face.isLatin = /u\+0{0,4}(?:0-|20|41|61|\?\?)/i.test(textOf(tokens.slice(2)))
    if (name !== 'src') return
    const urls = urlsOf(tokens)
    this.#face.url ??= urls.find(url => /\.woff2(?:[?#]|$)/i.test(url)) ?? urls[0]!
  }

  #declare (name: string, tokens: readonly CSSToken[]): void {
    if (name === 'font-family' || name === 'font' || name.startsWith('--')) {
      for (const part of textOf(tokens.slice(2)).split(',')) {
        const family = familyOf(name === 'font' ? part.replace(/^.*\d\S*\s+(?=\S)/, '') : part)
        if (this.#families.size < MAX_KEPT) this.#families.add(family)
      }
    }
    if (IMAGES.has(name)) {
      // Several of an image-set are one choice.
      if (!/image-set\(/i.test(textOf(tokens))) for (const url of urlsOf(tokens)) this.#into.add(url, 'image')
    }
  }

  /** One of the selectors has only names that the page has, and waits for nobody's pointer. */
  #mayApply (prelude: readonly CSSToken[]): boolean {
    const names = this.#names
    if (names === undefined) return true
    let isPossible = true
    let depth = 0
    let before = ''
    for (const token of prelude) {
      const [type, text] = token
      if (type === 'comma-token' && depth === 0) {
        if (isPossible) return true
        isPossible = true
      } else if (type === 'function-token' || type === '(-token' || type === '[-token') depth++
      else if (type === ')-token' || type === ']-token') depth--
      else if (depth === 0 && type === 'hash-token' && !names.has(text)) isPossible = false
      else if (depth === 0 && type === 'ident-token') {
        if (before === ':') isPossible &&= !/^(?:hover|active|focus|focus-within|focus-visible|visited|checked|target)$/i.test(text)
        else if (!names.has(before === '.' ? `.${text}` : text.toLowerCase())) isPossible = false
      }
      before = text
    }
    return isPossible
  }
}

const textOf = (tokens: readonly CSSToken[]): string => tokens.map(([, text]) => text).join(' ')

const familyOf = (text: string): string => text.trim().replace(/^["']|["']$/g, '').trim().toLowerCase()

/** A list of media, or none, that has some which is no paper. */
export function isForScreens (media: string): boolean {
  const parts = media.toLowerCase().split(',').map(part => part.trim())
  return parts.some(part => part === '' || !ELSEWHERE.test(part))
}

/** @param bare - a string is an address, too */
function urlsOf (tokens: readonly CSSToken[], bare = false): string[] {
  let isInUrl = false
  return tokens.flatMap(token => {
    if (token[0] === 'url-token') return [token[4].value]
    const isOfUrl = token[0] === 'string-token' && (isInUrl || bare)
    isInUrl = token[0] === 'function-token' && token[1].toLowerCase() === 'url('
    return isOfUrl && token[0] === 'string-token' ? [token[4].value] : []
  })
}

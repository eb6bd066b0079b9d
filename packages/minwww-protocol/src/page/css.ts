import { tokenizer, type CSSToken } from '@csstools/css-tokenizer'
import { parseUrl } from '../parse-url.ts'
import { Fonts, type Face } from './fonts.ts'
import type { References } from './references.ts'

/** Names of elements, classes (`.name`) and ids (`#name`) in a page: what its style sheets can apply to. */
export type PageNames = ReadonlySet<string>

/** Characters of a style sheet that are read, and its tokens. */
const MAX_CSS = 524_288
const MAX_TOKENS = 200_000
/** Each error of syntax costs as much as a hundred tokens; browsers would go on, but nobody has so many. */
const MAX_ERRORS = 256
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

/** What a page's style sheets have in common. */
export interface PageStyles { readonly names?: PageNames, readonly fonts: Fonts }

type OpenFace = { -readonly [K in keyof Face]?: Face[K] } & { isLatin?: boolean }

/** What browsers cannot read as a font, and how old style sheets mark it. */
const NO_FONT = /\.(?:eot|svgz?)(?:[?#]|$)/i
const NO_FORMAT = /^["']?(?:embedded-opentype|svg)\b/i
/** A range that begins with the first characters, or with a space, `A` or `a`; or one that is written with wildcards. */
const LATIN = /u\+0{0,4}(?:0-|(?:20|41|61)(?![\da-f])|\?\?)/i
const SIZES = /^(?:(?:x{1,2}-)?(?:small|large)|smaller|larger|medium)$/i
const WEIGHTS: Readonly<Record<string, number>> = { normal: 400, bold: 700, bolder: 700, lighter: 300 }

/**
 * What a browser asks for because of a style sheet: imports; images of rules that may apply; faces of fonts that are used.
 * @param styles - of the page; undefined where it is not known: then every rule may apply
 */
export function readStyleSheet (css: string, into: References, styles: PageStyles = { fonts: new Fonts() }): void {
  readStyleSheets([css], into, styles)
}

/** The same of several: what they say of fonts is looked at once. */
export function readStyleSheets (sheets: readonly string[], into: References, styles: PageStyles): void {
  for (const css of sheets) new StyleSheet(into, styles).read(css)
  for (const url of styles.fonts.take(styles.names)) into.add(url, 'font')
}

class StyleSheet {
  readonly #into: References
  readonly #names: PageNames | undefined
  readonly #blocks: Block[] = [] // at most MAX_DEPTH
  #kept: CSSToken[] = []
  readonly #fonts: Fonts
  #errors = 0
  #face: OpenFace = {}
  #rule: { families: string[], weight?: number | undefined, isItalic: boolean } = { families: [], isItalic: false }

  constructor (into: References, { names, fonts }: PageStyles) {
    this.#into = into
    this.#names = names
    this.#fonts = fonts
  }

  read (css: string): void {
    const { nextToken, endOfFile } = tokenizer({ css: css.slice(0, MAX_CSS) }, { onParseError: () => { this.#errors++ } })
    for (let count = 0; count < MAX_TOKENS && this.#errors < MAX_ERRORS && !endOfFile(); count++) {
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
  }

  #open (): void {
    const prelude = this.#kept
    this.#kept = []
    const block = this.#blocks.includes('skipped') || this.#blocks.length >= MAX_DEPTH ? 'skipped' : this.#kindOf(prelude)
    if (block === 'font-face') this.#face = {}
    if (block === 'rule') this.#rule = { families: [], isItalic: false }
    this.#blocks.push(block)
    if (this.#blocks.length > 2 * MAX_DEPTH) this.#blocks.pop()
  }

  #close (): void {
    const block = this.#blocks.pop()
    if (block === 'rule') {
      this.#fonts.addRule(this.#rule)
      this.#rule = { families: [], isItalic: false }
    }
    const { family, url, isLatin = true, weights = [400, 400], isItalic = false } = this.#face
    if (block === 'font-face' && family !== undefined && url !== undefined && isLatin) {
      this.#fonts.addFace({ family, url, weights, isItalic })
    }
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
    const text = textOf(tokens.slice(2))
    if (name === 'font-family') this.#face.family = familyOf(text)
    // The tokens of a range do not end where it does.
    if (name === 'unicode-range') this.#face.isLatin = LATIN.test(tokens.slice(2).map(([, text]) => text).join(''))
    if (name === 'font-style') this.#face.isItalic = isItalic(text)
    if (name === 'font-weight') {
      const [from = 400, to = from] = text.split(/\s+/).map(weightOf).filter(weight => weight !== undefined)
      this.#face.weights = [from, to]
    }
    if (name !== 'src') return
    // The last list that holds something readable stands: the ones before it are for old browsers.
    const url = readable(tokens.slice(2))
    const resolved = url === undefined ? undefined : parseUrl(url, this.#into.base)?.href
    if (resolved !== undefined) this.#face.url = resolved
  }

  #declare (name: string, tokens: readonly CSSToken[]): void {
    const text = textOf(tokens.slice(2))
    if (name === 'font-weight') this.#rule.weight = weightOf(text)
    if (name === 'font-style') this.#rule.isItalic ||= isItalic(text)
    if (name === 'font') {
      const size = tokens.findIndex(isSize)
      const before = tokens.slice(2, size < 0 ? undefined : size)
      this.#rule.weight = before.map(([, text]) => weightOf(text)).find(weight => weight !== undefined) ?? this.#rule.weight
      this.#rule.isItalic ||= isItalic(textOf(before))
      this.#use(textOf(tokens.slice(Math.max(1, size, tokens.findLastIndex(isNumeric)) + 1)))
    }
    if (name === 'font-family' || name.startsWith('--')) this.#use(text)
    if (IMAGES.has(name)) {
      // Several of an image-set are one choice.
      if (!/image-set\(/i.test(textOf(tokens))) for (const url of urlsOf(tokens)) this.#into.add(url, 'image')
    }
  }

  /** The rule names these families. */
  #use (list: string): void {
    for (const family of list.split(',', MAX_KEPT)) {
      if (this.#rule.families.length < MAX_KEPT) this.#rule.families.push(familyOf(family))
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

const isNumeric = ([type]: CSSToken): boolean => type === 'number-token' || type === 'dimension-token' || type === 'percentage-token'

/** Before the size in `font` stand style and weight, behind it height and families. */
const isSize = (token: CSSToken): boolean =>
  token[0] === 'ident-token' ? SIZES.test(token[1]) : token[0] !== 'number-token' && isNumeric(token)

/** A copy: a part of the text would keep all of the style sheet. */
const familyOf = (text: string): string => Buffer.from(text.trim().replace(/^["']|["']$/g, '').trim().toLowerCase()).toString()

const isItalic = (text: string): boolean => /\b(?:italic|oblique)\b/i.test(text)

function weightOf (text: string): number | undefined {
  const weight = WEIGHTS[text.trim().toLowerCase()] ?? (/^\s*\d{1,4}(?:\.\d*)?\s*$/.test(text) ? Number(text) : undefined)
  return weight === undefined || weight < 1 || weight > 1_000 ? undefined : weight
}

/** The first file of a face's list that a browser can read. */
function readable (tokens: readonly CSSToken[]): string | undefined {
  const entries: CSSToken[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token[0] === 'function-token') depth++
    if (token[0] === ')-token') depth--
    if (token[0] === 'comma-token' && depth <= 0) entries.push([])
    else entries.at(-1)!.push(token)
  }
  for (const entry of entries) {
    const at = entry.findIndex(token => token[0] === 'function-token' && token[1].toLowerCase() === 'format(')
    const [url] = urlsOf(at < 0 ? entry : entry.slice(0, at))
    const format = at < 0 ? '' : entry[at + 1]?.[1] ?? ''
    if (url !== undefined && !url.startsWith('data:') && !NO_FORMAT.test(format) && (format !== '' || !NO_FONT.test(url))) return url
  }
  return undefined
}

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

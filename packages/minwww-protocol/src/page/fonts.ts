/** Faces, families and weights that are kept for one page. */
const MAX_FACES = 256
const MAX_FAMILIES = 256
const MAX_WEIGHTS = 32
/** Characters of a family's name. */
const MAX_FAMILY = 128
const NORMAL = 400
const BOLD = 700
/** Elements that browsers make bold, and italic. */
const IS_BOLD = ['b', 'strong', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6']
const IS_ITALIC = ['i', 'em', 'cite', 'dfn', 'var', 'address']

/** A `@font-face` whose file browsers can read. */
export interface Face {
  /** Lower case. */
  readonly family: string
  readonly url: string
  /** 1 to 1,000; of a variable font both ends. */
  readonly weights: readonly [from: number, to: number]
  readonly isItalic: boolean
}

/** What a rule says of fonts. */
export interface FontRule {
  readonly families: readonly string[]
  readonly weight?: number | undefined
  readonly isItalic: boolean
}

/**
 * Faces and the rules that use them, over all style sheets of one page: which files a browser will ask for. It asks for the
 * face that is nearest to a weight and style that its text has (CSS Fonts 4, section 5.2).
 */
export class Fonts {
  readonly #faces = new Map<string, Face[]>() // at most MAX_FACES
  /** By family: weights of rules that name it, NaN for those that say none. */
  readonly #uses = new Map<string, Set<number>>() // at most MAX_FAMILIES
  readonly #weights = new Set<number>([NORMAL])
  readonly #told = new Set<string>() // at most MAX_FACES
  #count = 0
  #hasItalic = false

  addFace (face: Face): void {
    if (this.#count >= MAX_FACES || face.family.length > MAX_FAMILY) return
    this.#count++
    const faces = this.#faces.get(face.family)
    if (faces === undefined) this.#faces.set(face.family, [face])
    else faces.push(face)
  }

  addRule ({ families, weight, isItalic }: FontRule): void {
    this.#hasItalic ||= isItalic
    if (families.length === 0 && weight !== undefined && this.#weights.size < MAX_WEIGHTS) this.#weights.add(weight)
    for (const family of families) {
      if (family.length > MAX_FAMILY) continue
      let weights = this.#uses.get(family)
      if (weights === undefined && this.#uses.size < MAX_FAMILIES) this.#uses.set(family, weights = new Set())
      if (weights !== undefined && weights.size < MAX_WEIGHTS) weights.add(weight ?? Number.NaN)
    }
  }

  /**
   * Addresses of the faces that are used as far as sheets and rules are known, each told once.
   * @param names - of the page's elements; undefined where they are not known
   */
  take (names: ReadonlySet<string> | undefined): string[] {
    const has = (elements: readonly string[]): boolean => names === undefined || elements.some(name => names.has(name))
    const general = [...this.#weights, ...has(IS_BOLD) ? [BOLD] : []]
    const hasItalic = this.#hasItalic || has(IS_ITALIC)
    const found: string[] = []
    for (const [family, weights] of this.#uses) {
      const faces = this.#faces.get(family) ?? []
      const asked = new Set([...weights].flatMap(weight => Number.isNaN(weight) ? general : [weight]))
      const upright = faces.some(({ isItalic }) => !isItalic) ? faces.filter(({ isItalic }) => !isItalic) : faces
      const slanted = hasItalic ? faces.filter(({ isItalic }) => isItalic) : []
      const used = [
        ...[...asked].flatMap(weight => nearest(upright, weight)),
        ...[...weights].flatMap(weight => nearest(slanted, Number.isNaN(weight) ? NORMAL : weight))
      ]
      for (const { url } of used) {
        if (this.#told.has(url)) continue
        this.#told.add(url)
        found.push(url)
      }
    }
    return found
  }
}

/** The faces of the weight that a browser takes for another. */
function nearest (faces: readonly Face[], weight: number): Face[] {
  let best = Infinity
  let found: Face[] = []
  for (const face of faces) {
    const distance = distanceOf(face, weight)
    if (distance < best) [best, found] = [distance, [face]]
    else if (distance === best) found.push(face)
  }
  return found
}

/** Least for the face that is taken: above 500 heavier ones come first, below 400 lighter ones, between them up to 500. */
function distanceOf ({ weights: [from, to] }: Face, weight: number): number {
  if (weight >= from && weight <= to) return 0
  const isHeavier = from > weight
  const away = isHeavier ? from - weight : weight - to
  if (weight > 500) return isHeavier ? away : 1_000 + away
  if (weight < NORMAL) return isHeavier ? 1_000 + away : away
  return isHeavier ? (from <= 500 ? away : 2_000 + away) : 1_000 + away
}

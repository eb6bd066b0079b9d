/** Text as it may stand in HTML and SVG, in attributes too. */
export function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

type Attributes = Record<string, string | number>

/** An element; `children` is markup. */
export function el (name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escape(value)}"`)
    .join('')
  return `<${name}${list}>${children.join('')}</${name}>`
}

export function text (x: number, y: number, content: string, attributes: Attributes = {}): string {
  return el('text', { x, y, ...attributes }, escape(content))
}

export function line (x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return el('line', { x1, y1, x2, y2, ...attributes })
}

/** A drawing that scales with the page. `title` is what a screen reader says. */
export function svg (width: number, height: number, title: string, ...children: string[]): string {
  return el('svg', { viewBox: `0 0 ${round(width)} ${round(height)}`, width, height, role: 'img', 'aria-label': title }, ...children)
}

function round (value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** Maps values to places. */
export interface Scale { (value: number): number, ticks: number[] }

const STEPS = [1, 2, 5, 10]

export function linearScale ([low, high]: [number, number], [from, to]: [number, number], count = 5): Scale {
  return Object.assign((value: number) => from + (value - low) / (high - low || 1) * (to - from), { ticks: linearTicks(low, high, count) })
}

function linearTicks (low: number, high: number, count: number): number[] {
  const rough = (high - low || 1) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * (STEPS.find(step => step * power >= rough) ?? 10)
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) => (first + i) * step)
}

/** Ticks at 1, 2 and 5 of every power of ten, the powers alone when that is many, round values when that is few. */
export function logScale ([low, high]: [number, number], [from, to]: [number, number]): Scale {
  const [a, b] = [Math.log(low), Math.log(Math.max(high, low * 1.01))]
  const powers = Array.from({ length: 16 }, (_, i) => 10 ** (i - 3))
  const fine = powers.flatMap(power => [power, 2 * power, 5 * power])
  const within = (values: number[]): number[] => values.filter(value => value >= low * 0.999 && value <= high * 1.001)
  const ticks = within(fine).length > 8 ? within(powers) : within(fine).length > 2 ? within(fine) : linearTicks(low, high, 4)
  return Object.assign((value: number) => from + (Math.log(Math.max(value, low)) - a) / (b - a) * (to - from), { ticks })
}

import { formatSize } from './format.ts'

const list = (value: unknown): string => {
  const items = Array.isArray(value) ? value.map(String) : [String(value)]
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`
}

/** The options that scenarios have, in words. Sizes are in KB, latencies in ms one way. */
const WORDS: Readonly<Record<string, (value: unknown) => string>> = {
  quick: value => value === true ? 'a quick run' : 'a full run',
  seed: value => `seed ${String(value)}`,
  losses: value => `${list(value)} % loss`,
  coldSizes: value => `cold pages of ${list(value)} KB`,
  lossySizes: value => `pages of ${list(value)} KB where there is loss`,
  coldRuns: value => `${String(value)} measurements of each cold point`,
  kinds: value => `${list(value)} routers`,
  runs: value => `${String(value)} measurements of each point`,
  sizes: value => `pages of ${list(value)} KB`,
  latency: value => `${list(value)} ms one way`,
  loss: value => `${list(value)} % loss`,
  latencies: value => `${list(value)} ms one way`,
  clients: value => `${list(value)} clients`,
  base: () => 'beside another checkout',
  hops: value => `tunnels of ${list(value)} ${list(value) === '1' ? 'hop' : 'hops'}`,
  concurrency: value => `${list(value)} pages at the same time`,
  jitter: value => Number(value) === 0 ? 'no jitter' : `${String(value)} ms jitter`,
  bandwidth: value => `${String(value)} bandwidth`,
  warmUp: value => `warmed up: ${String(value)}`,
  connection: value => `connection: ${String(value)}`,
  document: value => `a document of ${formatSize(Number(value))}`,
  objects: value => `${list(value)} objects`,
  browser: value => `Chromium ${String(value)}`,
  routers: value => `${list(value)} routers`,
  tunnels: value => `${String(value)} tunnels each way`,
  designs: value => `designs ${list(value)}`,
  minutes: value => `${String(value)} minutes in each network`,
  urls: value => `addresses ${list(value)}`,
  via: value => `through ${list(value)}`
}

/** One line of words. An option without words of its own stands under its name. */
export function optionsInWords (options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options).filter(([, value]) => value !== undefined)
    .map(([name, value]) => WORDS[name]?.(value) ?? `${spaced(name)}: ${plain(value)}`).join('; ')
}

const spaced = (name: string): string => name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)

/** Lists and what is in them, without brackets and quotes. */
function plain (value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join('; ')
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([name, inner]) => `${spaced(name)} ${plain(inner)}`).join(', ')
  }
  return String(value)
}

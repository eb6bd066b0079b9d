import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { reproducibleBytes } from '../../../test/testnet/bytes.mjs'
import { pageSize, seededNumbers } from '../measure.ts'
import { contentOf, digestOf } from './site.ts'

export const SITE = 'long.i2p'
/** A browser gives up after this, ms. */
const PATIENCE = 300_000
/** As many connections as browsers open to a proxy's site. */
const CONNECTIONS = 6
/** Pages that may be kept, and are asked for again and again. */
const KEPT_PAGES = 400
const KB = 1_024

/** A request, and what must come of it. `expected` undefined: the browser goes away on its own. */
interface Wish {
  kind: string,
  url: string,
  size: number,
  method?: 'GET'
  | 'POST',
  body?: Buffer,
  abortAfter?: number,
  status: number,
  expected?: Buffer | undefined
}

/** How one request ended. `outcome` is 'ok', 'aborted' (by the browser, on purpose), or why it failed. */
export interface PageRecord { kind: string, url: string, size: number, began: number, took: number, received: number, outcome: string }

interface PeopleOptions {
  proxy: string
  users: number
  /** Requests a second of all. */
  rate: number
  seed: number
  /** A site behind a tunnel that is not ours: its name. */
  foreign?: string | undefined
  /** Nobody asks for more. */
  signal: AbortSignal
  /** Who still waits goes away. */
  hurry: AbortSignal
  onPage: (page: PageRecord) => void
}

/** Browses until the signal; resolves when the last page has come or is given up. */
export async function browse (options: PeopleOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.users }, async (_, user) => await person(options, user)))
}

async function person ({ proxy, users, rate, seed, foreign, signal, hurry, onPage }: PeopleOptions, user: number): Promise<void> {
  const random = seededNumbers(seed * 1_000 + user)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const rest = async (ms: number): Promise<void> => { await sleep(ms, undefined, { signal }).catch(() => {}) }
  const ask = async (): Promise<void> => onPage(await fetchWish({ proxy, agent, hurry }, makeWish(random, foreign)))
  await rest(random() * 5_000 / rate)
  while (!signal.aborted) {
    const pictures = Math.floor(random() * 7)
    const began = performance.now()
    await ask()
    await Promise.all(Array.from({ length: pictures }, ask))
    await rest((pictures + 1) * users / rate * 1_000 * (0.5 + random()) - (performance.now() - began))
  }
  agent.destroy()
}

function makeWish (random: () => number, foreign: string | undefined): Wish {
  const kind = random()
  const number = Math.floor(random() * 1e9)
  const get = (name: string, size: number): Wish => ({
    kind: name, url: `http://${SITE}/new/${size}/${number}`, size, status: 200, expected: contentOf(size, number)
  })
  if (kind < 0.03) return get('large', Math.round(200 * KB * 10 ** random()))
  if (kind < 0.06) {
    const body = contentOf(5_000, number)
    return {
      kind: 'post', url: `http://${SITE}/form`, size: body.length, method: 'POST', body, status: 200, expected: Buffer.from(digestOf(body))
    }
  }
  if (kind < 0.08) return { ...get('aborted', Math.round(300 * KB * random())), abortAfter: 1_000 * random() }
  if (kind < 0.10) return { kind: 'missing', url: `http://${SITE}/nothing/${number}`, size: 0, status: 404 }
  if (kind < 0.11) return { kind: 'refused', url: `http://10.0.0.1/${number}`, size: 0, status: 403 }
  if (kind < 0.13 && foreign !== undefined) {
    return {
      kind: 'foreign',
      url: `http://${foreign}/bytes/20000?seed=${number}`,
      size: 20_000,
      status: 200,
      expected: reproducibleBytes(20_000, number)
    }
  }
  if (kind < 0.45) {
    const kept = Math.floor(random() ** 2 * KEPT_PAGES)
    const size = Math.round(500 * 1.012 ** kept)
    return { kind: 'kept', url: `http://${SITE}/kept/${size}/${kept}`, size, status: 200, expected: contentOf(size, kept) }
  }
  return get('page', pageSize(random))
}

interface Browser { proxy: string, agent: Agent, hurry: AbortSignal }

async function fetchWish (browser: Browser, wish: Wish, isRepeat = false): Promise<PageRecord> {
  const { kind, url, size } = wish
  const began = Date.now()
  const before = performance.now()
  const { outcome, received, isStale } = await exchange(browser, wish)
  // The proxy had closed an idle connection: browsers ask again without a word.
  if (isStale && !isRepeat) return await fetchWish(browser, wish, true)
  return { kind, url, size, began, took: Math.round(performance.now() - before), received, outcome }
}

interface End { outcome: string, received: number, isStale: boolean }

async function exchange (
  { proxy, agent, hurry }: Browser, { url, method = 'GET', body, abortAfter, status, expected }: Wish
): Promise<End> {
  const { hostname, port } = new URL(proxy)
  return await new Promise(resolve => {
    const chunks: Buffer[] = []
    let received = 0
    const headers = { host: new URL(url).host, ...(body === undefined ? {} : { 'content-length': body.length }) }
    const outgoing = request({ hostname, port, agent, method, path: url, headers })
    const patience = setTimeout(() => finish('gave up waiting'), PATIENCE)
    const leave = abortAfter === undefined ? undefined : setTimeout(() => finish('aborted'), abortAfter)
    const goAway = (): void => finish('aborted')
    hurry.addEventListener('abort', goAway, { once: true })
    outgoing.on('error', (error: NodeJS.ErrnoException) => finish(`connection ${error.code ?? error.message}`, outgoing.reusedSocket))
    outgoing.on('response', response => {
      response.on('data', (chunk: Buffer) => { chunks.push(chunk); received += chunk.length })
      response.on('error', () => {}).on('close', () => finish(verdictOf(response, Buffer.concat(chunks), status, expected)))
    })
    outgoing.end(body)

    function finish (outcome: string, isStale = false): void {
      clearTimeout(patience)
      clearTimeout(leave)
      hurry.removeEventListener('abort', goAway)
      resolve({ outcome, received, isStale })
      if (outcome !== 'ok') outgoing.destroy()
    }
  })
}

function verdictOf (response: IncomingMessage, body: Buffer, status: number, expected: Buffer | undefined): string {
  const error = response.headers['x-minwww-error']
  if (response.statusCode !== status) return `${response.statusCode} ${String(error ?? 'of the site')}`
  if (!response.complete) return 'broken off'
  return expected === undefined || body.equals(expected) ? 'ok' : 'wrong bytes'
}

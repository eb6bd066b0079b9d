import { percentile } from '../grid/statistics.ts'
import { interleave } from '../measure.ts'
import type { Address } from '../fetch.ts'
import type { Client, Design } from '../worlds/design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { SITE } from '../worlds/site.ts'
import { PAGE_SETS } from './list.ts'
import { fileOfAll, startPageSets } from './server.ts'

const TIMEOUT = 120_000
const SLOWER = 1.05
/** Pages that make a client warm, where not all of them do. */
const WARM_UP = 3
export const DESIGNS: readonly string[] = ['minwww', 'minwww-no-push', 'streaming']

/** What the server says where a page names a file that is not there. */
const NONE = { status: 404, body: Buffer.alloc(0) }

/** A response as a page got it; no `body` where the browser does not hand it out. */
export interface PageResponse { url: string, status: number, body: Buffer | undefined }

export interface PageBrowser {
  /** Opens a page as somebody new, and closes it again. @returns ms to the load event */
  load: (via: Address, page: { url: string, timeout: number, onResponse: (response: PageResponse) => void }) => Promise<number>
  close: () => Promise<void>
}

export interface LoadsOptions {
  browser: PageBrowser
  /** ms one way. */
  latency: number
  /** 0 to 1, of tunnel messages. */
  loss: number
  runs: number
  /** So many pages of the list, spread over it, or those whose names contain one of these. Without it: all. */
  pages?: number | readonly string[]
  /** Each page by a client that is new, too; then a few pages make the others warm, not all. */
  fresh?: boolean
  /** Of `DESIGNS`. */
  designs: readonly string[]
  seed: number
  progress: (text: string) => void
}

/**
 * Loads all pages of the list in a browser, as somebody new each time, over clients that are warm, and compares each body with the
 * file that it should be. The table is in Markdown.
 */
export async function loadAll (base: string, o: LoadsOptions): Promise<string> {
  const { browser, latency, loss, runs, designs, seed, progress } = o
  const world = await openLocalWorld({ network: { seed, latency, loss }, designs, site: async () => await startPageSets(base) })
  const clients = new Map<Design, Client>()
  const pages = chosen(o.pages)
  const times = new Map<string, number[]>()
  const wrong: string[] = []
  let bodies = 0
  let unread = 0
  let loads = 0
  try {
    for (const design of world.designs) clients.set(design, await design.openClient())
    const rounds = Array.from({ length: runs + 1 }, (_, round) => round)
    const visits = rounds.flatMap(round => (round === 0 && o.fresh === true ? pages.slice(0, WARM_UP) : pages)
      .flatMap(page => (round > 0 && o.fresh === true ? [false, true] : [false]).map(isFresh => ({ round, page, isFresh }))))
    const tasks = visits.flatMap(({ round, page, isFresh }) => world.designs.map(design => ({
      round,
      run: async () => {
        const what = `${page} by ${nameOf(design.design, isFresh)}`
        const client = isFresh ? await design.openClient() : clients.get(design)!
        const check = ({ url, status, body }: PageResponse): void => {
          // A browser tells of `data:` too, and a page may name other sites.
          if (!url.startsWith(`http://${SITE}/`)) return
          const file = fileOfAll(base, url) ?? NONE
          // A browser does not hand out every picture of a tab.
          if (body === undefined) unread++
          else bodies++
          if (status !== file.status || (body !== undefined && !body.equals(file.body))) {
            wrong.push(`${what}: ${url} (${status}, ${body?.length ?? 'unread'} bytes)`)
          }
        }
        try {
          const url = `http://${SITE}${page}`
          const load = await browser.load(client.via, { url, timeout: TIMEOUT, onResponse: check })
          // The first round makes them warm.
          if (round > 0) times.set(what, [...times.get(what) ?? [], load])
        } catch (error) {
          wrong.push(`${what}: ${(error as Error).message.split('\n', 1)[0]!}`)
        } finally {
          if (isFresh) await client.close()
        }
      }
    })))
    loads = tasks.length
    await interleave(tasks, { seed, signal: new AbortController().signal, onDone: (done, total) => progress(`${done} of ${total}`) })
  } finally {
    for (const client of clients.values()) await client.close()
    await world.close()
    await browser.close()
  }
  const median = (page: string, design: string): number => percentile(times.get(`${page} by ${design}`) ?? [], 0.5)
  const states = o.fresh === true ? [false, true] : [false]
  const ratios = (to: string, isFresh: boolean): number[] => pages
    .map(page => median(page, nameOf('minwww', isFresh)) / median(page, nameOf(to, isFresh))).filter(Number.isFinite)
  const columns = states.flatMap(isFresh => designs.map(design => nameOf(design, isFresh)))
  const cell = (page: string, column: string): string => {
    const all = (times.get(`${page} by ${column}`) ?? []).map(Math.round)
    return `${Math.round(median(page, column))}${all.length > 1 ? ` (${Math.min(...all)} to ${Math.max(...all)})` : ''}`
  }
  const rows = pages.map(page => [page, ...columns.map(column => cell(page, column))])
  const table = [['page', ...columns.map(column => `${column}, ms`)], ['---', ...columns.map(() => '---')], ...rows]
  const compared = states.map(isFresh => {
    const [toStreams, toPlain] = [ratios('streaming', isFresh), ratios('minwww-no-push', isFresh)]
    const slower = toPlain.filter(each => each > SLOWER).length
    return `${isFresh ? 'Fresh' : 'Warm'}, with pushes, of our streams: median ${percentile(toStreams, 0.5).toFixed(2)}; ` +
      `of no pushes: median ${percentile(toPlain, 0.5).toFixed(2)}, slower by more than 5 %: ${slower} of ${toPlain.length}.`
  })
  return [
    ...table.map(cells => `| ${cells.join(' | ')} |`),
    '',
    `${loads} loads, ${bodies} bodies compared, ${unread} not readable in the browser, ` +
      `${wrong.length} wrong or missing.`,
    ...DESIGNS.every(design => designs.includes(design)) ? compared : [],
    ...wrong.map(each => `- ${each}`)
  ].join('\n')
}

/** Paths of pages of the list, each with its package in front. */
export function chosen (pages?: LoadsOptions['pages']): string[] {
  const all = PAGE_SETS.flatMap(({ package: name, pages }) => pages.map(page => `/${name}/${page}`))
  if (typeof pages === 'object') return all.filter(page => pages.some(part => page.includes(part)))
  const part = Math.min(1, (pages ?? all.length) / all.length)
  return all.filter((_, index) => Math.floor(index * part) > Math.floor((index - 1) * part))
}

const nameOf = (design: string, isFresh: boolean): string => isFresh ? `${design}, fresh` : design

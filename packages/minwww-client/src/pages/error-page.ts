import { brand, ERROR_POLICY, escapeHtml, page } from './html.ts'
import type { ProxyError } from '../http/failures.ts'
import { STATUS_CODES } from 'node:http'

/** Longest detail shown, in characters: details come from the network. */
const MAX_DETAIL = 300

export interface ErrorPageInput {
  error: ProxyError
  /** The browser's Accept field. */
  accept: string | undefined
  /** The address asked for, as text; left out of pages that must not repeat it. */
  url?: string | undefined
  /** Seconds after which the page loads itself again. */
  reload?: number | undefined
  /** The proxy opens sites of I2P only. */
  i2pOnly?: boolean
  /** Epoch ms at which it failed. */
  now?: number
  /** 0..1, shown as a progress bar with the page that waits for the router. */
  progress?: number | undefined
}

export interface RenderedPage { status: number, reason: string, fields: Array<[string, string]>, body: Buffer }

/** One template for every error, as HTML, plain text or JSON, whichever Accept prefers. */
export function renderError (input: ErrorPageInput): RenderedPage {
  const { error } = input
  const format = preferredFormat(input.accept)
  const body = Buffer.from(format === 'html' ? html(input) : format === 'json' ? json(input) : plain(input))
  const retryAfter = error.retryAfter ?? error.kind.retryAfter
  const fields: Array<[string, string]> = [
    ['Content-Type', format === 'html' ? 'text/html; charset=utf-8' : format === 'json' ? 'application/json' : 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['X-MinWWW-Error', error.code],
    ['Content-Security-Policy', ERROR_POLICY],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer']
  ]
  if (retryAfter !== undefined) fields.push(['Retry-After', String(Math.ceil(retryAfter))])
  return { status: error.kind.status, reason: STATUS_CODES[error.kind.status] ?? 'Error', fields, body }
}

/** Plain text for tools that do not ask for HTML, as curl with its "Accept: *\/*". */
export function preferredFormat (accept: string | undefined): 'html' | 'json' | 'text' {
  if (accept === undefined) return 'text'
  const ranges = accept.toLowerCase().split(',').map(part => {
    const [type = '', ...parameters] = part.split(';').map(text => text.trim())
    const q = parameters.find(text => text.startsWith('q='))
    return { type, q: q === undefined ? 1 : Number.parseFloat(q.slice(2)) || 0 }
  })
  const weight = (...types: string[]): number => Math.max(0, ...ranges.filter(range => types.includes(range.type)).map(range => range.q))
  const candidates = [
    ['html', weight('text/html', 'application/xhtml+xml')],
    ['json', weight('application/json', 'application/problem+json')],
    ['text', weight('text/plain')]
  ] as const
  const best = candidates.reduce((a, b) => b[1] > a[1] ? b : a)
  return best[1] > 0 ? best[0] : 'text'
}

const cut = (detail: string | undefined): string | undefined =>
  // Control characters and the like of a foreign text are of no use to the reader.
  // eslint-disable-next-line no-control-regex
  detail?.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ').slice(0, MAX_DETAIL)

/** How long until a repeat is likely to work, in words. @param seconds - of Retry-After */
function waitOf (seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} seconds`
  return seconds < 90 * 60 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`
}

/** Date and minute, as every reader of the log has them. */
const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function html ({ error, url, reload, progress, i2pOnly = false, now = Date.now() }: ErrorPageInput): string {
  const { status, title, what, advice } = error.kind
  const detail = cut(error.detail)
  const head = error.goTo !== undefined
    ? `<meta http-equiv="refresh" content="0;url=${escapeHtml(error.goTo)}">`
    : reload === undefined ? '' : `<meta http-equiv="refresh" content="${Math.ceil(reload)}">`
  const bar = progressBar(progress, reload)
  const wait = waitLine(error, reload, now)
  const isWaiting = progress !== undefined
  const isWorthRepeating = url !== undefined && status >= 500 && status !== 501 && !isWaiting
  const again = isWorthRepeating ? `<p><a class="main" href="${escapeHtml(url)}">Try again</a></p>` : ''
  const facts = [['Address', url], ['Details', detail], ['Cause', error.code], ['Time', utc(now)]]
    .filter((row): row is [string, string] => row[1] !== undefined)
    .map(([name, value]) => `<dt>${name}</dt><dd><code>${escapeHtml(value)}</code></dd>`).join('')
  const links = error.links.length === 0
    ? ''
    : `<ul>${error.links.map(([text, href]) => `<li><a href="${escapeHtml(href)}" rel="noreferrer">${escapeHtml(text)}</a></li>`).join('')}</ul>`
  return page(`${status} ${title}`,
    brand(i2pOnly, '<a href="http://minwww.i2p/">start page</a><a href="http://minwww.i2p/console">console</a>') +
    `<p class="status">${status} ${STATUS_CODES[status] ?? ''}</p><h1>${title}</h1>` +
    `<p>${escapeHtml(what)}</p>${bar}<p>${escapeHtml(advice)}</p>${wait}${again}${links}<dl class="facts">${facts}</dl>`, head)
}

/** Moves without a value where nobody knows how long it takes. */
function progressBar (progress: number | undefined, reload: number | undefined): string {
  if (progress !== undefined) {
    const percent = Math.round(progress * 100)
    return `<p><progress max="100" value="${percent}">${percent} %</progress></p>`
  }
  return reload === undefined ? '' : '<p><progress aria-label="Waiting for an exit"></progress></p>'
}

function waitLine (error: ProxyError, reload: number | undefined, now: number): string {
  if (error.reload !== undefined && reload !== undefined) return `<p>This page asks again by itself in ${waitOf(error.reload)}.</p>`
  if (error.retryAfter === undefined || reload !== undefined) return ''
  return `<p>It may work again in ${waitOf(error.retryAfter)}, at ${utc(now + error.retryAfter * 1000)}.</p>`
}

function plain ({ error, url, now = Date.now() }: ErrorPageInput): string {
  const { status, title, what, advice } = error.kind
  const detail = cut(error.detail)
  return [
    `${status} ${title}`, what, advice,
    ...error.links.map(([text, href]) => `${text}: ${href}`),
    ...(url === undefined ? [] : [`address: ${url}`]),
    ...(detail === undefined ? [] : [`details: ${detail}`]),
    `cause: ${error.code}`,
    `time: ${utc(now)}`
  ].join('\n') + '\n'
}

function json ({ error, url, now = Date.now() }: ErrorPageInput): string {
  const { status, title, what, advice } = error.kind
  return JSON.stringify({
    status,
    error: error.code,
    title,
    what,
    advice,
    detail: cut(error.detail),
    url,
    time: new Date(now).toISOString(),
    links: error.links.length === 0 ? undefined : error.links.map(([text, href]) => ({ text, href }))
  }) + '\n'
}

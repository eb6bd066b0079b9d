import { readAsset } from '@minwww/ground/node'
import { canonicalAccept } from '../http/request-fields.ts'
import { valueOf, type Fields } from '../http/fields.ts'
import type { SanitizeOptions } from '../http/request-fields.ts'
import type { PoolHealth } from '../sessions/pool-health.ts'
import { brand, escapeHtml, page } from './html.ts'

/** As the console shows it: the beginning and the end are enough to know an exit again. */
const short = (id: string): string => id.length > 28 ? `${id.slice(0, 12)}…${id.slice(-9)}` : id

/** The same path from src/pages and from dist/pages: the browser's files are not compiled. */
export const didItWorkScript = (): Buffer => readAsset(new URL('../../src/pages/assets/did-it-work.js', import.meta.url))

export interface DidItWork {
  /** It was asked for as http://minwww.i2p/, which nobody but the proxy answers. */
  throughProxy: boolean
  ready: boolean
  /** Nothing ever goes to an exit. */
  i2pOnly: boolean
  state: string
  health: PoolHealth
  exits: ReadonlyArray<{ id: string, state: string, last: boolean }>
  /** As the browser sent them. */
  fields: Fields
  sanitize: SanitizeOptions
}

/** The same for a program. */
export function didItWorkText ({ throughProxy, ready, i2pOnly, state, health, exits }: DidItWork): string {
  return (
    [
      throughProxy
        ? 'This came through the proxy.'
        : 'This did not come through the proxy: ask for http://minwww.i2p/did-it-work through it.',
      ready ? (i2pOnly ? 'I2P only: nothing is ever sent to an exit.' : health.text) : `The router is not ready yet (${state}).`,
      ...exits.map(({ id, state, last }) => `exit ${id}: ${state}${last ? ', brought the last page' : ''}`)
    ]
      .filter(line => line !== '')
      .join('\n') + '\n'
  )
}

/** Tells whether the browser is set, which exit there is, and what the browser says of itself and the sites get. */
export function didItWorkPage (o: DidItWork): string {
  const { throughProxy, ready, i2pOnly, state, health, exits } = o
  const isWhole = throughProxy && ready && (i2pOnly || health.working > 0)
  const title = !throughProxy ? 'Not through the proxy' : isWhole ? 'It works' : 'The proxy is reached'
  const verdict = throughProxy
    ? '<p class="good">This page came through the proxy: your browser is set.</p>'
    : `<p class="bad">This page did not come through the proxy: it was opened under the proxy's own address. Set the browser as
<a href="/">the start page</a> says, then open <a href="http://minwww.i2p/did-it-work">http://minwww.i2p/did-it-work</a>.</p>`
  const way = !ready
    ? `<p class="bad">The router is not ready yet (${escapeHtml(state)}).</p>`
    : health.text === '' || i2pOnly ? '' : `<p class="bad">${escapeHtml(health.text)}</p>`
  const rows = exits.slice(0, 8).map(({ id, state, last }) =>
    `<dt><code title="${escapeHtml(id)}">${escapeHtml(short(id))}</code></dt><dd>${escapeHtml(state)}${last ? ', brought the last page' : ''}</dd>`)
  const more = exits.length > rows.length ? `<p>${exits.length - rows.length} more are on the <a href="/console">console</a>.</p>` : ''
  return page('Did it work?', `${brand(i2pOnly, '<a href="/">start page</a><a href="/console">console</a>')}
<h1>${title}</h1>
${verdict}${way}
<h2>Exits in use</h2>
${rows.length === 0 ? `<p>None${i2pOnly ? ': this proxy opens sites of I2P only, and nothing is ever sent to an exit' : ''}.</p>` : `<dl class="facts">${rows.join('')}</dl>${more}`}
<h2>What your browser says, and what sites get</h2>
<div class="wide"><table><thead><tr><th scope="col">Field</th><th scope="col">Your browser</th><th scope="col">Sites over http</th></tr></thead><tbody>
${fieldRows(o)}</tbody></table></div>
<p>Over https the browser talks to the site itself. The proxy sees and changes nothing, and sites get the second column.</p>
<h2>What scripts see</h2>
<p>No proxy can change this. Sites read it with JavaScript.</p>
<dl id="script" class="facts"><dt>Scripts</dt><dd>Off: sites see none of this either.</dd></dl>`,
  '<script src="/did-it-work.js" defer></script>')
}

function fieldRows ({ fields, sanitize }: DidItWork): string {
  const sent = (name: string): string => valueOf(fields, name.toLowerCase()) ?? 'nothing'
  const language = sanitize.acceptLanguage === 'browser' ? sent('accept-language') : sanitize.acceptLanguage
  const known: Array<[name: string, site: string]> = [
    ['User-Agent', sanitize.userAgent],
    ['Accept-Language', language],
    ['Accept', canonicalAccept(valueOf(fields, 'accept'))]
  ]
  const told = fields.filter(([name]) => /^(?:sec-ch-|dnt$|sec-gpc$)/i.test(name)).map(([name]): [string, string] => [name, 'nothing'])
  return [...known, ...told]
    .map(([name, site]) => [name, sent(name), site === '' ? 'nothing' : site].map(text => escapeHtml(text)))
    .map(
      ([name, mine, site]) =>
        `<tr><th scope="row">${name}</th><td data-name="Your browser">${mine}</td><td data-name="Sites over http">${site}</td></tr>`
    )
    .join('\n')
}

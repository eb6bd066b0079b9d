import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Destination } from '@minwww/i2cp/codec'
import { ProxyError } from '../http/failures.ts'
import { proofOf } from '../http/proof.ts'
import { brand, escapeHtml, page } from './html.ts'
import type { Known } from '../route/address-helper.ts'
import type { NameService } from '../route/names.ts'
import { checkNonce, PAGE_NONCE } from './nonce.ts'
import { classifyHost } from '../http/target.ts'

interface Proposal { name: string, destination: Destination, path: string, from: string | undefined }

export interface NamePages {
  names: NameService
  i2pOnly: boolean
  /** Who knows a name already, asked on behalf of the user who looks at the page. */
  known: (request: FastifyRequest, name: string) => Promise<Known>
  /** @throws ProxyError MINWWW_FORBIDDEN where the user may not change what all users share */
  mayChange: (request: FastifyRequest) => void
}

/** The pages on which the user decides about a name that a link brought. */
export function addNamePages (app: FastifyInstance, { names, i2pOnly, known, mayChange }: NamePages): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  app.get('/names/confirm', async (request, reply) => {
    const proposal = read(request.query)
    return await reply.type('text/html; charset=utf-8').send(confirmPage(proposal, await known(request, proposal.name), i2pOnly))
  })
  app.post('/names', async (request, reply) => {
    checkNonce((request.body as { nonce?: unknown } | undefined)?.nonce)
    mayChange(request)
    const { name, destination, path } = read(request.body)
    await names.add(name, destination)
    return await reply.type('text/html; charset=utf-8').send(savedPage(name, path, i2pOnly))
  })
}

/** @throws ProxyError MINWWW_BAD_REQUEST, MINWWW_BAD_HOST */
function read (input: unknown): Proposal {
  const { name, destination, path = '/', from, proof } = (input ?? {}) as Record<string, unknown>
  if (typeof name !== 'string' || typeof destination !== 'string' || typeof path !== 'string') throw new ProxyError('MINWWW_BAD_REQUEST')
  const { host, kind } = classifyHost(name)
  if (kind !== 'i2p-name') throw new ProxyError('MINWWW_BAD_HOST', name.slice(0, 100))
  const isSeen = typeof from === 'string' && proof === proofOf(host, from)
  try {
    return {
      name: host,
      destination: Destination.fromBase64(destination),
      path: /^\/[\x21-\x7e]*$/.test(path) ? path : '/',
      from: isSeen ? from : undefined
    }
  } catch (error) {
    throw new ProxyError('MINWWW_BAD_HOST', 'not a Destination', { cause: error })
  }
}

/** Where there is a conflict the safe way is the first one, and says what it does. */
function confirmPage (proposal: Proposal, known: Known, i2pOnly: boolean): string {
  const { name, destination, path, from } = proposal
  const isKnown = 'destination' in known && known.destination.equals(destination)
  const isConflict = known.by !== 'nobody' && !isKnown
  const site = escapeHtml(name)
  const once = `<a href="http://${destination.b32}${escapeHtml(path)}" rel="noreferrer">Open what the link brought, without remembering the name</a>`
  const facts = [
    ['Name', site],
    ['Linked from', from === undefined ? 'not known' : escapeHtml(from)],
    ['Brought', destination.b32],
    ...('destination' in known && isConflict ? [[KNOWN_BY[known.by], known.destination.b32]] : [])
  ].map(([title, value]) => `<dt>${title}</dt><dd><code>${value}</code></dd>`).join('')
  const choices = isConflict
    ? `<p><a class="main" href="http://${site}/">Keep ${site} as it is</a></p>
<p>${once}</p>${form(proposal, `Replace ${site} for good`, '')}`
    : `${form(proposal, 'Remember and go on', 'main')}<p>${once}</p>`
  return page(`Name ${name}`, `${brand(i2pOnly, '<a href="/">start page</a><a href="/console">console</a>')}
<h1>${isConflict ? `${site} is another site already` : `Remember ${site}?`}</h1>
<p>A link brought this Destination for the name. Anybody can write such a link: keep the name only if you trust where the link was.</p>
${isConflict ? `<p><strong>${KNOWN_WORDS[known.by]}</strong> If you replace it, ${site} will be another site from then on.</p>` : ''}
<dl class="facts">${facts}</dl>
${choices}<p><a href="http://minwww.i2p/">Cancel</a></p>`)
}

const KNOWN_BY: Readonly<Record<Known['by'], string>> = {
  proxy: 'Your hosts file',
  router: 'Your router',
  exit: 'Your exits',
  nobody: 'Nobody'
}

const KNOWN_WORDS: Readonly<Record<Known['by'], string>> = {
  proxy: 'This proxy knows another Destination under this name.',
  router: 'Your router knows another Destination under this name.',
  exit: 'Your exits serve a site under this name.',
  nobody: ''
}

function form ({ name, destination, path }: Proposal, text: string, style: string): string {
  const hidden = Object.entries({ name, destination: destination.base64, path, nonce: PAGE_NONCE })
    .map(([field, value]) => `<input type="hidden" name="${field}" value="${escapeHtml(value)}">`).join('')
  return `<form method="post" action="/names">${hidden}<button${style === '' ? '' : ` class="${style}"`} type="submit">${text}</button></form>
`
}

const savedPage = (name: string, path: string, i2pOnly: boolean): string => page(`Name ${name}`, `${brand(i2pOnly, '')}
<h1>${escapeHtml(name)} is known now</h1><p><a href="http://${name}${escapeHtml(path)}">Go on</a></p>`,
`<meta http-equiv="refresh" content="1;url=http://${name}${escapeHtml(path)}">`)

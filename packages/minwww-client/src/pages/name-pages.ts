import type { FastifyInstance } from 'fastify'
import { Destination } from '@minwww/i2cp/codec'
import { ProxyError } from '../http/failures.ts'
import { escapeHtml, page } from './html.ts'
import type { NameService } from '../route/names.ts'
import { checkNonce, PAGE_NONCE } from './nonce.ts'
import { classifyHost } from '../http/target.ts'

interface Proposal { name: string, destination: Destination, path: string }

/** The pages on which the user decides about a name that a link brought. */
export function addNamePages (app: FastifyInstance, names: NameService): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  app.get('/names/confirm', async (request, reply) => {
    const proposal = read(request.query)
    return await reply.type('text/html; charset=utf-8').send(confirmPage(proposal, names.ownEntry(proposal.name)))
  })
  app.post('/names', async (request, reply) => {
    checkNonce((request.body as { nonce?: unknown } | undefined)?.nonce)
    const { name, destination, path } = read(request.body)
    await names.add(name, destination)
    return await reply.type('text/html; charset=utf-8').send(savedPage(name, path))
  })
}

/** @throws ProxyError MINWWW_BAD_REQUEST, MINWWW_BAD_HOST */
function read (input: unknown): Proposal {
  const { name, destination, path = '/' } = (input ?? {}) as Record<string, unknown>
  if (typeof name !== 'string' || typeof destination !== 'string' || typeof path !== 'string') throw new ProxyError('MINWWW_BAD_REQUEST')
  const { host, kind } = classifyHost(name)
  if (kind !== 'i2p-name') throw new ProxyError('MINWWW_BAD_HOST', name.slice(0, 100))
  try {
    return { name: host, destination: Destination.fromBase64(destination), path: /^\/[\x21-\x7e]*$/.test(path) ? path : '/' }
  } catch (error) {
    throw new ProxyError('MINWWW_BAD_HOST', 'not a Destination', { cause: error })
  }
}

function confirmPage ({ name, destination, path }: Proposal, known: Destination | undefined): string {
  const isKnown = known?.equals(destination) === true
  const isConflict = known !== undefined && !isKnown
  const hidden = Object.entries({ name, destination: destination.base64, path, nonce: PAGE_NONCE })
    .map(([field, value]) => `<input type="hidden" name="${field}" value="${escapeHtml(value)}">`).join('')
  return page(`Name ${name}`, `<p class="brand"><span>MinWWW proxy</span><a href="/">start page</a><a href="/console">console</a></p>
<h1>${isConflict ? 'Replace the Destination of' : 'Remember'} ${escapeHtml(name)}?</h1>
<p>A link brought this Destination for the name. Anybody can write such a link: keep the name only if you trust where the link was.</p>
${isConflict ? `<p><strong>This proxy knows another Destination under this name.</strong> If you replace it, ${escapeHtml(name)} will be another site from then on.</p>` : ''}
<dl class="facts"><dt>Name</dt><dd><code>${escapeHtml(name)}</code></dd><dt>Brought</dt><dd><code>${destination.b32}</code></dd>
${isConflict ? `<dt>Known</dt><dd><code>${known.b32}</code></dd>` : ''}</dl>
<form method="post" action="/names">${hidden}<button class="main" type="submit">${isConflict ? 'Replace' : 'Remember'} and go on</button></form>
<p><a href="http://${destination.b32}${escapeHtml(path)}" rel="noreferrer">Go on without remembering the name</a></p>`)
}

const savedPage = (name: string, path: string): string => page(`Name ${name}`, `<p class="brand"><span>MinWWW proxy</span></p>
<h1>${escapeHtml(name)} is known now</h1><p><a href="http://${name}${escapeHtml(path)}">Go on</a></p>`,
`<meta http-equiv="refresh" content="1;url=http://${name}${escapeHtml(path)}">`)

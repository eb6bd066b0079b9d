import type { Destination } from '@minwww/i2cp'
import { Destination as DestinationClass } from '@minwww/i2cp/codec'
import type { Answer } from '../http/answer.ts'
import type { Backend } from '../sessions/backend.ts'
import { ProxyError } from '../http/failures.ts'
import { proofOf } from '../http/proof.ts'
import type { NameLookup, NameService } from './names.ts'
import { LOCAL_HOST, withPath, type Target } from '../http/target.ts'

const PARAMETER = /^i2paddresshelper=/i

/** The query without the helper, and the helper's value; undefined where there is none. */
export function takeHelper (target: Target): { path: string, helper: string } | undefined {
  const at = target.path.indexOf('?')
  if (at < 0) return undefined
  const parameters = target.path.slice(at + 1).split('&')
  const found = parameters.find(parameter => PARAMETER.test(parameter))
  if (found === undefined) return undefined
  const rest = parameters.filter(parameter => !PARAMETER.test(parameter)).join('&')
  let helper = found.slice(found.indexOf('=') + 1)
  try { helper = decodeURIComponent(helper) } catch { /* the raw text is judged below */ }
  return { path: target.path.slice(0, at) + (rest === '' ? '' : `?${rest}`), helper }
}

/** Who knows a name already, and what it means to them: an exit serves it under a Destination that only the exit knows. */
export type Known = { by: 'proxy' | 'router', destination: Destination } | { by: 'exit' } | { by: 'nobody' }

/**
 * What a name means to everybody who is asked for it when a page is fetched: this proxy's hosts file, the router, the exits.
 * @param servedByExit - asks the exits; it is called last, and for names that nobody else knows
 */
export async function whoKnows (
  name: string,
  names: NameService,
  via: NameLookup | undefined,
  servedByExit: (name: string) => Promise<boolean>
): Promise<Known> {
  const own = names.ownEntry(name)
  if (own !== undefined) return { by: 'proxy', destination: own }
  const destination = via === undefined ? undefined : await names.resolve(name, via)
  if (destination !== undefined) return { by: 'router', destination }
  return (await servedByExit(name)) ? { by: 'exit' } : { by: 'nobody' }
}

/**
 * What to do with a link that brings a Destination for its host: nothing new leads on without the parameter; a new name or
 * another Destination is never used before the user has said so on the proxy's own page, which no site can read or press.
 * @param from - host of the page that had the link, from its Referer
 * @returns undefined for a link without helper
 * @throws ProxyError MINWWW_NEW_NAME, MINWWW_NAME_CONFLICT, MINWWW_BAD_HOST
 */
export async function followHelper (
  target: Target,
  names: NameService,
  backend: Backend,
  from: string | undefined,
  servedByExit: (name: string) => Promise<boolean>
): Promise<Answer | undefined> {
  const taken = takeHelper(target)
  if (taken === undefined || target.kind === 'web') return undefined
  const plain = withPath(target, taken.path)
  if (target.kind !== 'i2p-name') return redirect(plain.url)
  const destination = await readHelper(taken.helper, names, backend)
  const known = await whoKnows(target.host, names, backend, servedByExit)
  if ('destination' in known && known.destination.equals(destination)) return redirect(plain.url)
  const query = new URLSearchParams({
    name: target.host,
    destination: destination.base64,
    path: taken.path,
    ...(from === undefined ? {} : { from, proof: proofOf(target.host, from) })
  })
  const page = `http://${LOCAL_HOST}/names/confirm?${query.toString()}`
  throw new ProxyError(known.by === 'nobody' ? 'MINWWW_NEW_NAME' : 'MINWWW_NAME_CONFLICT', `${target.host} = ${destination.b32}`, {
    links: [['Look at it and decide', page]],
    goTo: page
  })
}

/** A base64 Destination, or a b32 that is looked up. @throws ProxyError MINWWW_BAD_HOST, MINWWW_NAME_NOT_RESOLVED */
export async function readHelper (helper: string, names: NameService, backend: Backend): Promise<Destination> {
  if (/^[a-z2-7]{52}\.b32\.i2p$/i.test(helper)) {
    const destination = await names.resolve(helper.toLowerCase(), backend)
    if (destination === undefined) throw new ProxyError('MINWWW_NAME_NOT_RESOLVED', helper)
    return destination
  }
  try {
    return DestinationClass.fromBase64(helper)
  } catch (error) {
    throw new ProxyError('MINWWW_BAD_HOST', 'the address helper is not a Destination', { cause: error })
  }
}

const redirect = (url: string): Answer => ({
  status: 302,
  reason: 'Found',
  fields: [['Location', url], ['Cache-Control', 'no-store']],
  body: Buffer.alloc(0),
  path: 'cache'
})

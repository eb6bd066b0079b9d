import { ServerError } from '../errors.ts'
import { parseUrl } from '@minwww/protocol'
import { defaultPort, plainHost, type RequestTarget } from './target.ts'
import type { Field, Visitor } from './http-types.ts'

/** A named web site that the exit serves from an HTTPD that its operator trusts. */
export interface Site {
  /** The name that requests use, and the Host that the HTTPD sees. */
  name: string
  /** The HTTPD; the one origin that the address guard does not look at. */
  endpoint: { scheme: 'http' | 'https', host: string, port: number }
  /** Path before every request's path, without a slash at its end. */
  base: string
  /** What the HTTPD sees as Host; undefined for that of the request. */
  host: string | undefined
}

/**
 * `host` or `host:port` to the URL of an HTTPD. `*` is every host that is not in the table, and passes Host on as it is unless
 * `host` says otherwise: what a site's own Destination needs, which people ask for under names of their own.
 */
export type SiteTable = Record<string, string | { url: string, host?: string }>

/** The name of the site that is every host. */
const ANY = '*'

/**
 * Finds the site that a request is for. The exit's own b32 address is a name of its first site.
 */
export class Sites {
  readonly #byName = new Map<string, Site>()
  readonly #any: Site | undefined

  /** @throws ServerError MINWWW_EXIT_BAD_OPTION */
  constructor (table: SiteTable, ownNames: readonly string[] = []) {
    for (const [name, url] of Object.entries(table)) {
      const site = typeof url === 'string' ? readSite(name, url) : readSite(name, url.url, url.host)
      if (site.name === ANY) this.#any = site
      else this.#byName.set(site.name, site)
    }
    const first = [...this.#byName.values()][0] ?? this.#any
    if (first === undefined) return
    for (const name of ownNames) {
      if (!this.#byName.has(name)) this.#byName.set(name, first)
    }
  }

  get names (): string[] {
    return [...this.#byName.keys(), ...(this.#any === undefined ? [] : [ANY])]
  }

  find (target: RequestTarget): Site | undefined {
    return target.scheme === 'http' ? this.at(target.host, target.port) ?? this.#any : undefined
  }

  /** The site that has this name. */
  at (host: string, port: number): Site | undefined {
    return this.#byName.get(`${host}:${port}`) ?? (port === 80 ? this.#byName.get(host) : undefined)
  }
}

/** The fields by which I2P web sites know their visitor, in I2PTunnel's spelling. */
export function visitorFields (visitor: Visitor): Field[] {
  return [
    ['X-I2P-DestHash', i2pBase64(visitor.hash)],
    ['X-I2P-DestB32', visitor.b32],
    ['X-I2P-DestB64', visitor.base64]
  ]
}

/** Base64 with the alphabet of I2P: `-` and `~`. */
export function i2pBase64 (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}

const NAME = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?(:\d{1,5})?$/

function readSite (name: string, url: string, host?: string): Site {
  const lower = plainHost(name)
  if ((lower !== ANY && !NAME.test(lower)) || (host !== undefined && !NAME.test(plainHost(host))) || lower.length > 255) {
    const example = 'write NAME=URL, for example demo.i2p=http://127.0.0.1:8080'
    throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${name}' is not a host name: ${example}`)
  }
  const parsed = parseUrl(url)
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '' || parsed.username !== '') {
    throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${url}' is not the URL of an HTTPD: write http://127.0.0.1:8080`)
  }
  const scheme = parsed.protocol === 'http:' ? 'http' : 'https'
  const port = parsed.port === '' ? defaultPort(scheme) : Number(parsed.port)
  return {
    name: lower.replace(/:80$/, ''),
    host: host ?? (lower === ANY ? undefined : lower.replace(/:80$/, '')),
    endpoint: { scheme, host: plainHost(parsed.hostname), port },
    base: parsed.pathname.replace(/\/+$/, '')
  }
}

import type { ExitProfile, Filter } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import { overridingMethods, valuesOf } from '../fetch/fields.ts'
import type { HttpRequest, Visitor } from '../fetch/http-types.ts'
import type { ReplyHead } from '../fetch/reply-head.ts'
import type { Site } from '../fetch/sites.ts'
import type { RequestTarget } from '../fetch/target.ts'
import { DestinationList } from './destination-list.ts'
import { HostList } from './host-list.ts'
import { depthOf, readPath } from './path-rules.ts'
import { readEntries } from './list-file.ts'

/** What may be asked of one own site below a path. The longest matching path decides. */
export interface PathRule {
  /** Begins with `/`; matches whole segments. */
  path: string
  /** False: nothing. A list: those methods. */
  methods: readonly string[] | false
}

export interface PolicyOptions {
  /** False serves own sites only. Default true. */
  web?: boolean
  /**
   * Methods for the web and, where a site has no rule, for own sites; CONNECT among them. Default: all but TRACE, which
   * shows a page what its browser hides from it. GET and HEAD alone make the exit of the MinWWW note.
   */
  methods?: readonly string[]
  /** Default http and https. */
  schemes?: ReadonlyArray<'http' | 'https'>
  /** If any is given, only these hosts (and what is below them) are fetched; see HostList. */
  allowHosts?: readonly string[]
  denyHosts?: readonly string[]
  allowHostsFile?: string
  denyHostsFile?: string
  /** If any is given, only these Destinations are served: b32 or base64. */
  allowDestinations?: readonly string[]
  denyDestinations?: readonly string[]
  allowDestinationsFile?: string
  denyDestinationsFile?: string
  /** Media types of responses that are refused, `video/*` or `application/zip`. */
  denyContentTypes?: readonly string[]
  /** Bytes of a response, on streams too; 0 is unlimited. Default 0. */
  maxResponse?: number
  /** Bytes of a request's body; 0 is unlimited. Default 0. */
  maxRequest?: number
  /** Rules of own sites, by name. */
  sitePaths?: Record<string, readonly PathRule[]>
}

/** Refused unless they are asked for by name. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['TRACE', 'TRACK'])
/** Special-use names that lead inside or nowhere (RFC 6761, 6762, 7686, 8375, ICANN's .internal). */
const SPECIAL_SUFFIXES = new HostList(['i2p', 'onion', 'local', 'internal', 'home.arpa', 'intranet', 'lan', 'invalid'])

interface Lists {
  allowHosts: HostList
  denyHosts: HostList
  allowDestinations: DestinationList
  denyDestinations: DestinationList
}

/** What the operator wants to be asked for, before any connection. The address guard comes after it, for every address. */
export class Policy {
  #options: PolicyOptions
  #methods: ReadonlySet<string> | undefined
  #lists: Lists

  private constructor (options: PolicyOptions, lists: Lists) {
    this.#options = options
    this.#methods = methodsOf(options)
    this.#lists = lists
  }

  /** @throws ServerError MINWWW_EXIT_BAD_OPTION if a list cannot be read */
  static async load (options: PolicyOptions = {}): Promise<Policy> {
    return new Policy(options, await readLists(options))
  }

  /** Reads the files again, with other options if they are given. What cannot be read leaves everything as it was, and throws. */
  async reload (options: PolicyOptions = this.#options): Promise<void> {
    this.#lists = await readLists(options)
    this.#options = options
    this.#methods = methodsOf(options)
  }

  /** What it comes to, for those who choose an exit. */
  get summary (): Pick<ExitProfile, 'web' | 'methods' | 'filters' | 'maxResponse' | 'maxRequest'> {
    const { web, allowHosts, allowHostsFile, denyHosts, denyHostsFile, allowDestinations, allowDestinationsFile } = this.#options
    const { denyDestinations, denyDestinationsFile, denyContentTypes } = this.#options
    const filters: Array<[Filter, boolean]> = [
      ['allowed-hosts', isRestricted(allowHosts, allowHostsFile)],
      ['denied-hosts', isRestricted(denyHosts, denyHostsFile)],
      ['allowed-clients', isRestricted(allowDestinations, allowDestinationsFile)],
      ['denied-clients', isRestricted(denyDestinations, denyDestinationsFile)],
      ['denied-types', (denyContentTypes?.length ?? 0) > 0]
    ]
    return {
      web: web !== false,
      methods: [...this.#methods ?? []],
      filters: filters.filter(([, applies]) => applies).map(([name]) => name),
      maxResponse: this.maxResponse,
      maxRequest: this.maxRequest
    }
  }

  get maxResponse (): number { return this.#options.maxResponse ?? 0 }
  get maxRequest (): number { return this.#options.maxRequest ?? 0 }

  /** @throws ServerError MINWWW_EXIT_POLICY */
  checkVisitor (visitor: Visitor): void {
    const { allowDestinations, denyDestinations } = this.#lists
    const isClosed = isRestricted(this.#options.allowDestinations, this.#options.allowDestinationsFile)
    if (denyDestinations.has(visitor) || (isClosed && !allowDestinations.has(visitor))) {
      throw refused('this exit does not serve your Destination')
    }
  }

  /** @throws ServerError MINWWW_EXIT_POLICY */
  checkRequest (request: HttpRequest, target: RequestTarget, site: Site | undefined): void {
    const declared = Number(valuesOf(request.headers, 'content-length')[0] ?? 0)
    const size = request.body instanceof Uint8Array ? request.body.length : declared
    if (this.maxRequest > 0 && size > this.maxRequest) throw refused('the request is larger than this exit takes')
    // Many frameworks take X-HTTP-Method-Override for the method, so it is asked for too.
    for (const method of [request.method, ...overridingMethods(request.headers)]) {
      if (site === undefined) this.#checkWeb(method, target)
      else this.#checkSite(method, target, site)
    }
  }

  /** For CONNECT, and as part of `checkRequest`. @throws ServerError MINWWW_EXIT_POLICY */
  checkHost (host: string): void {
    if (this.#options.web === false || SPECIAL_SUFFIXES.matches(host)) throw refused('this exit does not serve that site')
    const { allowHosts, denyHosts } = this.#lists
    if (denyHosts.matches(host) || (isRestricted(this.#options.allowHosts, this.#options.allowHostsFile) && !allowHosts.matches(host))) {
      throw refused('this exit does not serve that site')
    }
  }

  /** @throws ServerError MINWWW_EXIT_POLICY */
  checkMethod (method: string): void {
    const isAllowed = this.#methods?.has(method) ?? !REFUSED_METHODS.has(method)
    if (!isAllowed) throw refused(`this exit does not pass on ${method}`)
  }

  /** @throws ServerError MINWWW_EXIT_POLICY */
  checkResponse ({ mediaType, length = 0 }: Pick<ReplyHead, 'mediaType' | 'length'>, site: Site | undefined): void {
    const isDenied = site === undefined && this.#options.denyContentTypes?.some(rule => matchesType(rule.toLowerCase(), mediaType)) === true
    if (isDenied) throw refused('this exit does not pass on that kind of content')
    if (this.maxResponse > 0 && length > this.maxResponse) throw refused('the answer is larger than this exit passes on')
  }

  #checkWeb (method: string, target: RequestTarget): void {
    const schemes = this.#options.schemes ?? ['http', 'https']
    if (!schemes.includes(target.scheme)) throw refused(`this exit does not fetch ${target.scheme} addresses`)
    this.checkMethod(method)
    this.checkHost(target.host)
  }

  #checkSite (method: string, target: RequestTarget, site: Site): void {
    const rules = this.#options.sitePaths?.[site.name] ?? []
    if (rules.length === 0) return this.checkMethod(method)
    const path = readPath(target.path)
    if (path === undefined) throw refused('that address can be read in several ways, and parts of the site are closed')
    const matching = rules.map(rule => ({ rule, depth: depthOf(path, rule.path) })).filter(({ depth }) => depth >= 0)
    const { rule } = matching.sort((a, b) => b.depth - a.depth)[0] ?? {}
    if (rule === undefined) return this.checkMethod(method)
    if (rule.methods === false || !rule.methods.includes(method)) throw refused('that part of the site is closed')
  }
}

function methodsOf ({ methods }: PolicyOptions): ReadonlySet<string> | undefined {
  return methods === undefined ? undefined : new Set(methods)
}

// An allow file that is empty allows nothing; it does not open everything.
function isRestricted (inline: readonly string[] | undefined, file: string | undefined): boolean {
  return file !== undefined || (inline !== undefined && inline.length > 0)
}

async function readLists (options: PolicyOptions): Promise<Lists> {
  const [allowHosts, denyHosts, allowDestinations, denyDestinations] = await Promise.all([
    readEntries(options.allowHosts, options.allowHostsFile),
    readEntries(options.denyHosts, options.denyHostsFile),
    readEntries(options.allowDestinations, options.allowDestinationsFile),
    readEntries(options.denyDestinations, options.denyDestinationsFile)
  ])
  return {
    allowHosts: new HostList(allowHosts),
    denyHosts: new HostList(denyHosts),
    allowDestinations: new DestinationList(allowDestinations),
    denyDestinations: new DestinationList(denyDestinations)
  }
}

function matchesType (rule: string, type: string): boolean {
  return rule.endsWith('/*') ? type.startsWith(rule.slice(0, -1)) : rule === type
}

function refused (message: string): ServerError {
  return new ServerError('MINWWW_EXIT_POLICY', message)
}

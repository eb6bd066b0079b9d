import { Agent as HttpAgent } from 'node:http'
import type { AgentOptions, ClientRequestArgs } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { Dialer } from './dialer.ts'
import { I2pError } from './errors.ts'

/** node:http passes one; its types say that it may not. */
type Created = ((error: Error | null, stream: Duplex) => void) | undefined

const HTTP_PORT = 80
const HTTPS_PORT = 443

/** An Agent for node:http, and for everything that takes one: `ws`, axios, got. Hosts that are no I2P addresses fail. */
export class I2pAgent extends HttpAgent {
  readonly #dialer: Dialer

  constructor (dialer: Dialer, options: AgentOptions) {
    super(options)
    this.#dialer = dialer
  }

  /** node:http calls it for each connection that it needs. */
  override createConnection (options: ClientRequestArgs, created: Created): undefined {
    settle(open(this.#dialer, options, HTTP_PORT), created)
  }
}

/** The same for node:https: TLS inside of the stream. */
export class I2pHttpsAgent extends HttpsAgent {
  readonly #dialer: Dialer

  constructor (dialer: Dialer, options: AgentOptions) {
    super(options)
    this.#dialer = dialer
  }

  override createConnection (options: RequestOptions, created: Created): undefined {
    settle(open(this.#dialer, options, HTTPS_PORT).then(socket => connectTls({
      ...options as ConnectionOptions, socket, servername: (options as ConnectionOptions).servername ?? options.host ?? ''
    })), created)
  }
}

async function open (dialer: Dialer, { host, hostname, port }: ClientRequestArgs, defaultPort: number): Promise<Duplex> {
  const name = host ?? hostname
  if (name === null || name === undefined) throw new I2pError('I2P_BAD_ADDRESS')
  return await dialer.open({ host: name, port: Number(port ?? defaultPort) })
}

function settle (opening: Promise<Duplex>, created: Created): void {
  const failed = created as ((error: Error) => void) | undefined
  opening.then(socket => created?.(null, socket), (error: Error) => failed?.(error))
}

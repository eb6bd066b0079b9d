import { Transform, type TransformCallback } from 'node:stream'

/** Longest head of a request that is rewritten, bytes. */
const MAX_HEAD = 65_536
const END = '\r\n\r\n'

/**
 * Gives the request of an HTTP client that thinks it talks to a local address the Host that the site knows, as the option
 * of I2P's HTTP tunnels does: in its first request, which becomes the only one of its connection (`Connection: close`),
 * unless it upgrades to another protocol. Everything behind the head passes as it is.
 */
export class HostHeader extends Transform {
  readonly #host: string
  #head: Buffer | undefined = Buffer.alloc(0)

  constructor (host: string) {
    super()
    this.#host = host
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#head === undefined) return done(null, chunk)
    const head = Buffer.concat([this.#head, chunk])
    const end = head.indexOf(END)
    if (end === -1) {
      this.#head = head
      return head.length > MAX_HEAD ? done(new RangeError(`a head of more than ${MAX_HEAD} bytes`)) : done()
    }
    this.#head = undefined
    this.push(Buffer.from(rewrite(head.toString('latin1', 0, end), this.#host) + END, 'latin1'))
    done(null, head.subarray(end + END.length))
  }

  override _flush (done: TransformCallback): void {
    done(null, this.#head)
  }
}

function rewrite (head: string, host: string): string {
  const [start = '', ...lines] = head.split('\r\n')
  const isUpgrade = lines.some(line => /^upgrade:/i.test(line))
  const dropped = isUpgrade ? /^host:/i : /^(?:host|connection|keep-alive):/i
  return [start, `Host: ${host}`, ...lines.filter(line => !dropped.test(line)), ...(isUpgrade ? [] : ['Connection: close'])].join('\r\n')
}

/** What the tests use of `ws`, which brings no types. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { Agent, Server } from 'node:http'

  export class WebSocket extends EventEmitter {
    constructor (url: string, options?: { agent?: Agent, handshakeTimeout?: number })
    send (data: Uint8Array | string, options?: { binary: boolean }): void
    close (): void
    terminate (): void
    on (event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  }

  export class WebSocketServer extends EventEmitter {
    constructor (options: { server: Server })
    readonly clients: Set<WebSocket>
    on (event: 'connection', listener: (socket: WebSocket) => void): this
  }
}

import type { Socket } from 'node:net'

/** Reads a handshake off a socket and gives the rest back. */
export class SocketReader {
  readonly #socket: Socket
  #buffer = Buffer.alloc(0)
  #error: Error | undefined
  #wake: (() => void) | undefined
  readonly #onData = (chunk: Buffer) => {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    this.#wake?.()
  }

  readonly #onEnd = (error?: Error | boolean) => {
    this.#error ??= error instanceof Error ? error : new Error('the connection ended')
    this.#wake?.()
  }

  constructor (socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#onData).on('error', this.#onEnd).on('end', this.#onEnd).on('close', this.#onEnd)
  }

  async take (length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#more()
    return this.#cut(length)
  }

  /** Up to and including `mark`, within `limit` bytes. */
  async until (mark: string, limit: number): Promise<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(mark)
      if (at !== -1) return this.#cut(at + mark.length)
      if (this.#buffer.length > limit) throw new RangeError('the answer is too long')
      await this.#more()
    }
  }

  /** Bytes that came after the handshake go back to the front of the stream. */
  release (): void {
    const socket = this.#socket
    socket.off('data', this.#onData).off('error', this.#onEnd).off('end', this.#onEnd).off('close', this.#onEnd)
    socket.pause()
    if (this.#buffer.length > 0) socket.unshift(this.#buffer)
  }

  async #more (): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    await new Promise<void>(resolve => { this.#wake = resolve })
    this.#wake = undefined
  }

  #cut (length: number): Buffer {
    const head = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return head
  }
}

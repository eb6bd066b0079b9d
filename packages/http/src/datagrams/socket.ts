import { EventEmitter } from 'node:events'
import { Destination } from '@minwww/i2cp'
import { MAX_WAITING_DATAGRAMS } from '../bounds.ts'
import { I2pError, toI2pError } from '../errors.ts'
import type { DatagramType, Received } from './forms.ts'
import type { DatagramHub } from './hub.ts'

export interface RemoteInfo {
  /** The sender's .b32.i2p name; '' for a raw datagram. Proved by a signature with datagram1 and datagram2 only. */
  readonly address: string
  readonly family: 'I2P'
  readonly port: number
  /** Bytes. */
  readonly size: number
  /** Of a signed datagram. */
  readonly destination?: Destination
}

export interface BindOptions {
  /** I2P port; 0 takes what no other socket takes, undefined any free one. */
  port?: number
}

interface SocketEvents {
  message: [Buffer, RemoteInfo]
  listening: []
  connect: []
  error: [Error]
  close: []
}

type Part = Uint8Array | string
type Sent = (error: Error | null, bytes: number) => void
interface Peer { readonly port: number, readonly address: string | Destination }

/** A socket shaped like node:dgram's. Made by I2p.createSocket(). Datagrams arrive once, or not at all, in any order. */
export class DatagramSocket extends EventEmitter<SocketEvents> {
  readonly type: DatagramType
  readonly #hub: DatagramHub
  /** Datagrams whose Destination is being looked up, by what stops it. */
  readonly #waiting = new Set<AbortController>()
  #port: number | undefined
  #peer: Peer | undefined
  #closed = false
  #stop: (() => void) | undefined

  constructor (type: DatagramType, hub: DatagramHub, signal?: AbortSignal) {
    super()
    this.type = type
    this.#hub = hub
    if (signal !== undefined) this.#closeWith(signal)
  }

  /** Emits 'listening'; throws I2P_PORT_IN_USE, I2P_BUSY, I2P_CLOSED. Without a port any free one is taken. */
  bind (where?: number | BindOptions | (() => void), callback?: () => void): this {
    this.#assertOpen()
    if (this.#port !== undefined) throw new I2pError('I2P_PORT_IN_USE', { detail: 'the socket is bound' })
    const port = typeof where === 'object' ? where.port : typeof where === 'number' ? where : undefined
    const listener = typeof where === 'function' ? where : callback
    if (listener !== undefined) this.once('listening', listener)
    this.#bind(port)
    return this
  }

  /** Where send() sends to without an address, and the only one from whom datagrams come in. */
  connect (port: number, address: string | Destination, callback?: () => void): void {
    this.#assertOpen()
    if (callback !== undefined) this.once('connect', callback)
    this.#peer = { port, address: address instanceof Destination ? address : address.toLowerCase() }
    if (this.#port === undefined) this.#bind(undefined)
    process.nextTick(() => { if (!this.#closed) this.emit('connect') })
  }

  disconnect (): void { this.#peer = undefined }

  send (message: Part | readonly Part[], callback?: Sent): void
  send (message: Part | readonly Part[], port: number, address: string | Destination, callback?: Sent): void
  send (message: Part, offset: number, length: number, callback?: Sent): void
  send (message: Part, offset: number, length: number, port: number, address: string | Destination, callback?: Sent): void
  /** Sends one datagram. Errors go to the callback, or without one to 'error', as in node:dgram. */
  send (message: Part | readonly Part[], ...rest: unknown[]): void {
    this.#assertOpen()
    const callback = typeof rest.at(-1) === 'function' ? rest.pop() as Sent : undefined
    const bytes = bytesOf(message)
    const hasRange = typeof rest[0] === 'number' && typeof rest[1] === 'number'
    const [offset, length] = hasRange ? rest.splice(0, 2) as [number, number] : [0, bytes.length]
    const [port, address] = rest as [number?, (string | Destination)?]
    const peer = port === undefined || address === undefined ? this.#peer : { port, address }
    if (this.#port === undefined) this.#bind(undefined)
    const done = (error: Error | null): void => {
      if (callback !== undefined) callback(error, error === null ? length : 0)
      else if (error !== null && !this.#closed) this.emit('error', error)
    }
    this.#send(bytes.subarray(offset, offset + length), peer).then(() => done(null), (error: Error) => done(error))
  }

  address (): { address: string, family: 'I2P', port: number } {
    if (this.#port === undefined) throw new I2pError('I2P_CLOSED', { detail: 'the socket is not bound' })
    return { address: this.#hub.init.session.destination.b32, family: 'I2P', port: this.#port }
  }

  remoteAddress (): { address: string, family: 'I2P', port: number } {
    if (this.#peer === undefined) throw new I2pError('I2P_CLOSED', { detail: 'the socket is not connected' })
    return { address: nameOf(this.#peer.address), family: 'I2P', port: this.#peer.port }
  }

  close (callback?: () => void): this {
    if (callback !== undefined) this.once('close', callback)
    if (this.#closed) return this
    this.#closed = true
    if (this.#port !== undefined) this.#hub.unbind(this.type, this.#port)
    this.#stop?.()
    for (const waiting of this.#waiting) waiting.abort()
    process.nextTick(() => this.emit('close'))
    return this
  }

  // Of node:dgram, so that code which calls them runs: the session keeps the process, not the socket.
  ref (): this { return this }
  unref (): this { return this }

  async [Symbol.asyncDispose] (): Promise<void> {
    if (!this.#closed) await new Promise<void>(resolve => this.close(() => resolve()))
  }

  /** For the hub. */
  receive ({ payload, address, from }: Received, port: number): void {
    const peer = this.#peer
    if (peer !== undefined && address !== '' && (nameOf(peer.address) !== address || peer.port !== port)) return
    this.emit('message', payload, { address, family: 'I2P', port, size: payload.length, ...(from && { destination: from }) })
  }

  #bind (port: number | undefined): void {
    this.#port = this.#hub.bind(this.type, port, this)
    process.nextTick(() => { if (!this.#closed) this.emit('listening') })
  }

  async #send (bytes: Uint8Array, peer: Peer | undefined): Promise<void> {
    if (peer === undefined) throw new I2pError('I2P_BAD_ADDRESS', { detail: 'neither an address nor a connected socket' })
    const payload = Buffer.from(bytes) // the caller may use its buffer again
    const to = peer.address instanceof Destination ? peer.address : await this.#lookup(peer.address)
    if (this.#closed) throw new I2pError('I2P_CLOSED')
    try {
      this.#hub.send(this.type, to, payload, this.#port ?? 0, peer.port)
    } catch (error) {
      throw toI2pError(error, nameOf(peer.address))
    }
  }

  async #lookup (address: string): Promise<Destination> {
    if (this.#waiting.size >= MAX_WAITING_DATAGRAMS) throw new I2pError('I2P_BUSY', { detail: `${MAX_WAITING_DATAGRAMS} datagrams wait` })
    const controller = new AbortController()
    this.#waiting.add(controller)
    try {
      return await this.#hub.init.dialer.lookup(address, { signal: controller.signal })
    } finally {
      this.#waiting.delete(controller)
    }
  }

  #closeWith (signal: AbortSignal): void {
    const abort = (): void => { this.close() }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#stop = () => signal.removeEventListener('abort', abort)
  }

  #assertOpen (): void {
    if (this.#closed) throw new I2pError('I2P_CLOSED', { detail: 'the socket is closed' })
  }
}

const nameOf = (address: string | Destination): string => typeof address === 'string' ? address : address.b32

function bytesOf (message: Part | readonly Part[]): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof Uint8Array) return message
  return Buffer.concat(message.map(part => typeof part === 'string' ? Buffer.from(part) : part))
}

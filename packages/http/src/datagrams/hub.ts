import { randomInt } from 'node:crypto'
import type { Clock } from '@minwww/ground'
import { I2cpError } from '@minwww/i2cp'
import type { Destination, ReceivedMessage, Session } from '@minwww/i2cp'
import { MAX_DATAGRAM_SOCKETS } from '../bounds.ts'
import type { Dialer } from '../dialer.ts'
import { publish } from '../diagnostics.ts'
import { I2pError } from '../errors.ts'
import type { KnownDestinations } from '../known.ts'
import { FORMS } from './forms.ts'
import type { DatagramType, Received } from './forms.ts'

/** What the hub hands a datagram to. */
export interface Receiver { receive (datagram: Received, port: number): void }

export interface HubInit {
  readonly session: Session
  readonly dialer: Dialer
  readonly known: KnownDestinations
  readonly clock: Clock
}

const MAX_PORT = 65_535
/** Ports for sockets that did not ask for one, as IANA has them for the same purpose. */
const FIRST_DYNAMIC = 49_152

const TYPES = Object.entries(FORMS).map(([type, { protocol }]) => [protocol, type as DatagramType] as const)
const BY_PROTOCOL: ReadonlyMap<number, DatagramType> = new Map(TYPES)

/** Which socket of a session gets which datagram: by form and port, and port 0 what no other takes. */
export class DatagramHub {
  readonly init: HubInit
  readonly #sockets = new Map<string, Receiver>()
  readonly #onMessage = (message: ReceivedMessage): void => this.#receive(message)

  constructor (init: HubInit) {
    this.init = init
    init.session.on('message', this.#onMessage)
  }

  /** A port for a socket; undefined: any free one. Throws I2P_PORT_IN_USE, I2P_BUSY, I2P_BAD_OPTION. */
  bind (type: DatagramType, wanted: number | undefined, socket: Receiver): number {
    if (this.#sockets.size >= MAX_DATAGRAM_SOCKETS) throw new I2pError('I2P_BUSY', { detail: `${MAX_DATAGRAM_SOCKETS} datagram sockets` })
    const port = wanted ?? this.#freePort(type)
    if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) throw new I2pError('I2P_BAD_OPTION', { detail: `port: 0 to ${MAX_PORT}` })
    const key = `${type}/${port}`
    if (this.#sockets.has(key)) throw new I2pError('I2P_PORT_IN_USE', { detail: `${type} port ${port}` })
    this.#sockets.set(key, socket)
    return port
  }

  unbind (type: DatagramType, port: number): void { this.#sockets.delete(`${type}/${port}`) }

  close (): void {
    this.init.session.off('message', this.#onMessage)
    this.#sockets.clear()
  }

  /** Throws I2P errors of the codec and the session. */
  send (type: DatagramType, to: Destination, payload: Uint8Array, fromPort: number, toPort: number): void {
    const { session } = this.init
    const { protocol, encode } = FORMS[type]
    session.send(to, encode(session.keys, to, payload), { protocol, fromPort, toPort })
  }

  #receive ({ protocol, fromPort, toPort, payload }: ReceivedMessage): void {
    const type = BY_PROTOCOL.get(protocol)
    if (type === undefined) return
    const socket = this.#sockets.get(`${type}/${toPort}`) ?? this.#sockets.get(`${type}/0`)
    if (socket === undefined) return publish('i2p:datagram:dropped', { port: toPort, reason: 'no-socket' })
    const { session, known, clock } = this.init
    let datagram: Received
    try {
      datagram = FORMS[type].decode(payload, session.destination, clock.now() + session.clockOffset)
    } catch (error) {
      if (!(error instanceof I2cpError)) throw error
      const reason = error.code === 'I2CP_BAD_SIGNATURE' ? 'signature' : 'malformed'
      return publish('i2p:datagram:dropped', { port: toPort, reason })
    }
    if (datagram.from !== undefined) known.add(datagram.from) // so that an answer needs no look-up
    socket.receive(datagram, fromPort)
  }

  #freePort (type: DatagramType): number {
    for (;;) {
      const port = randomInt(FIRST_DYNAMIC, MAX_PORT + 1) // there are sixteen times as many as sockets
      if (!this.#sockets.has(`${type}/${port}`)) return port
    }
  }
}

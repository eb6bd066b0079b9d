import { parseDatagram2, PROTOCOL } from '@minwww/i2cp/codec'
import { decodeMessage, decodeOpenBody, encodeMessage, paddedLength, peekPrefix, sessionKeys, type ReportMessage } from '@minwww/protocol'
import type { Departure, WorldMessage, WorldNode } from './world.ts'

/** What a REPORT says instead. */
export type Lie = (report: ReportMessage) => Partial<ReportMessage>

/** A client that changes its REPORTs. */
export class Liar implements WorldNode {
  readonly addresses: readonly string[]
  readonly #node: WorldNode
  readonly #lie: Lie
  /** By session, hex. */
  readonly #keys = new Map<string, Buffer>()

  constructor (node: WorldNode, lie: Lie) {
    this.#node = node
    this.#lie = lie
    this.addresses = node.addresses
  }

  receive (now: number, address: string, from: string, message: WorldMessage): void {
    this.#node.receive(now, address, from, message)
  }

  nextTimeout (): number | undefined {
    return this.#node.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.#node.handleTimeout(now)
  }

  pollTransmit (now: number): Departure | undefined {
    const message = this.#node.pollTransmit(now)
    if (message?.protocol === PROTOCOL.DATAGRAM2) this.#learn(message.payload)
    if (message === undefined || peekPrefix(message.payload)?.type !== 'report') return message
    return { ...message, payload: this.#changed(message.payload) }
  }

  #learn (payload: Buffer): void {
    const keys = sessionKeys(decodeOpenBody(parseDatagram2(payload).payload).key)
    this.#keys.set(keys.session.toString('hex'), keys.client)
  }

  #changed (payload: Buffer): Buffer {
    const key = this.#keys.get(peekPrefix(payload)!.session.toString('hex'))
    if (key === undefined) return payload
    const report = decodeMessage(payload, key) as ReportMessage
    return encodeMessage({ ...report, ...this.#lie(report) }, key, paddedLength(0))
  }
}

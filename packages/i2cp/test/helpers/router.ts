import type { Duplex } from 'node:stream'
import {
  decodeMessage, encodeMessage, FrameReader, PROTOCOL_BYTE, SESSION_STATUS, TYPE, verifySessionConfig
} from '@minwww/i2cp/codec'
import type { Bandwidth, Lease, Message } from '@minwww/i2cp/codec'
import { duplexPair } from './duplex-pair.ts'

export const SESSION_ID = 7

/** What a router of Java says. */
export const JAVA_LIMITS: Bandwidth = {
  clientInbound: 1_000,
  clientOutbound: 900,
  routerInbound: 1_000,
  routerInboundBurst: 2_000,
  routerOutbound: 900,
  routerOutboundBurst: 1_900,
  burstTime: 20
}

/** A scripted router: answers the handshake unless `on` handles a message (returns true). */
export class FakeRouter {
  readonly received: Message[] = []
  readonly connections: Duplex[] = []
  on: (message: Message, connection: Duplex) => boolean | undefined = () => undefined
  version = '0.9.64'
  now = () => Date.now()

  connect = (): Duplex => {
    const [client, router] = duplexPair()
    this.connections.push(router)
    const reader = new FrameReader()
    let greeted = false
    router.on('data', (chunk: Buffer) => {
      if (!greeted) {
        if (chunk[0] !== PROTOCOL_BYTE) throw new Error('no protocol byte')
        greeted = true
        chunk = chunk.subarray(1)
      }
      for (const { type, body } of reader.push(chunk)) this.#message(decodeMessage(type, body), router)
    })
    router.on('error', () => {})
    return client
  }

  get last (): Duplex { return this.connections.at(-1)! }

  send (message: Message, connection = this.last): void { connection.write(encodeMessage(message)) }

  of<T extends Message['type']> (type: T): Array<Extract<Message, { type: T }>> {
    return this.received.filter((m): m is Extract<Message, { type: T }> => m.type === type)
  }

  leases (count = 2, lifetime = 600_000): Lease[] {
    return Array.from(
      { length: count }, (_, i) => ({ gateway: Buffer.alloc(32, i + 1), tunnelId: i + 1, end: Math.floor(this.now()) + lifetime })
    )
  }

  #message (message: Message, connection: Duplex): void {
    this.received.push(message)
    if (this.on(message, connection) === true) return
    switch (message.type) {
      case TYPE.GetDate:
        this.send({ type: TYPE.SetDate, date: this.now(), version: this.version }, connection)
        return
      case TYPE.GetBandwidthLimits:
        this.send({ type: TYPE.BandwidthLimits, limits: JAVA_LIMITS }, connection)
        return
      case TYPE.CreateSession:
        if (!verifySessionConfig(message.config)) throw new Error('session configuration does not verify')
        this.send({ type: TYPE.SessionStatus, sessionId: SESSION_ID, status: SESSION_STATUS.CREATED }, connection)
        this.send({ type: TYPE.RequestVariableLeaseSet, sessionId: SESSION_ID, leases: this.leases() }, connection)
        return
      case TYPE.DestroySession: connection.end()
    }
  }
}

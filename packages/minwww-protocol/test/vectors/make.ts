import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { chooseSymbols, copiesFor } from '../../src/choice.ts'
import { decodeObject } from '../../src/coding.ts'
import { DICTIONARY } from '../../src/dictionary.ts'
import { ErasureEncoder } from '../../src/erasure.ts'
import { invert, multiply } from '../../src/field.ts'
import { computeTag, sessionKeys } from '../../src/keys.ts'
import { writeDescriptor } from '../../src/exit-descriptor.ts'
import { encodeMessage, encodeOpenBody } from '../../src/messages.ts'
import type { TaggedMessage } from '../../src/messages.ts'
import { decodeLoss, decodeRate, encodeLoss, encodeRate } from '../../src/rates.ts'
import { addressHash, PUSH_IDS } from '../../src/promises.ts'
import { encodeParity } from '../../src/parity/messages.ts'
import { encodeGroup } from '../../src/parity/symbols.ts'
import { ReplayWindow } from '../../src/replay.ts'
import { messageCapacity, minimumPayload, paddedLength, symbolCapacity } from '../../src/sizes.ts'

/** K of every message here. */
const SECRET = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const ID = 0x01020304
const REQUEST_TEXT = 'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\n\r\n'
const RESPONSE_TEXT = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello'
/** Made once: what a compressor writes differs from version to version, what is read does not. */
const CODED = {
  deflate: '0143f2617166492aa82b8be955980c480300',
  storedBody: '01c2d95bc198bfe3e502000000ffff010400fbff00ff00ff',
  brotli: '028b1880485454502f312e3120323030204f4b0d0a436f6e74656e742d547970653a20746578742f706c61696e0d0a0d0a68656c6c6f03'
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
/** Bytes from a counter: SHA-256 of "minwww vector N". */
const sample = (length: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(length / 32) }, (_, n) => sha256(Buffer.from(`minwww vector ${n}`))), length)

/** Everything that a second implementation can check itself against, bytes as hex. */
export function makeVectors (): object {
  const keys = sessionKeys(SECRET)
  return {
    keys: { secret: hex(SECRET), session: hex(keys.session), client: hex(keys.client), server: hex(keys.server) },
    tag: { key: hex(keys.client), bytes: hex(Buffer.from('minwww')), tag: hex(computeTag(keys.client, Buffer.from('minwww'))) },
    sizes: [1, 2, 4, 8, 16, 32, 61].map(m => ({ m, payload: messageCapacity(m), symbol: symbolCapacity(m), least: minimumPayload(m) })),
    rates: [0, 1, 1_000, 131_072, 131_071, 2_097_152, 1e15].map(
      rate => ({ rate, code: encodeRate(rate), decoded: decodeRate(encodeRate(rate)) })
    ),
    losses: [0, 0.0001, 0.004, 0.0125, 0.12, 0.5].map(loss => ({ loss, code: encodeLoss(loss), decoded: decodeLoss(encodeLoss(loss)) })),
    messages: messages(),
    parity: parity(),
    open: open(),
    descriptor: descriptor(),
    dictionary: { length: DICTIONARY.length, sha256: hex(sha256(DICTIONARY)), base64: DICTIONARY.toString('base64') },
    objects: objects(),
    field: [[2, 0x80], [0x53, 0xca], [0xff, 0xff]].map(([a, b]) => ({ a, b, product: multiply(a!, b!), inverse: invert(a!) })),
    erasure: erasure(),
    choice: choices(),
    copies: [[1, 0], [1, 0.01], [2, 0.01], [1, 0.05], [2, 0.12], [4, 0.12], [8, 0.12]]
      .map(([t, p]) => ({ t, p, copies: copiesFor(t!, p!) })),
    window: window()
  }
}

function messages (): object {
  const keys = sessionKeys(SECRET)
  const prefix = { attempt: 0, flags: 0, session: keys.session, id: ID }
  const object = Buffer.concat([Buffer.of(0), Buffer.from(REQUEST_TEXT)])
  const response = Buffer.concat([Buffer.of(0), Buffer.from(RESPONSE_TEXT)])
  const path = { loss: 4, rate: 72, shape: 8 }
  const digest = addressHash('http://site.i2p/seen.css')
  const reply = { type: 'reply', ...prefix, index: 0, last: 0, pace: 72, time: 65_244 } as const
  const said: Record<string, { message: TaggedMessage, padTo?: number }> = {
    request: { message: { type: 'request', ...prefix, ...path, max: 72, object } },
    paddedRequest: { message: { type: 'request', ...prefix, attempt: 1, flags: 2, ...path, max: 72, object }, padTo: paddedLength(0) },
    probe: { message: { type: 'request', ...prefix, ...path, max: 72, object: Buffer.alloc(0) } },
    want: { message: { type: 'want', ...prefix, attempt: 1, ...path, from: 5, count: 3 } },
    report: { message: { type: 'report', ...prefix, ...path, id: 7, time: 0xfedc, queue: 120, received: 4096 } },
    cancel: { message: { type: 'cancel', ...prefix, attempt: 1 } },
    body: { message: { type: 'body', ...prefix, size: 40, index: 1, last: 3, pace: 72, time: 4_660, symbol: sample(16) } },
    reply: { message: { ...reply, part: 'whole', size: response.length, symbol: response } },
    pushRequest: {
      message: { type: 'request', ...prefix, ...path, max: 72, object, push: { budget: 80, digest } }
    },
    onceRequest: {
      message: {
        type: 'request', ...prefix, ...path, max: 72, object, once: { incarnation: sample(8), time: 1_700_000_000, token: sample(16) }
      }
    },
    push: { message: { ...reply, type: 'push', id: PUSH_IDS + 1, size: response.length, symbol: response } },
    emptyReply: { message: { ...reply, part: 'whole', size: 0, symbol: Buffer.alloc(8) } },
    beginning: { message: { ...reply, part: 'beginning', size: response.length, symbol: response } },
    working: { message: { type: 'working', ...prefix, next: 5 } },
    error: { message: { type: 'error', ...prefix, code: 3, retryAfter: 0, size: 1_000_000, detail: 'too large' } }
  }
  return Object.fromEntries(Object.entries(said).map(([name, { message, padTo }]) => {
    const isExit = ['reply', 'push', 'error', 'working'].includes(message.type)
    return [name, {
      fields: printed(message),
      key: isExit ? 'server' : 'client',
      bytes: hex(encodeMessage(message, isExit ? keys.server : keys.client, padTo))
    }]
  }))
}

/** The channel has the K of the messages; a group of two packets, of which one is a CLOSE. */
function parity (): object {
  const keys = sessionKeys(SECRET)
  const common = { channel: keys.session, number: ID }
  const packets = [
    { kind: 'data', to: 2, from: 1, sequence: 7, body: sample(5) }, { kind: 'close', to: 2, from: 1, sequence: 8, body: sample(3) }
  ] as const
  const { symbolLength, parity } = encodeGroup(packets)
  const messages = {
    hello: { kind: 'hello', ...common, secret: SECRET, stream: 1 },
    group: { kind: 'group', ...common, to: 2, from: 1, first: 7, count: 2, index: 0, symbol: parity(0) },
    repairs: { kind: 'repairs', ...common, to: 2, from: 1, rebuilt: 3, repeated: 1 }
  } as const
  return {
    packets: packets.map(printed),
    symbolLength,
    symbols: [0, 1].map(index => hex(parity(index))),
    ...Object.fromEntries(Object.entries(messages).map(
      ([name, message]) => [name, { fields: printed(message), bytes: hex(encodeParity(message, keys.client)) }]
    ))
  }
}

function printed (message: object): object {
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, shownAs(value)]))
}

const shownAs = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value)
  return typeof value === 'object' && value !== null ? printed(value) : value
}

/** A signed OPEN, whole: the Datagram2 is made by hand here, as the specification says it. */
function open (): object {
  const { session } = sessionKeys(SECRET)
  const seed = sha256(Buffer.from('minwww vector client'))
  const key = createPrivateKey(
    { key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' }
  )
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  // 256 bytes of unused encryption key, 96 of padding, the signing key, a key certificate for Ed25519.
  const destination = Buffer.concat([sample(352), publicKey, Buffer.from('05000400070000', 'hex')])
  const target = sha256(Buffer.from('minwww vector exit'))
  const object = Buffer.concat([Buffer.of(0), Buffer.from(REQUEST_TEXT)])
  const fields = {
    type: 'open', attempt: 0, flags: 0, session, id: ID, time: 1_700_000_000, key: SECRET, loss: 4, rate: 0, max: 72, shape: 8, object
  } as const
  const body = encodeOpenBody(fields)
  const signed = Buffer.concat([Buffer.of(0, 2), body])
  const signature = sign(null, Buffer.concat([target, signed]), key)
  return {
    fields: printed(fields),
    body: hex(body),
    seed: hex(seed),
    destination: hex(destination),
    target: hex(target),
    signature: hex(signature),
    datagram: hex(Buffer.concat([destination, signed, signature]))
  }
}

/** What an exit says of itself: the line, with the base64 of I2P and the signature made by hand. */
function descriptor (): object {
  const seed = sha256(Buffer.from('minwww vector exit keys'))
  const key = createPrivateKey(
    { key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' }
  )
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const destination = Buffer.concat([sample(352), publicKey, Buffer.from('05000400070000', 'hex')])
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
  const profile = {
    versions: [1],
    web: true,
    methods: ['GET', 'HEAD'],
    ports: [80, 443],
    filters: ['denied-hosts'],
    requests: 3_000,
    free: 80,
    pushes: false
  } as const
  const b32 = `${base32(sha256(destination))}.b32.i2p`
  const signer = { b32, base64: base64(destination), sign: (data: Buffer) => base64(sign(null, data, key)) }
  const times = { date: 1_700_000_000, expires: 1_700_604_800 }
  return { seed: hex(seed), destination: hex(destination), ...times, line: writeDescriptor(profile, times.date, times.expires, signer) }
}

function base32 (bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map(five => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
}

function objects (): object {
  return Object.fromEntries(Object.entries({
    identity: hex(Buffer.concat([Buffer.of(0), Buffer.from(REQUEST_TEXT)])), ...CODED
  }).map(([name, bytes]) => [name, { bytes, text: decodeObject(Buffer.from(bytes, 'hex'), 1_000).toString('latin1') }]))
}

function erasure (): object {
  const small = new ErasureEncoder(Buffer.from('0123456789'), 4)
  const large = sample(5_000)
  const encoder = new ErasureEncoder(large, 800)
  return {
    small: {
      object: hex(Buffer.from('0123456789')),
      symbolLength: 4,
      k: small.k,
      symbols: Object.fromEntries([0, 1, 2, 3, 4, 255].map(index => [index, hex(small.symbol(index))]))
    },
    large: {
      length: large.length,
      sha256: hex(sha256(large)),
      symbolLength: 800,
      k: encoder.k,
      sha256OfSymbols: Object.fromEntries([6, 7, 8, 200].map(index => [index, hex(sha256(encoder.symbol(index)))]))
    }
  }
}

function choices (): object[] {
  const initial = [1, 2, 4, 8]
  return [
    { size: 0, loss: 0, shapes: initial },
    { size: 792, loss: 0.004, shapes: initial },
    { size: 795, loss: 0, shapes: initial },
    { size: 8_192, loss: 0, shapes: initial },
    { size: 8_192, loss: 0.02, shapes: initial },
    { size: 65_536, loss: 0.01, shapes: initial },
    { size: 65_536, loss: 0.01, shapes: initial, maxSymbols: 256 },
    { size: 65_536, loss: 0.1, shapes: initial },
    { size: 131_072, loss: 0.12, shapes: initial },
    { size: 131_072, loss: 0, shapes: [...initial, 16, 32, 61] },
    { size: 32_768, loss: 0.01, shapes: [1] },
    // At the borders of the rules: parity just enough, 24 symbols and 25, and no size whose parity suffices.
    { size: 1_600, loss: 0.1, shapes: [1, 2] },
    { size: 16_121, loss: 0.02, shapes: [1, 2] },
    { size: 17_902, loss: 0.02, shapes: [1, 2] },
    { size: 60_000, loss: 0.12, shapes: [8] }
  ].map(input => ({ ...input, ...chooseSymbols(input) }))
}

/** Ids in the order they come, and whether each is new. */
function window (): object[] {
  const seen = new ReplayWindow()
  const ids = [10, 10, 9, 11, 1_034, 1_034, 11, 10, 1_033, 0xffffffff, 0x7fffffff, 0x80000005, 0x80000005, 5, 0x7ffffffe]
  return ids.map(id => ({ id, before: seen.check(id), accepted: seen.accept(id) }))
}

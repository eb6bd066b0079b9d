import type { SeededRandom } from '@minwww/testkit'

/** No input is longer than this, bytes: somewhat above the largest frame that any decoder takes. */
export const MAX_INPUT = 140_000

const BYTES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]
const U16 = [0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, 387, 391, 61_440]
const U32 = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 65_536, 131_073]

type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer, tokens: readonly Buffer[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => edit(bytes, copy => { copy[random.below(copy.length)]! ^= 1 << random.below(8) }),
  (bytes, random) => edit(bytes, copy => { copy[random.below(copy.length)] = random.pick(BYTES) }),
  (bytes, random) => edit(bytes, copy => { copy[random.below(copy.length)] = random.u32() }),
  (bytes, random) => edit(bytes, copy => { if (copy.length >= 2) copy.writeUInt16BE(random.pick(U16), random.below(copy.length - 1)) }),
  (bytes, random) => edit(bytes, copy => { if (copy.length >= 4) copy.writeUInt32BE(random.pick(U32), random.below(copy.length - 3)) }),
  // A length field a little wrong: the most frequent way to be off by one.
  (bytes, random) => edit(bytes, copy => { copy[random.below(copy.length)]! += random.below(5) - 2 }),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  (bytes, random) => Buffer.concat([bytes, random.bytes(random.below(40))]),
  (bytes, random) => splice(bytes, random.below(bytes.length + 1), random.below(9), random.bytes(random.below(9))),
  // A part twice, a part gone, a part of another message.
  (bytes, random) => { const [from, to] = range(bytes, random); return splice(bytes, from, 0, bytes.subarray(from, to)) },
  (bytes, random) => { const [from, to] = range(bytes, random); return splice(bytes, from, to - from, Buffer.alloc(0)) },
  (bytes, random, other) => {
    const [from, to] = range(other, random); return splice(
      bytes, random.below(bytes.length + 1), to - from, other.subarray(from, to)
    )
  },
  (bytes, random, other) => Buffer.concat(
    [bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]
  ),
  (bytes, random, _other, tokens) => tokens.length === 0
    ? bytes
    : splice(bytes, random.below(bytes.length + 1), random.below(4), random.pick(tokens)),
  (bytes, random, _other, tokens) => tokens.length === 0 ? bytes : splice(bytes, random.below(bytes.length + 1), 0, random.pick(tokens)),
  (bytes, random) => {
    const part = bytes.subarray(...range(bytes, random)); return splice(
      bytes, random.below(bytes.length + 1), 0, repeat(part, 1 + random.below(40))
    )
  }
]

/** A valid input with one to four changes; `tokens` are words of the format. One case in 64 is noise, one is left as it was. */
export function mutate (random: SeededRandom, samples: readonly Buffer[], tokens: readonly Buffer[] = []): Buffer {
  const fate = random.below(64)
  if (fate === 0) return random.bytes(random.below(400))
  let bytes = random.pick(samples)
  if (fate === 1) return bytes
  const other = random.pick(samples)
  for (let count = 1 + random.below(4); count > 0; count--) bytes = random.pick(MUTATIONS)(bytes, random, other, tokens)
  return bytes.subarray(0, MAX_INPUT)
}

function edit (bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  if (bytes.length === 0) return bytes
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

function splice (bytes: Buffer, at: number, removed: number, inserted: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])
}

function range (bytes: Buffer, random: SeededRandom): [from: number, to: number] {
  const from = random.below(bytes.length)
  return [from, from + random.below(Math.min(bytes.length - from, 64) + 1)]
}

function repeat (part: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => part))
}

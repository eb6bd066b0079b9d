import type { ByteReader } from '../data/reader.ts'
import type { ByteWriter } from '../data/writer.ts'

/** One I2CP message: both directions, body only. The frame around it is in frame.ts. */
export interface MessageCodec<M extends { readonly type: number }> {
  readonly type: M['type']
  readonly name: string
  /** Expected size of the body, bytes, where it is worth to allocate once. */
  size?(message: M): number
  write(message: M, writer: ByteWriter): void
  /** Throws I2CP_MALFORMED. Buffers in the result may share memory with the input. */
  read(reader: ByteReader): M
}

/** The session ID of messages that belong to no session, such as a look-up before CreateSession. */
export const NO_SESSION = 0xffff

/** TLS (RFC 8446): content type and handshake type, the extension "early_data", and the most that a record holds, bytes. */
const HANDSHAKE = 22
const MAJOR_VERSION = 3
const CLIENT_HELLO = 1
const EARLY_DATA = 42
const MAX_RECORD = 16_384
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const RANDOM = 32

/** Safe methods (RFC 9110, section 9.2.1): they change nothing at a site, however often it is asked. */
const SAFE_START = ['GET ', 'HEAD ', 'OPTIONS '].map(start => Buffer.from(start, 'latin1'))
const REQUEST_LINE = /^[A-Z]+ [\x21-\x7e]+ HTTP\/1\.[01]$/
const FIELD_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n]*$/
/** A line end that is none in HTTP; a CR may be half of one. */
const ODD_END = /\n|\r(?!$)/

/**
 * Whether the first bytes of a tunnel may be said to a second exit although the first one may have handed them to the site: it must make
 * no difference to the site that it hears them twice. So it is for
 *
 * - nothing at all;
 * - one TLS ClientHello, or a part of one, in whatever records. It begins a handshake of its own each time. Not with the extension
 *   "early_data" (RFC 8446, section 4.2.10): what follows may be a request that does something. ECH puts that extension outside too;
 * - the head of one request of HTTP/1 with a safe method, or a part of it.
 *
 * Everything else may do something at its site. The bytes are a browser's, and may be anything: no answer depends on a length in
 * them that was not checked.
 */
export function mayRepeat (bytes: Buffer): boolean {
  if (bytes.length === 0) return true
  return bytes[0] === HANDSHAKE ? isHarmlessHello(bytes) : isSafeHead(bytes)
}

/** A ClientHello without early data, or the beginning of one; nothing behind it. */
function isHarmlessHello (bytes: Buffer): boolean {
  const fragments: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE || (bytes[at + 1] ?? MAJOR_VERSION) !== MAJOR_VERSION) return false
    if (at + RECORD_HEADER > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > MAX_RECORD) return false
    at += RECORD_HEADER
    fragments.push(bytes.subarray(at, at + length))
    at += length
  }
  const message = Buffer.concat(fragments)
  if ((message[0] ?? CLIENT_HELLO) !== CLIENT_HELLO) return false
  if (message.length < MESSAGE_HEADER) return true
  const end = MESSAGE_HEADER + message.readUIntBE(1, 3)
  if (message.length < end) return true // no server acts on a part
  return message.length === end && extensionsOf(message.subarray(MESSAGE_HEADER))?.has(EARLY_DATA) === false
}

/** Types of the extensions of a whole ClientHello (RFC 8446, section 4.1.2); undefined for what is none. */
function extensionsOf (hello: Buffer): Set<number> | undefined {
  const types = new Set<number>()
  let at = 2 + RANDOM
  for (const size of [1, 2, 1]) { // session id, cipher suites, compression methods
    if (at + size > hello.length) return undefined
    at += size + hello.readUIntBE(at, size)
  }
  if (at === hello.length) return types
  if (at + 2 > hello.length || at + 2 + hello.readUInt16BE(at) !== hello.length) return undefined
  for (at += 2; at < hello.length;) {
    if (at + 4 > hello.length) return undefined
    types.add(hello.readUInt16BE(at))
    at += 4 + hello.readUInt16BE(at + 2)
  }
  return at === hello.length ? types : undefined
}

/**
 * One head of HTTP/1, or the beginning of one; nothing behind it. Each line that is whole must be what it is in HTTP: other protocols
 * have a GET too, and orders in the lines behind it.
 */
function isSafeHead (bytes: Buffer): boolean {
  const isStart = (start: Buffer): boolean => {
    const length = Math.min(start.length, bytes.length)
    return start.subarray(0, length).equals(bytes.subarray(0, length))
  }
  if (!SAFE_START.some(isStart)) return false
  const [line, ...rest] = bytes.toString('latin1').split('\r\n')
  const last = rest.pop()
  // No whole line; a server that takes a bare CR or LF for the end of one would see an end that is none here.
  if (last === undefined) return !ODD_END.test(line!)
  if (!REQUEST_LINE.test(line!)) return false
  const end = rest.indexOf('')
  if (end >= 0) return end === rest.length - 1 && last === '' && rest.slice(0, end).every(isField)
  return rest.every(isField) && !ODD_END.test(last)
}

const isField = (line: string): boolean => FIELD_LINE.test(line)

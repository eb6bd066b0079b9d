/**
 * @minwww/protocol: what client and exit share. Pure functions and small classes, without I/O; docs/reference/protocol.md says what
 * they do.
 */
export { ERROR_CODES, errorName, ProtocolError, WIRE_FAILURES } from './errors.ts'
export type { ProtocolErrorCode, WireErrorName } from './errors.ts'
export {
  ALTERNATIVE, DEPTH_TIME, EXIT_PORT, INITIAL_RATE, MESSAGE_BURST, MESSAGE_RATE, NEXT_REST, PROBE_TRAIN, REPLY_FACTOR,
  REST_FIELD, REST_SCHEME, SESSION_LIFE, WORKING_AFTER
} from './constants.ts'
export {
  CONTAINER, DATAGRAM2_ENVELOPE, MAX_OBJECT, MAX_SHAPE, MAX_SYMBOLS, messageCapacity, minimumPayload, OPEN_HEADER, paddedLength, PREFIX,
  REQUEST_HEADER, requestCapacity, SYMBOL_OVERHEAD, TAG, TUNNEL_BYTES, TUNNEL_MESSAGE, tunnelMessagesOf, wireBytes
} from './sizes.ts'
export { decodeLoss, decodeRate, encodeLoss, encodeRate } from './rates.ts'
export { computeTag, SESSION_ID, SESSION_SECRET, sessionId, sessionKeys } from './keys.ts'
export type { SessionKeys } from './keys.ts'
export { MAX_ATTEMPT, peekPrefix, SECOND_SESSION, VERSION } from './prefix.ts'
export type { Prefix } from './prefix.ts'
export { decodeMessage, decodeOpenBody, encodeMessage, encodeOpenBody, MAX_DETAIL } from './messages.ts'
export type {
  Arrivals, BodyMessage, CancelMessage, ErrorMessage, Message, OpenMessage, Part,
  PushMessage, ReplyMessage, ReportMessage, RequestMessage, TaggedMessage, WantMessage, WorkingMessage
} from './messages.ts'
export { blockLength, HASH, INCARNATION, joinBlock, MAX_DIGEST, ONCE_BLOCK, splitBlock, TOKEN } from './request-block.ts'
export type { Once, PushGrant, RequestBlock } from './request-block.ts'
export {
  addressHash, encodePromises, encodePushed, MAX_PROMISED_URL, MAX_PROMISES, parsePushed, PUSH_IDS, splitPromises
} from './promises.ts'
export type { Promised, PushedObject } from './promises.ts'
export { ErasureDecoder, ErasureEncoder } from './erasure.ts'
export { CODINGS, decodeFront, decodeObject, encodeObject, MAX_RESPONSE } from './coding.ts'
export { DICTIONARY } from './dictionary.ts'
export { encodeRequestHead, encodeResponse, HOP_BY_HOP, MAX_FIELDS, MAX_HEAD, MAX_URL, parseRequest, parseResponse } from './http.ts'
export { readDirectives, writeDirectives } from './cache-control.ts'
export { formatHttpDate, parseHttpDate, withReadDates } from './http-date.ts'
export type { HeaderList, HttpRequest, HttpResponse } from './http.ts'
export { parseUrl } from './parse-url.ts'
export { allowedShapes, chooseSymbols, copiesFor, INITIAL_SHAPE, parityFor, parityLimit, SHAPES } from './choice.ts'
export { LossEstimator, PRIOR_LOSS, RttEstimator } from './estimators.ts'
export { TokenBucket } from './bucket.ts'
export { REPLAY_WINDOW, ReplayWindow } from './replay.ts'
export {
  DESCRIPTOR_LIFE, DESCRIPTOR_PATH, DESCRIPTOR_SKEW, DESCRIPTOR_URL, FILTERS, MAX_CONTACT, MAX_DESCRIPTOR, MAX_DESCRIPTOR_ENTRIES,
  parseStatement, writeDescriptor, writeRevocation
} from './exit-descriptor.ts'
export type { ExitDescriptor, ExitProfile, Filter, ParsedStatement, Revocation, Statement, StatementSigner } from './exit-descriptor.ts'
export { formatPath, parsePath, PATH_FIELD } from './path-field.ts'
export type { ToldPath } from './path-field.ts'
export { trimWhiteSpace } from './white-space.ts'

/**
 * Largest payload a session sends, bytes before the gzip container. Larger ones are lost without a word on real
 * routers (above about 62,500) and can abort i2pd (above 63,000).
 */
export const MAX_PAYLOAD = 61_440

/** Bytes that may wait in the transport; what is sent beyond is dropped and counted, as the network would do. */
export const MAX_TRANSPORT_QUEUE = 4 * 1024 * 1024

import Type from './type.ts'

/** Longest time-out, s: a day. */
const MAX_SECONDS = 86_400

const seconds = (description: string, value: number) =>
  Type.Number({ description, metavar: 'SECONDS', default: value, minimum: 1, maximum: MAX_SECONDS })

/** How long each phase may take at the browser's side. */
export const PROXY_TIMEOUTS = {
  headTimeout: seconds("longest time for the head of a browser's request, s", 15),
  uploadTimeout: seconds('longest time for a whole request, body included, s', 21_600),
  keepAliveTimeout: seconds("how long a browser's idle connection is kept, s", 120),
  answerTimeout: seconds('longest wait for a slow response to begin, as in long polling, s', 300),
  silenceTimeout: seconds('longest silence within a response, as in an event stream, s', 3_600),
  tunnelTimeout: seconds('longest silence in a CONNECT tunnel or WebSocket, s', 3_600)
}

/** How long each phase may take at the exit. */
export const EXIT_TIMEOUTS = {
  connectTimeout: seconds('longest time to connect to a site, and as long again for TLS, s', 10),
  answerTimeout: seconds("longest wait for a site's response to begin, as in long polling, s", 300),
  bodyTimeout: seconds("longest gap within a site's response, s", 300),
  requestTimeout: seconds('longest time for the head of a request on a stream, s', 15),
  idleTimeout: seconds('how long an idle stream is kept, s', 60),
  uploadTimeout: seconds('longest gap within a request on a stream, s', 60),
  stallTimeout: seconds('how long a client may take to read what is ready on a stream, s', 180),
  tunnelTimeout: seconds('longest silence in a CONNECT tunnel or WebSocket, s', 3_600)
}

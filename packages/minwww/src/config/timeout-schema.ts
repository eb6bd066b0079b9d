import Type from './type.ts'

/** Longest time-out, s: a day. */
const MAX_SECONDS = 86_400

const seconds = (description: string, value: number) =>
  Type.Number({ description, metavar: 'SECONDS', default: value, minimum: 1, maximum: MAX_SECONDS })

/** How long each phase may take at the browser's side. */
export const PROXY_TIMEOUTS = {
  headTimeout: seconds("longest time for the head of a browser's request, s", 15),
  uploadTimeout: seconds('longest time for a whole request with its body, s', 21_600),
  keepAliveTimeout: seconds("how long a browser's idle connection is kept, s", 120),
  answerTimeout: seconds('longest wait for an answer over a stream, or from an exit that works on it, as long polling needs it, s', 300),
  silenceTimeout: seconds('how long an answer that has begun may be silent, as events of a server are, s', 3_600),
  tunnelTimeout: seconds('how long CONNECT and WebSockets may be silent, s', 3_600)
}

/** How long each phase may take at the exit. */
export const EXIT_TIMEOUTS = {
  connectTimeout: seconds('longest time to connect to a site, and again for TLS, s', 10),
  answerTimeout: seconds("longest wait for the head of a site's answer, as long polling needs it, s", 300),
  bodyTimeout: seconds("longest time between two pieces of a site's answer, s", 300),
  requestTimeout: seconds('longest time for the head of a request on a stream, s', 15),
  idleTimeout: seconds('how long a stream without a request is kept, s', 60),
  uploadTimeout: seconds('longest time between two pieces of a request on a stream, s', 60),
  stallTimeout: seconds('longest time until a client has taken what waits for it on a stream, s', 180),
  tunnelTimeout: seconds('how long CONNECT and WebSockets may be silent, s', 3_600)
}

/** What Java sends for limitAction=http. */
const TOO_MANY_REQUESTS = [
  'HTTP/1.1 429 Too Many Requests',
  'Content-Type: text/plain; charset=utf-8',
  'Cache-Control: no-cache',
  'Connection: close',
  'Proxy-Connection: close',
  '',
  'Too many connections from this address; try again later.',
  ''
].join('\r\n')

/** What a refused peer gets: a RESET, nothing, or these bytes and CLOSE. Written-out \r and \n become CR and LF. */
export function limitResponse (action: string): 'reset' | 'drop' | Buffer {
  if (action === 'reset' || action === 'drop') return action
  if (action === 'http') return Buffer.from(TOO_MANY_REQUESTS)
  return Buffer.from(action.replaceAll('\\r', '\r').replaceAll('\\n', '\n'))
}

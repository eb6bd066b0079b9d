export interface Answer { status: number, head: string, body: string }

/**
 * The responses on a connection, one after the other; `methods` of the requests, GET where they are not known. What is no
 * response shows as one of status 0.
 */
export function splitResponses (text: string, methods: readonly string[] = []): Answer[] {
  const answers: Answer[] = []
  let finals = 0
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n\r\n', at)
    const head = end < 0 ? text.slice(at) : text.slice(at, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0)
    if (end < 0 || status === 0) return [...answers, { status: 0, head, body: text.slice(at) }]
    at = end + 4
    const hasNone = status < 200 || status === 204 || status === 304 || methods[finals] === 'HEAD'
    if (status >= 200) finals++
    const { body, length } = hasNone ? { body: '', length: 0 } : bodyOf(text.slice(at), head)
    at += length
    answers.push({ status, head, body })
    if (methods[finals - 1] === 'CONNECT' && status === 200) return answers
  }
  return answers
}

/** Without 100 (Continue), which a browser that has ended its side gets as well where its answer takes a second. */
export function answersOf (text: string, methods: readonly string[] = []): Answer[] {
  return splitResponses(text, methods).filter(({ status }) => status !== 100)
}

function bodyOf (text: string, head: string): { body: string, length: number } {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return { body: text.slice(0, Number(length)), length: Number(length) }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { body: text, length: text.length }
  let body = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    at = line + 2
    if (!(size > 0)) return { body, length: at + 2 }
    body += text.slice(at, at + size)
    at += size + 2
  }
}

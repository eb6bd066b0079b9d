import { request as httpRequest } from 'node:http'
import t from 'tap'
import { get } from './proxy-support.ts'
import { echo, startPeer, withExits } from './stream-support.ts'

const READY = { takesOnce: true }
const FORM = 'http://a.example/form'

t.test('what may change something goes by message, once, if its body is known to be small', async t => {
  const exit = await startPeer(echo)
  const { port, core, streams, end } = await withExits([exit], ({ method, body }) => ({ body: `${method} ${body?.length}` }), {
    cache: false
  })
  core.status = READY
  for (const [method, body] of [['POST', 'a=b'], ['POST', ''], ['PUT', 'x'.repeat(150_000)], ['PATCH', 'p'], ['DELETE', '']] as const) {
    const answer = await get(
      port, FORM, body === '' ? [] : [['Content-Length', String(body.length)], ['Content-Type', 'text/plain']], method, body
    )
    t.equal(answer.text, `${method} ${body.length}`)
    t.match(core.requests.at(-1), { method, url: FORM })
    t.equal(core.options.at(-1)?.idempotent, false)
  }
  t.notOk(core.requests[0]!.headers.some(([name]) => /content-length/i.test(name)), 'the object says how long it is')
  t.equal((await get(port, FORM, [['Content-Length', '3']], 'PROPFIND', '<a>')).text, 'PROPFIND 3')
  t.equal(core.options.at(-1)?.idempotent, true, 'it changes nothing')
  t.strictSame(streams.connected, [])

  const asked = core.requests.length
  const large = 'y'.repeat(200_000)
  t.equal((await get(port, FORM, [['Content-Length', String(large.length)]], 'POST', large)).text, 'from the exit')
  t.equal((await get(port, FORM, [['Transfer-Encoding', 'chunked']], 'POST', '3\r\nabc\r\n0\r\n\r\n')).text, 'from the exit')
  t.equal(await waiting(port), 'from the exit', 'Expect: 100-continue')
  t.strictSame(exit.seen.map(({ body }) => body.length), [200_000, 3, 5])
  core.status = {}
  t.equal((await get(port, FORM, [['Content-Length', '3']], 'POST', 'new')).text, 'from the exit', 'nobody has told what a token needs')
  t.equal(core.requests.length, asked)
  await end()
})

t.test('a body that is too large once it is coded goes over a stream, whole', async t => {
  const exit = await startPeer(echo)
  const { port, core, end } = await withExits([exit], () => ({ fail: { code: 'request-too-large' } }))
  core.status = READY
  t.equal((await get(port, FORM, [['Content-Length', '4']], 'POST', 'body')).text, 'from the exit')
  t.match(exit.seen, [{ method: 'POST', body: 'body' }])
  await end()
})

t.test('what nobody knows is said, and nobody else is asked', async t => {
  const exit = await startPeer(echo)
  const { port, core, end } = await withExits([exit, await startPeer(echo)], () => ({ fail: { code: 'unanswered' } }), { cache: false })
  core.status = READY
  const post = async (): Promise<Awaited<ReturnType<typeof get>>> =>
    await get(port, FORM, [['Content-Length', '3'], ['Accept', 'text/html']], 'POST', 'a=b')
  const silent = await post()
  t.match([silent.status, silent.get('x-minwww-error')], [504, 'MINWWW_UNANSWERED'])
  t.match(silent.text, /may have done what you asked for, or may never have heard of it/)
  core.site = () => ({ fail: { code: 'outcome-unknown' } })
  const restarted = await post()
  t.match([restarted.status, restarted.get('x-minwww-error')], [502, 'MINWWW_OUTCOME_UNKNOWN'])
  core.site = () => ({ fail: { code: 'too-large', size: 1_000_000 } })
  t.match((await post()).get('x-minwww-error'), 'MINWWW_RESPONSE_TOO_LARGE', 'it was carried out')
  t.equal(core.requests.length, 3)
  t.strictSame(exit.seen, [])
  await end()
})

t.test('a body that breaks off is not sent', async t => {
  const { port, core, end } = await withExits([await startPeer(echo)], () => ({ body: 'done' }))
  core.status = READY
  const outgoing = httpRequest({ port, path: FORM, method: 'POST', headers: { host: 'a.example', 'content-length': 10 } })
  outgoing.on('error', () => {})
  outgoing.write('five5')
  await new Promise(resolve => setImmediate(resolve))
  outgoing.destroy()
  t.equal((await get(port, FORM, [['Content-Length', '3']], 'POST', 'end')).text, 'done')
  t.strictSame(core.requests.map(({ body }) => body?.toString()), ['end'])
  await end()
})

/** Sends its body when it hears that it may. */
async function waiting (port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      port,
      path: FORM,
      method: 'POST',
      headers: { host: 'a.example', expect: '100-continue', 'content-length': 5 }
    })
    outgoing.on('continue', () => { outgoing.end('later') })
    outgoing.on('error', reject)
    outgoing.on('response', response => {
      let text = ''
      response.on('data', chunk => { text += String(chunk) }).on('end', () => resolve(text))
    })
  })
}

import t, { type Test } from 'tap'
import { createExit, type ExitOptions } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf, requestMessage } from './support/exit.ts'
import { FakeStreams, over, tunnel } from './support/streams.ts'
import { httpd } from './support/upstream.ts'

const client = keysOf(7).destination

/** An exit that is one web site, for whatever name it is asked. */
async function start (t: Test, options: Partial<ExitOptions> = {}) {
  const server = await httpd((request, response) => {
    const { headers } = request
    response.end(`${String(request.url)} ${String(headers.host)} ${String(headers['x-i2p-destb32'])} ${String(headers['x-i2p-desthash'])}`)
  })
  t.teardown(server.close)
  const core = new FakeCore()
  const session = new FakeSession()
  const streams = new FakeStreams()
  const exit = await createExit({
    session, streams, createCore: () => core, sites: { '*': server.origin }, policy: { web: false }, streamPort: 0, ...options
  })
  t.teardown(async () => { await exit.close() })
  return { core, session, streams, exit, server }
}

t.test('streams of every port, asked for under any name; the visitor is told apart', async t => {
  const { streams, session } = await start(t)
  t.equal(streams.port, 0)
  for (const host of ['mysite.i2p', 'other-name.i2p', 'mysite.i2p:8080', session.destination.b32, 'localhost']) {
    const { status, body, headers } = await over(streams.open(client), '/a?b', { headers: { host, 'x-i2p-destb32': 'forged' } })
    t.equal(status, 200, host)
    t.match(body.toString(), `/a?b ${host} ${client.b32} `)
    t.equal(headers['alt-svc'], 'minwww=":80"; ma=86400')
  }
  const { body } = await over(streams.open(keysOf(8).destination), '/', { headers: { host: 'mysite.i2p' } })
  t.match(body.toString(), ` ${keysOf(8).destination.b32} `)
})

t.test('messages, under the same names', async t => {
  const { core, session } = await start(t)
  for (const [index, host] of ['mysite.i2p', session.destination.b32].entries()) {
    core.ask({ type: 'fetch', handle: index + 1, message: requestMessage(`http://${host}/m`), from: client, deadline: Date.now() + 30_000 })
    session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
    const outcome = (await core.answered(index + 1)).at(-1)
    if (outcome === undefined || !('response' in outcome)) return t.fail('no response')
    t.match(outcome.response.body.toString(), `/m ${host} ${client.b32} `)
  }
})

t.test('a Host of its own, for a web server that knows one name only', async t => {
  const server = await httpd((request, response) => { response.end(request.headers.host) })
  t.teardown(server.close)
  const { streams } = await start(t, { sites: { '*': { url: server.origin, host: 'www.example' } } })
  t.equal((await over(streams.open(client), '/', { headers: { host: 'mysite.i2p' } })).body.toString(), 'www.example')
})

t.test('it is no way to anywhere else', async t => {
  const { streams, exit } = await start(t)
  t.strictSame(exit.summary.sites, [exit.destination.b32, '*'])
  const web = await over(streams.open(client), 'http://web.example/x', { headers: { host: 'web.example' } })
  t.match(web.body.toString(), '/x web.example', 'a request in absolute-form is for this site too')
  for (const authority of ['web.example:443', '10.0.0.1:22', '127.0.0.1:80']) {
    t.equal(
      (await tunnel(streams.open(client), { method: 'CONNECT', path: authority, headers: { host: authority } })).status,
      403,
      authority
    )
  }
  t.equal((await over(streams.open(client), 'https://web.example/', { headers: { host: 'web.example' } })).status, 403)
})

t.test('a site with a name of its own goes before it, and a bad name is refused', async t => {
  const other = await httpd((_request, response) => { response.end('the other') })
  t.teardown(other.close)
  const { streams, server } = await start(t, { sites: { 'other.i2p': other.origin } })
  t.equal((await over(streams.open(client), '/', { headers: { host: 'other.i2p' } })).body.toString(), 'the other')
  t.equal((await over(streams.open(client), '/', { headers: { host: 'any.i2p' } })).status, 403)
  const both = await start(t, { sites: { 'other.i2p': other.origin, '*': server.origin } })
  t.equal((await over(both.streams.open(client), '/', { headers: { host: 'other.i2p' } })).body.toString(), 'the other')
  t.match((await over(both.streams.open(client), '/', { headers: { host: 'any.i2p' } })).body.toString(), 'any.i2p')
  for (const site of [{ '*': { url: server.origin, host: 'no host' } }, { '*.i2p': server.origin }]) {
    await t.rejects(start(t, { sites: site }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  }
})

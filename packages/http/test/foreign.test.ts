// Programs that were not written for I2P, unchanged but for their agent, dispatcher, server or transport.
import t from 'tap'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import axios from 'axios'
import { fastify } from 'fastify'
import git from 'isomorphic-git'
import { fetch as undiciFetch, request as undiciRequest } from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { gitTransport } from '../examples/git-transport.ts'
import { world } from './support.ts'

t.setTimeout(90_000)

const run = promisify(execFile)

t.test('a fastify server; undici and axios as clients', async t => {
  const { alice, bob } = await world(t)
  const app = fastify({ serverFactory: handler => bob.createServer(handler) })
  app.get('/hello/:name', async request => ({ hello: (request.params as { name: string }).name, from: request.ip }))
  app.post('/sum', async request => (request.body as number[]).reduce((sum, value) => sum + value, 0))
  t.teardown(async () => await app.close())
  await app.listen({ port: 80 })
  const url = 'http://bob.i2p/hello/world'
  const expected = { hello: 'world', from: alice.address }
  t.same(await (await undiciFetch(url, { dispatcher: alice.dispatcher })).json(), expected)
  t.same(await (await undiciRequest(url, { dispatcher: alice.dispatcher })).body.json(), expected)
  const client = axios.create({ httpAgent: alice.agent, proxy: false })
  t.same((await client.get(url)).data, expected)
  t.equal((await client.post('http://bob.i2p/sum', [1, 2, 3])).data, 6)
  await t.rejects(client.get('http://example.com/'), { code: 'I2P_NOT_I2P' })
})

t.test('ws: a WebSocket and its server', async t => {
  const { alice, bob } = await world(t)
  const server = bob.createServer((_request, response) => response.end('no page'))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', data => socket.send(`echo ${data.toString()}`)))
  server.listen(80)
  const socket = new WebSocket('ws://bob.i2p/chat', { agent: alice.agent })
  await once(socket, 'open')
  server.close() // an open WebSocket goes on
  for (const word of ['one', 'two']) {
    socket.send(word)
    const [data] = await once(socket, 'message') as [Buffer]
    t.equal(data.toString(), `echo ${word}`)
  }
  const closed = once(server, 'close')
  socket.close()
  await once(socket, 'close')
  await closed
})

t.test('isomorphic-git: clone and push', async t => {
  const { alice, bob } = await world(t)
  const folder = t.testdir({ work: {}, clone: {} })
  const work = join(folder, 'work')
  const bare = join(folder, 'project.git')
  const author = { name: 'A', email: 'a@example.i2p' }
  await git.init({ fs, dir: work, defaultBranch: 'main' })
  await writeFile(join(work, 'file'), 'x'.repeat(50_000))
  await git.add({ fs, dir: work, filepath: 'file' })
  await git.commit({ fs, dir: work, message: 'first', author })
  await run('git', ['clone', '-q', '--bare', work, bare])
  await run('git', ['-C', bare, 'config', 'http.receivepack', 'true'])
  bob.createServer(gitBackend(folder)).listen(80)

  const http = gitTransport(alice)
  const dir = join(folder, 'clone')
  await git.clone({ fs, http, dir, url: 'http://bob.i2p/project.git' })
  t.equal((await readFile(join(dir, 'file'))).length, 50_000)
  await writeFile(join(dir, 'file'), 'changed')
  await git.add({ fs, dir, filepath: 'file' })
  const oid = await git.commit({ fs, dir, message: 'second', author })
  t.equal((await git.push({ fs, http, dir })).ok, true)
  t.equal((await run('git', ['-C', bare, 'rev-parse', 'main'])).stdout.trim(), oid)
})

/** git's own CGI program: a git server in thirty lines. */
function gitBackend (root: string): RequestListener {
  return (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://git')
    const child = spawn('git', ['http-backend'], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? ''
      },
      stdio: ['pipe', 'pipe', 'inherit']
    })
    request.pipe(child.stdin)
    buffer(child.stdout).then(output => {
      const end = output.indexOf('\r\n\r\n')
      for (const line of output.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(/: (.*)/)
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
        else response.setHeader(name, value)
      }
      response.end(output.subarray(end + 4))
    }, error => response.destroy(error))
  }
}

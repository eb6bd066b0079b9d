// The shapes of packages/minwww-client/test/smuggling-shapes.ts against a whole way: proxy, exit, and what arrives behind it.
import t, { type Test } from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { READ, SHAPES } from '../../packages/minwww-client/test/smuggling-shapes.ts'
import { ARTIFACTS } from './browser.ts'
import { logLines, startService, type Service } from './harness.ts'

const SITE = 'web.i2p'
const AT_A_TIME = 8

interface Arrived { url: string, fields: string[], body: string }

async function startSite (t: Test): Promise<{ origin: string, arrived: Arrived[] }> {
  const arrived: Arrived[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.setEncoding('latin1').on('data', (text: string) => { body += text })
    request.on('end', () => {
      arrived.push({ url: `${request.method} ${request.url}`, fields: request.rawHeaders.filter((_, index) => index % 2 === 0), body })
      response.end('ok')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived }
}

/** What the exit says that it was asked for. */
const askedOf = (exit: Service): string[] => logLines(exit.stderr()).filter(({ msg }) => msg === 'request').map(({ url }) => String(url))

/** Status of the first answer; 0 where the connection ends without one. */
async function statusOf (port: number, bytes: string): Promise<number> {
  return await new Promise(resolve => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => { socket.write(Buffer.from(bytes, 'latin1')) })
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (answer.includes('\r\n')) socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => { resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)) })
  })
}

t.test('smuggling and malformed shapes through proxy and exit', async t => {
  const { origin, arrived } = await startSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '1'])
  const i2cp = ['--router', router.json.i2cp as string]
  const exit = await startService(t, ['exit', ...i2cp, '--site', `${SITE}=${origin}`, '--log-level', 'debug', '--log-urls'])
  const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination, '--cache-memory', '0'])
  const port = Number(new URL(proxy.json.proxy).port)

  const queue = Object.entries(SHAPES).flatMap(([group, shapes]) => shapes.map(shape => ({ group, shape })))
  const count = queue.length
  let refused = 0
  const wrong: string[] = []
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [name, bytes, expected] = next.shape
      const status = await statusOf(port, bytes.replaceAll('a.example', SITE))
      const statuses = [expected].flat().map(status => status === READ ? 200 : status)
      if (!statuses.includes(status)) wrong.push(`${next.group}, ${name}: ${status}`)
      if (status >= 400) refused++
    }
  }))
  t.strictSame(wrong, [])
  t.ok(count >= 1000 && refused > count / 2, `${count} shapes, ${refused} refused, ${arrived.length} requests arrived`)

  await exit.stop()
  const asked = askedOf(exit)
  mkdirSync(ARTIFACTS, { recursive: true })
  writeFileSync(join(ARTIFACTS, 'smuggling-arrived.json'), JSON.stringify({ asked, arrived }, undefined, 1))
  t.ok(arrived.length > 0 && asked.length > 0)
  t.strictSame(asked.filter(url => !url.startsWith(`http://${SITE}/`)), [], 'the exit was asked for nothing else')
  t.strictSame(arrived.filter(({ url }) => /evil/.test(url)), [])
  t.strictSame(
    arrived.filter(({ fields }) => fields.some(name => !ALLOWED.has(name.toLowerCase()))), [], 'no field that the proxy does not set'
  )
  t.strictSame(arrived.filter(({ fields }) => new Set(fields.map(name => name.toLowerCase())).size < fields.length), [], 'none twice')
  t.strictSame(
    arrived.filter(({ fields }) => fields.filter(name => /^(?:content-length|transfer-encoding)$/i.test(name)).length > 1), [], 'one length'
  )
})

const ALLOWED = new Set(['host', 'user-agent', 'accept', 'accept-language', 'accept-encoding', 'connection', 'content-length',
  'transfer-encoding', 'content-encoding', 'cookie',
  // what an exit tells its own sites of the client
  'x-i2p-desthash', 'x-i2p-destb32', 'x-i2p-destb64'])

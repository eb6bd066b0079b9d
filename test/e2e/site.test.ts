import t from 'tap'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LocalDestination } from '@minwww/i2cp'
import { fetchPage, runCli, startService, temporaryFolder } from './harness.ts'

t.test('a web site under the address that it has: streams for everybody, messages for MinWWW', async t => {
  const server = createServer((request, response) => {
    const { host, 'x-i2p-destb32': visitor, 'x-i2p-desthash': hash, 'x-i2p-destb64': base64 } = request.headers
    response.setHeader('Cache-Control', 'no-store').end(JSON.stringify({ url: request.url, host, visitor, hash, base64 }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const keys = join(temporaryFolder(t), 'privKeys.dat')
  const local = LocalDestination.generate()
  writeFileSync(keys, local.toBytes(), { mode: 0o600 })

  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '5'])
  const i2cp = ['--router', router.json.i2cp as string]
  const site = await startService(t, ['site', ...i2cp, '--keys', keys, '--target', target])
  t.equal(site.json.b32, local.destination.b32, 'the address stays')
  t.ok(readFileSync(keys).equals(local.toBytes()), 'and so does the file, for the way back')

  await t.test('a visitor with I2PTunnel, or any other client of streams, on any port', async t => {
    for (const port of ['80', '0', '8080']) {
      const tunnel = await startService(
        t, ['tunnel', 'client', ...i2cp, '--destination', local.destination.b32, '--listen', '127.0.0.1:0', '--port', port]
      )
      const page = await fetchPage(`http://${String(tunnel.json.listen)}/a?b`, undefined, { host: 'mysite.i2p', 'x-i2p-destb32': 'forged' })
      const seen = JSON.parse(page.body.toString()) as Record<string, string>
      t.match(seen, { url: '/a?b', host: 'mysite.i2p', visitor: /^[a-z2-7]{52}\.b32\.i2p$/, hash: /^[\w~-]{43}=$/, base64: /^[\w~=-]{500,}$/ })
      await tunnel.stop()
    }
  })

  await t.test('a MinWWW proxy: a stream first, messages from then on', async t => {
    const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--i2p-only'])
    const url = `http://${local.destination.b32}/`
    const paths = async (): Promise<string[]> => {
      const { body } = await fetchPage(`${String(proxy.json.proxy)}/console/state`)
      const { done } = JSON.parse(body.toString()) as { done: Array<{ path: string }> }
      return done.map(({ path }) => path).reverse()
    }
    const first = await fetchPage(url, proxy.json.proxy)
    t.match(JSON.parse(first.body.toString()), { host: local.destination.b32 })
    const visitors = new Set<string>()
    for (let n = 0; n < 3; n++) {
      const page = await fetchPage(`${url}${n}`, proxy.json.proxy)
      t.equal(page.status, 200)
      visitors.add((JSON.parse(page.body.toString()) as { visitor: string }).visitor)
    }
    t.strictSame(await paths(), ['stream', 'message', 'message', 'message'])
    t.equal(visitors.size, 1, 'one visitor is one visitor, by messages too')
  })

  await t.test('a Host of its own', async t => {
    const other = join(temporaryFolder(t), 'other.dat')
    const named = await startService(t, ['site', ...i2cp, '--keys', other, '--target', `http://${target}/`, '--host', 'www.example'])
    const tunnel = await startService(t, ['tunnel', 'client', ...i2cp, '--destination', named.json.b32, '--listen', '127.0.0.1:0'])
    const page = await fetchPage(`http://${String(tunnel.json.listen)}/`, undefined, { host: 'mysite.i2p' })
    t.match(JSON.parse(page.body.toString()), { host: 'www.example' })
  })

  await t.test('what is missing or wrong is said', async t => {
    t.match(runCli(['site', ...i2cp]).stderr, /no key file is named[^]*no web server is named/)
    t.match(runCli(['site', ...i2cp, '--keys', keys, '--target', 'nowhere']).stderr, /--target: 'nowhere' is not HOST:PORT/)
    chmodSync(keys, 0o644)
    const { status, stderr } = runCli(['site', ...i2cp, '--keys', keys, '--target', target])
    t.equal(status, 1)
    t.match(stderr, /others can get at these private keys[^]*chmod 600/)
  })
})

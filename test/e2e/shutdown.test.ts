import t, { type Test } from 'tap'
import { createServer, type AddressInfo } from 'node:net'
import { fetchPage, freePort, startCommand, startService, temporaryFolder } from './harness.ts'

/** A service must be gone this long after SIGTERM, ms. */
const LIMIT = 2_000

async function silentServer (t: Test): Promise<string> {
  const server = createServer(socket => { socket.on('error', () => {}) })
  const sockets = new Set<{ destroy: () => void }>()
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('SIGTERM and SIGINT end every service with status 0 in time', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const i2cp = ['--router', router.json.i2cp as string]
  const target = await silentServer(t)
  const exit = await startService(t, [
    'exit', ...i2cp, '--site', `a.i2p=http://${target}`, '--console', `127.0.0.1:${await freePort()}`, '--state', temporaryFolder(t),
    '--quota-day', '100'
  ])
  const proxy = await startService(
    t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination, '--cache-dir', temporaryFolder(t)]
  )
  const server = await startService(t, ['tunnel', 'server', ...i2cp, '--target', target])
  const client = await startService(t, ['tunnel', 'client', ...i2cp, '--destination', server.json.destination, '--listen', '127.0.0.1:0'])
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '5'])
  // Work under way must not hold anybody: this site never answers, the tunnel stays open.
  const hanging = fetchPage('http://a.i2p/', proxy.json.proxy).catch(() => undefined)
  const through = fetchPage(`http://${String(client.json.listen)}/`).catch(() => undefined)
  await fetchPage('http://demo.i2p/', demo.json.proxy)
  for (const [name, service, signal] of [
    ['client', client, 'SIGINT'], ['server', server, 'SIGTERM'], ['exit', exit, 'SIGTERM'], ['proxy', proxy, 'SIGINT'],
    ['demo', demo, 'SIGTERM'], ['router', router, 'SIGTERM']
  ] as const) {
    const { status, took } = await service.stop(signal)
    t.equal(status, 0, `${name}: status ${String(status)} ${service.stderr()}`)
    t.ok(took < LIMIT, `${name} ended in ${Math.round(took)} ms`)
    t.comment(`${name}: ${Math.round(took)} ms`)
  }
  await Promise.all([hanging, through])
})

t.test('also without their router', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const i2cp = ['--router', router.json.i2cp as string]
  const target = await silentServer(t)
  const exit = await startService(t, ['exit', ...i2cp])
  const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination])
  const server = await startService(t, ['tunnel', 'server', ...i2cp, '--target', target])
  await router.stop('SIGKILL')
  for (const [name, service] of [['exit', exit], ['proxy', proxy], ['server', server]] as const) {
    const { status, took } = await service.stop()
    t.equal(status, 0, `${name}: ${service.stderr()}`)
    t.ok(took < LIMIT, `${name} ended in ${Math.round(took)} ms`)
  }
})

t.test('also while they start', async t => {
  // It takes connections and never says anything: every service that needs a router waits.
  const router = await silentServer(t)
  const commands: Record<string, string[]> = {
    demo: ['demo', '--proxy', '127.0.0.1:0', '--exits', '8'],
    router: ['router', '--i2cp', '127.0.0.1:0'],
    exit: ['exit', '--router', router],
    proxy: ['proxy', '--router', router, '--proxy', '127.0.0.1:0', '--exit', 'a.i2p'],
    'tunnel server': ['tunnel', 'server', '--router', router, '--target', '127.0.0.1:1'],
    'tunnel client': ['tunnel', 'client', '--router', router, '--destination', 'a.i2p', '--listen', '127.0.0.1:0']
  }
  for (const [name, args] of Object.entries(commands)) {
    const [loading, connecting] = [startCommand(t, args), startCommand(t, args)]
    const { status } = await loading.stop()
    // Before node runs the first line of ours, the signal's own action ends the process.
    t.ok(status === null || status === 0, `${name} while loading: status ${String(status)}`)
    await connecting.spoke
    // A service that has files to read again does not end by being told to before it is ready.
    if (name === 'exit' || name === 'proxy') connecting.child.kill('SIGHUP')
    const ended = await connecting.stop()
    t.equal(ended.status, 0, `${name}: ${connecting.stderr()}`)
    t.ok(ended.took < LIMIT, `${name} while it starts ended in ${Math.round(ended.took)} ms`)
  }
})

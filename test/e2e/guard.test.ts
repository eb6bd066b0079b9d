import t from 'tap'
import { createServer, type AddressInfo } from 'node:net'
import { fetchPage, startService } from './harness.ts'

t.test('inside addresses are refused by the exit with its own page, and see no connection', async t => {
  let connections = 0
  const inside = createServer(socket => { connections++; socket.destroy() })
  await new Promise<void>(resolve => inside.listen(0, resolve))
  t.teardown(() => { inside.close() })
  const { port } = inside.address() as AddressInfo
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--exits', '1', '--latency', '2', '--loss', '0', '--allow-web'])
  const targets = [
    'http://127.0.0.1/', `http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://[::1]:${port}/`, 'http://169.254.169.254/',
    'http://2130706433/',
    `http://0x7f.1:${port}/`, `http://0177.0.0.1:${port}/`, `http://[::ffff:127.0.0.1]:${port}/`, 'http://10.0.0.1/', 'http://192.168.0.1/',
    'http://0.0.0.0/'
  ]
  for (const url of targets) {
    const page = await fetchPage(url, demo.json.proxy)
    t.equal(page.status, 403, url)
    t.equal(page.headers['x-minwww-error'], 'MINWWW_POLICY', url)
  }
  t.equal(connections, 0)
})

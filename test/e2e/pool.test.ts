import t, { type Test } from 'tap'
import { documentationTree, fetchPage, logLines, missing, startNginx, startService, type Service } from './harness.ts'
import { pickPages } from './pages.ts'

const PAGES = 200
async function startPool (
  t: Test, origin: string, options: string[], proxyOptions: string[] = []
): Promise<{ exits: Service[], proxy: Service }> {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', ...options])
  const address = router.json.i2cp as string
  const exits = [await startService(t, ['exit', '--router', address, '--site', `docs.i2p=${origin}`, '--log-level', 'info']),
    await startService(t, ['exit', '--router', address, '--site', `docs.i2p=${origin}`, '--log-level', 'info'])]
  const proxy = await startService(t, ['proxy', '--router', address, '--proxy', '127.0.0.1:0', '--strategy', 'round-robin', '--log-level',
    'debug', ...proxyOptions,
    ...exits.flatMap(exit => ['--exit', exit.json.b32 as string])])
  return { exits, proxy }
}

/** How many requests each exit has answered, from the proxy's log. */
function usesOf (proxy: Service): Map<string, number> {
  const uses = new Map<string, number>()
  for (const { msg, exit } of logLines(proxy.stderr())) if (msg === 'request done') uses.set(exit, (uses.get(exit) ?? 0) + 1)
  return uses
}

const folder = documentationTree()
const skip = missing('/usr/sbin/nginx', folder ?? '/usr/share/doc/python3.11/html')

t.test('three processes and nginx: 200 real pages, byte-identical, one exit killed in the middle', { skip }, async t => {
  const origin = await startNginx(t, folder ?? '')
  const { exits, proxy } = await startPool(t, origin, ['--latency', '20', '--jitter', '2', '--loss', '0.2', '--seed', '3'])
  const pages = pickPages(folder ?? '', PAGES)
  let wrong = 0
  let fetched = 0
  const fetchOne = async (page: string): Promise<void> => {
    const [direct, through] = await Promise.all(
      [fetchPage(`${origin}/${page}`), fetchPage(`http://docs.i2p/${page}`, proxy.json.proxy as string)]
    )
    if (through.status !== 200 || !direct.body.equals(through.body)) {
      wrong++
      t.comment(`${page}: ${through.status}, ${through.body.length} of ${direct.body.length} bytes`)
    }
    if (++fetched === PAGES / 2) {
      const [a = 0, b = 0, ...others] = usesOf(proxy).values()
      t.ok(others.length === 0 && b > 0 && Math.abs(a - b) <= PAGES / 10, `the two exits in turn: ${a} and ${b}`)
      exits[0]?.child.kill('SIGKILL')
    }
  }
  const queue = [...pages]
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let page = queue.shift(); page !== undefined; page = queue.shift()) await fetchOne(page)
  }))
  t.equal(fetched, PAGES)
  t.equal(wrong, 0)
})

t.test('all exits dead: an error page with the right status', async t => {
  const { exits, proxy } = await startPool(t, 'http://127.0.0.1:9', ['--latency', '1'], ['--timeout', '8'])
  for (const exit of exits) await exit.stop('SIGKILL')
  const page = await fetchPage('http://docs.i2p/', proxy.json.proxy as string, { accept: 'text/html' })
  t.equal(page.status, 504)
  t.match(String(page.headers['content-type']), /text\/html/)
  t.equal(page.headers['cache-control'], 'no-store')
})

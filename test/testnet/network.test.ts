// The closed network itself: it becomes ready, a router can be killed and restarted, and nothing is left behind.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'
import { fetchThroughProxy } from './fetch.ts'
import { networkMissing, startNetwork } from './network.ts'

const namespaces = (prefix: string): string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n').filter(line => line.startsWith(`${prefix}-`))

for (const emulatedLinks of [false, true]) {
  const name = emulatedLinks ? 'links with 5 ms delay and 1 % loss' : 'plain links'
  t.test(name, { skip: networkMissing({ emulatedLinks }) ?? false }, async t => {
    const network = await startNetwork({ routers: 6, floodfills: 4, hops: [1], ...(emulatedLinks ? { delay: 5, loss: 0.01 } : {}) })
    t.teardown(async () => await network.stop())
    t.comment(`ready after ${network.readyAfter.get(1)} ms`)
    t.equal(namespaces(network.prefix).length, 8)
    t.same(await network.alive(), [1, 2, 3, 4, 5, 6])

    const address = await network.forward(network.proxy(1))
    t.equal(address.host, '127.0.0.1')
    const page = await fetchThroughProxy(network.connect(network.proxy(1)), `http://${network.site(1)}/bytes/5000`, 30_000)
    t.equal(page.body.length, 5000)

    await network.restart(6)
    await network.kill(5)
    t.same(await network.alive(), [1, 2, 3, 4, 6])

    await network.stop()
    t.same(namespaces(network.prefix), [])
    t.notOk(existsSync(network.directory))
  })
}

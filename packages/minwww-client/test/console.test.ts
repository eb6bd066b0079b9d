import t from 'tap'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { once } from 'node:events'
import { get, keys, startProxy, TRACE, type Site } from './proxy-support.ts'
import { EventFeed } from '../src/console/events.ts'
import { Histories, INTERVAL } from '../src/console/history.ts'
import { ActivityLog, applyTrace } from '../src/route/activity.ts'

const site: Site = () => ({ body: 'page' })
const nonceOf = (html: string): string => /name="minwww-nonce" content="([0-9a-f]+)"/.exec(html)?.[1] ?? ''

t.test('page and files, without anything from elsewhere', async t => {
  const { proxy, port } = await startProxy(site)
  const page = await get(port, '/console')
  t.equal(page.status, 200)
  const policy = page.get('content-security-policy') ?? ''
  t.match(policy, /^default-src 'none'/)
  t.notMatch(policy, /unsafe|http|\*/)
  t.equal(page.get('x-frame-options'), 'DENY')
  t.notMatch(page.text, /<script>|<style|https?:|\son\w+=/)
  for (const [, path] of page.text.matchAll(/(?:src|href)="(\/console\/[^"]+\.(?:js|css))"/g)) {
    const file = await get(port, path!)
    t.equal(file.status, 200)
    t.match(file.get('content-type'), /javascript|css/)
    t.ok(file.body.length > 500)
    t.equal((await get(port, `http://minwww.i2p${path!}`)).status, 200)
    t.equal((await get(port, path!, [['Host', `evil.example:${port}`]])).status, 421)
    t.equal((await get(port, path!, [['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Mode', 'no-cors']])).status, 403)
  }
  await proxy.close()
})

t.test('actions need nonce, origin and a right body', async t => {
  const { proxy, port } = await startProxy(site)
  const nonce = nonceOf((await get(port, '/console')).text)
  t.equal(nonce.length, 32)
  const post = async (path: string, body: unknown, headers: Array<[string, string]> = [['X-MinWWW-Nonce', nonce]]): Promise<number> => {
    const text = JSON.stringify(body)
    return (await get(
      port, `/console/${path}`, [['Content-Type', 'application/json'], ['Content-Length', String(text.length)], ...headers], 'POST', text
    )).status
  }
  const exit = keys().destination
  t.equal(await post('exits/add', { destination: exit.base64 }, []), 403)
  t.equal(await post('exits/add', { destination: exit.base64 }, [['X-MinWWW-Nonce', nonce.replace(/./g, '0')]]), 403)
  t.equal(await post('exits/add', { destination: exit.base64 }, [['X-MinWWW-Nonce', nonce], ['Origin', 'http://evil.example']]), 403)
  t.equal(await post('exits/add', { destination: exit.base64 }, [['X-MinWWW-Nonce', nonce], ['Origin', `http://127.0.0.1:${port}`]]), 200)
  for (const body of [{}, null, [], { destination: 5 }, { destination: '' }, { destination: '<b>' }, { destination: 'x'.repeat(3000) }]) {
    t.equal(await post('exits/add', body), 400, JSON.stringify(body).slice(0, 30))
  }
  t.equal((await get(port, '/console/exits/add')).status, 404)
  t.equal(proxy.exits().length, 2)
  t.equal(await post('exits/drain', { id: 'one' }), 200)
  t.equal(proxy.exits()[0]?.drained, true)
  t.equal(proxy.exits()[0]?.status, undefined)
  t.equal(await post('exits/resume', { id: 'one' }), 200)
  t.ok(proxy.exits()[0]?.status)
  t.equal(await post('exits/drop', { id: 'one' }), 200)
  t.equal(await post('exits/drop', { id: 'one' }), 200)
  t.equal(proxy.exits().length, 1)
  await get(port, 'http://a.example/')
  t.equal(await post('cache/clear', {}), 200)
  await proxy.close()
})

t.test('state, events and metrics', async t => {
  const { proxy, core, port } = await startProxy(site)
  await get(port, 'http://a.example/page?q=1')
  core.site = () => ({ fail: { code: 'timeout' } })
  await get(port, 'http://a.example/dead')
  const state = JSON.parse((await get(port, '/console/state')).text)
  t.match(state, {
    ready: true,
    exits: [{ id: 'one', state: 'ready', rtt: 400, loss: 0.01 }],
    totals: { requests: 2, failed: 1, bytes: 4 },
    cache: { misses: 2 }
  })
  t.match(state.done[1], {
    method: 'GET', url: 'http://a.example/page?q=1', path: 'message', status: 200, traversals: 2, tunnelMessages: 2, bytes: 4, exit: 'one'
  })
  t.match(state.done[0], { path: 'error', error: 'MINWWW_TIMEOUT', status: 504 })
  t.equal(state.traffic.length, 120)
  t.match(
    state.limits.find(({ name }: { name: string }) => name === 'requests of browsers'),
    { used: 0, most: 512, unit: 'requests', full: /503/ }
  )
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /console/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  let text = ''
  while (!/data: .*\n\n/.test(text)) text += String((await once(socket, 'data'))[0])
  t.match(text, /Content-Type: text\/event-stream/i)
  t.equal(JSON.parse(/data: (\{.*\})/.exec(text)![1]!).exits.length, 1)
  const metrics = (await get(port, '/metrics')).text
  for (const line of [
    'minwww_proxy_requests_total{path="message"} 1', 'minwww_proxy_failures_total{code="MINWWW_TIMEOUT"} 1', 'minwww_proxy_ready 1',
    'minwww_proxy_exit_up{exit="one"} 1', 'minwww_proxy_exit_rtt_seconds{exit="one"} 0.4', 'minwww_proxy_cache_misses_total 2',
    'minwww_proxy_in_flight 0', 'minwww_proxy_limit_used{limit="cache in memory"} ',
    'minwww_proxy_limit_most{limit="cache in memory"} 67108864'
  ]) t.ok(metrics.includes(line), line)
  t.notMatch(metrics, 'a.example')
  const closed = once(socket, 'close')
  await proxy.close()
  await closed
})

t.test('parts: history, traces, feed', async t => {
  const log = new ActivityLog()
  const histories = new Histories(log)
  const history = histories.of({ sees: 'all' })
  for (let i = 0; i < 300; i++) {
    const activity = log.begin('GET', `http://a.example/${'x'.repeat(400)}`)
    t.ok(activity.url.length <= 300)
    activity.bytes = 10
    log.end(activity)
    log.end(activity)
  }
  t.equal(log.done.length, 200)
  t.equal(log.inFlightCount, 0)
  t.equal(history.totals.requests, 300)
  const rows = history.rows(Date.now())
  t.equal(rows.reduce((sum, row) => sum + row.bytes, 0), 3000)
  t.equal(rows[1]!.at - rows[0]!.at, INTERVAL)
  const activity = log.begin('GET', 'x')
  applyTrace(activity, { ...TRACE, repaired: true }, 'e')
  t.match(activity, { path: 'repaired', exit: 'e' })
  applyTrace(activity, { ...TRACE, hedged: true, attempts: 2 }, undefined)
  t.match(activity, { path: 'hedged', traversals: 4 })
  const feed = new EventFeed(() => ({ x: 1 }))
  const written: string[] = []
  const listener = (): ServerResponse => {
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    response.write = (text: string) => written.push(text) > 0
    return response
  }
  const added = Array.from({ length: 17 }, () => feed.add(listener(), { sees: 'all' }))
  t.strictSame(added, [...Array.from({ length: 16 }, () => true), false])
  const slow = new EventFeed(() => ({}))
  slow.add(Object.defineProperty(listener(), 'writableLength', { value: 1e9 }), { sees: 'all' })
  slow.push()
  feed.close()
  slow.close()
  t.equal(written.length, 17)
})

t.test('charts and metrics count what was done before they were there', async t => {
  const log = new ActivityLog()
  for (const url of ['http://a.i2p/1', 'http://a.i2p/2']) log.end(log.begin('GET', url))
  const told: string[] = []
  log.follow(({ url }) => { told.push(url) })
  const histories = new Histories(log)
  log.end(log.begin('GET', 'http://a.i2p/3'))
  t.same(told, ['http://a.i2p/1', 'http://a.i2p/2', 'http://a.i2p/3'], 'each once, oldest first')
  t.equal(histories.of({ sees: 'all' }).totals.requests, 3)
})

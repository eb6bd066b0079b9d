import t from 'tap'
import { inflateSync } from 'node:zlib'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { picture, PICTURES } from '../src/demo-pictures.ts'
import { startDemoSite } from '../src/demo-site.ts'
import { measureGain } from '../src/run/demo-gain.ts'

t.test('pictures are PNG, always the same, and of many sizes', async t => {
  const all = Array.from({ length: PICTURES }, (_, number) => picture(number))
  for (const [number, bytes] of all.entries()) {
    t.equal(bytes.toString('latin1', 1, 4), 'PNG')
    t.ok(bytes.equals(picture(number)))
    const side = bytes.readUInt32BE(16)
    const length = bytes.readUInt32BE(33)
    t.equal(inflateSync(bytes.subarray(41, 41 + length)).length, side * (1 + side * 3))
    t.ok(bytes.length > 2_000 && bytes.length < 60_000, `${bytes.length} bytes`)
  }
  t.equal(new Set(all.map(bytes => bytes.length)).size, PICTURES)
})

t.test('the site: what is measured comes from no cache, and one page knows both ways', async t => {
  const site = await startDemoSite()
  t.teardown(site.close)
  site.setStreamsHost('aaaa.b32.i2p')
  t.match(await (await fetch(`${site.origin}/race.html`)).text(), 'http://aaaa.b32.i2p/gallery.html')
  for (const path of ['/gallery.html', '/gallery.js', '/picture/0.png']) {
    t.equal((await fetch(`${site.origin}${path}`)).headers.get('cache-control'), 'no-store', path)
  }
})

t.test('the race: every way as often, told when all are done', async t => {
  const asked: string[] = []
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('x')
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { proxy.close() })
  const { port } = proxy.address() as AddressInfo
  const { gain, done } = measureGain({
    proxy: { host: '127.0.0.1', port },
    hosts: { minwww: 'demo.i2p', streams: ['a.b32.i2p', 'b.b32.i2p'] },
    network: 'a model',
    signal: new AbortController().signal
  })
  t.match(gain(), { ways: [{ name: 'over streams', ms: undefined }, { name: 'over MinWWW', ms: undefined }] })
  await done
  t.ok(gain().ways.every(({ ms = 0 }) => ms > 0))
  const count = (host: string): number => asked.filter(url => new URL(url).host === host).length
  t.strictSame(['a.b32.i2p', 'b.b32.i2p', 'demo.i2p'].map(count), [PICTURES + 3, PICTURES + 3, 2 * (PICTURES + 3)])
})

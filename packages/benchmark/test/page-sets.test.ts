// Pages from packages, replayed: the files that are served, and what pushes are worth to a page of a known shape.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SeededRandom } from '@minwww/testkit'
import t from 'tap'
import { fileOf } from '../src/page-sets/files.ts'
import { PAGE_SETS, type PageSet } from '../src/page-sets/list.ts'
import type { Recording } from '../src/page-sets/record.ts'
import { isSmall, replaySite, SiteFiles, type PageLoad, type ReplayDesign } from '../src/page-sets/replay.ts'

const SET: PageSet = { host: 'site.i2p', from: 'npm', package: 'site', version: '1.0.0', with: [], root: 'dist', pages: ['index.html'] }
const RECORDING: Recording = {
  host: 'site.i2p',
  page: '/index.html',
  resources: [
    { path: '/a.css', because: '/index.html' },
    { path: '/print.css', because: '/index.html' },
    ...Array.from({ length: 8 }, (_, index) => ({ path: `/${index}.png`, because: '/index.html' })),
    { path: '/f.woff2?v=1', because: '/a.css' },
    { path: '/missing.js', because: '/index.html' },
    { path: '/by-script.json', because: '/missing.js' }
  ]
}

function folder (t: { testdir: () => string }): string {
  const base = t.testdir()
  const random = new SeededRandom(1)
  const put = (path: string, body: string | Uint8Array): void => {
    const file = join(base, 'npm/site', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, body)
  }
  const images = Array.from({ length: 8 }, (_, index) => `<img src=${index}.png>`).join('')
  put('dist/index.html', `<link rel=stylesheet href=a.css><link rel=stylesheet media=print href=print.css><body>${images}
    <script src=missing.js></script>`)
  put('dist/a.css', '@font-face { font-family: F; src: url(f.eot); src: url(f.woff2?v=1) } body { font-family: F }')
  put('dist/print.css', 'body { background: url(never.png) }')
  put('dist/f.woff2', random.bytes(20_000))
  put('dist/f.eot', random.bytes(20_000))
  for (let index = 0; index < 8; index++) put(`dist/${index}.png`, random.bytes(8_000))
  put('dist/large.bin', random.bytes(140_000))
  put('shared.js', '1')
  symlinkSync('../shared.js', join(base, 'npm/site/dist/link.js'))
  symlinkSync('/etc/hostname', join(base, 'npm/site/dist/out.js'))
  return base
}

t.test('files of a package, and nothing beside it', t => {
  const base = folder(t)
  for (const [path, status, type] of [
    ['/index.html', 200, 'text/html; charset=utf-8'], ['/f.woff2', 200, 'font/woff2'], ['/link.js', 200, 'text/javascript'],
    ['/large.bin', 200, 'application/octet-stream'], ['/out.js', 404], ['/../../../other', 404], ['/%2e%2e/%2e%2e/x', 404], ['/%zz', 404],
    ['/', 404], ['/gone', 404]
  ] as const) {
    const file = fileOf(base, SET, path)
    t.equal(file.status, status, path)
    if (type !== undefined) t.equal(file.type, type)
  }
  const site = new SiteFiles(base, SET)
  t.ok(isSmall(site, RECORDING))
  t.notOk(isSmall(site, { ...RECORDING, resources: [{ path: '/large.bin', because: '/index.html' }] }))
  t.end()
})

t.test('a page comes in one round trip, and what a script asks for in another', t => {
  const site = new SiteFiles(folder(t), SET)
  const load = (design: ReplayDesign): PageLoad => replaySite(design, site, [RECORDING], { latency: 250 }, 1)[0]!
  const [push, plain, streams] = [load('push'), load('plain'), load('streams')]
  t.equal(push.resources, 14)
  // What only a script that is missing would ask for is not foreseen.
  t.ok(push.warm < 1_050, String(push.warm))
  t.ok(plain.warm > 1_900 && plain.warm < 2_100, String(plain.warm))
  t.ok(streams.warm > 1_900 && streams.fresh! > 1_900, String(streams.warm))
  t.ok(push.pushed > 84_000 && push.pushed < 90_000, String(push.pushed))
  t.equal(push.used, push.pushed, 'neither the .eot nor what paper needs')
  t.strictSame([plain.pushed, streams.pushed], [0, 0])
  t.strictSame(load('push'), push, 'the same seed gives the same figures')
  t.end()
})

t.test('a narrow path: what nobody asked for does not overflow its queue, fresh or warm', t => {
  const site = new SiteFiles(folder(t), SET)
  const network = { latency: 250, bandwidth: 64 * 1024, queue: 500, jitter: 12 }
  for (const seed of [1, 2, 3]) {
    const [push, plain] = (['push', 'plain'] as const).map(design => replaySite(design, site, [RECORDING], network, seed)[0]!)
    // A round trip less, and what the bytes take: 5.9 s fresh once, when half of them were dropped.
    t.ok(push!.fresh! < 2_900, `${push!.fresh} ms fresh`)
    t.ok(push!.fresh! < 0.95 * plain!.fresh! && push!.warm < 0.95 * plain!.warm, `without pushes ${plain!.fresh} and ${plain!.warm} ms`)
  }
  t.end()
})

t.test('the list is one of pages that can be got', t => {
  const pages = PAGE_SETS.flatMap(({ pages }) => pages)
  t.ok(pages.length >= 40)
  t.equal(new Set(PAGE_SETS.map(({ host }) => host)).size, PAGE_SETS.length)
  for (const { from, version, host } of PAGE_SETS) {
    t.equal(version !== undefined, from === 'npm')
    t.match(host, /^[a-z0-9.-]+\.i2p$/)
  }
  t.end()
})

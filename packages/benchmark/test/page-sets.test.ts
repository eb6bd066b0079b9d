// Pages from packages, replayed: the files that are served, and what pushes are worth to a page of a known shape.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SeededRandom } from '@minwww/testkit'
import t from 'tap'
import { fileOf } from '../src/page-sets/files.ts'
import { PAGE_SETS, type PageSet } from '../src/page-sets/list.ts'
import { chosen } from '../src/page-sets/loads.ts'
import type { Recording } from '../src/page-sets/record.ts'
import { isSmall, replaySite, type PageLoad, type ReplayDesign, type Thing } from '../src/page-sets/replay.ts'
import { SiteFiles } from '../src/page-sets/site-files.ts'

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

/** A style sheet with a large picture, and more of them in the page. */
const LARGE: Recording = {
  host: 'site.i2p',
  page: '/large.html',
  resources: [
    { path: '/large.css', because: '/large.html' },
    ...[220_000, 240_000, 100_000].map(size => ({ path: `/${size}.jpg`, because: '/large.html' })),
    { path: '/540000.jpg', because: '/large.css' }
  ]
}

function largeFolder (t: { testdir: () => string }): string {
  const base = folder(t)
  const random = new SeededRandom(2)
  const put = (path: string, body: string | Uint8Array): void => writeFileSync(join(base, 'npm/site/dist', path), body)
  const pictures = LARGE.resources.flatMap(({ path }) => /\/(\d+)\.jpg/.exec(path)?.[1] ?? [])
  for (const size of pictures) put(`${size}.jpg`, random.bytes(Number(size)))
  const rules = random.bytes(12_000).toString('hex').replace(/(.{8})/g, '.a$1 { color: red }\n')
  put('large.css', `.masthead { background: url(540000.jpg) }\n${rules}`)
  const images = pictures.slice(0, 3).map(size => `<img src=${size}.jpg>`).join('')
  put('large.html', `<link rel=stylesheet href=large.css><header class=masthead>${images}`)
  return base
}

t.setTimeout(180_000)
for (const profile of ['plain', 'i2pd', 'i2pd-2.59', 'java'] as const) {
  t.test(`large pictures, which streams bring, over routers as ${profile}: not later than without pushes, fresh or warm`, t => {
    const site = new SiteFiles(largeFolder(t), SET)
    const network = { profile, latency: 250, jitter: 12, tunnelLifetime: 86_400_000 }
    t.notOk(isSmall(site, LARGE))
    const loads = (design: ReplayDesign): PageLoad[] => [1, 2, 3, 4, 5].map(seed => replaySite(design, site, [LARGE], network, seed)[0]!)
    const [push, plain] = [loads('push'), loads('plain')]
    for (const visit of ['fresh', 'warm'] as const) {
      const [own, other] = [push, plain].map(all => all.map(load => load[visit]!).sort((a, b) => a - b))
      t.ok(own![2]! < 1.05 * other![2]!, `${visit}: ${own!.map(Math.round).join(', ')}; without ${other!.map(Math.round).join(', ')}`)
    }
    t.end()
  })
}

/** The same, with a style sheet of another site: browsers ask for pictures of style sheets when none is missing. */
const BLOCKED: Recording = {
  ...LARGE,
  resources: [
    { path: 'https://fonts.example/a.css', because: '/large.html', type: 'Stylesheet' },
    ...LARGE.resources.map(thing => ({ ...thing, type: thing.path.endsWith('css') ? 'Stylesheet' : 'Image' }))
  ]
}

t.test('a picture of a style sheet is asked for when no style sheet is missing, with pushes too', t => {
  const site = new SiteFiles(largeFolder(t), SET)
  const network = { latency: 250, jitter: 12, tunnelLifetime: 86_400_000 }
  for (const design of ['push', 'plain', 'streams'] as const) {
    const things: Thing[] = []
    const [{ resources, warm }] = replaySite(design, site, [BLOCKED], network, 1, thing => things.push(thing)) as [PageLoad]
    const of = (path: string): Thing => things.findLast(thing => thing.path === path)!
    const [elsewhere, own, last] = [of('https://fonts.example/a.css'), of('/large.css'), of('/540000.jpg')]
    t.equal(resources, 7)
    t.ok(elsewhere.here > 900, `${design}: a round trip behind the page, ${elsewhere.here}`)
    t.equal(last.asked, Math.max(elsewhere.here, own.here))
    t.equal(last.here, warm)
    if (design === 'push') t.ok(own.here < 600, `its own style sheet has come with the page, ${own.here}`)
  }
  t.end()
})

t.test('which pages of the list are loaded', t => {
  const all = chosen()
  t.equal(all.length, PAGE_SETS.flatMap(({ pages }) => pages).length)
  t.strictSame([chosen(1_000), chosen(all.length)], [all, all])
  t.equal(chosen(5).length, 5)
  t.strictSame(chosen(['git-doc/index', 'grayscale']), ['/git-doc/index.html', '/startbootstrap-grayscale/index.html'])
  t.strictSame(chosen(['none']), [])
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

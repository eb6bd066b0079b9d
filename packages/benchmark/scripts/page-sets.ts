/**
 * Real pages. Arguments: `fetch DIR` gets the packages of the list (npm, apt); `record DIR` has Chromium write down what each
 * page asks for; `replay DIR [SEEDS]` loads them with pushes, without, and over our streams, in virtual time;
 * `load DIR [RUNS] [LOSS] [DESIGNS] [BROWSER] [PAGES] [fresh]` does so in `chromium` or `firefox` over the embedded router, once
 * more than RUNS as the first round warms the clients, and compares every body; PAGES is how many of the list, spread over it, or parts
 * of names with commas between them; with `fresh` each page by a new client, too. Both print tables.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PAGE_SETS, type PageSet } from '../src/page-sets/list.ts'
import { recordSet, type Recording } from '../src/page-sets/record.ts'
import { startBrowser } from '../src/worlds/browser.ts'

const [command, directory = 'artifacts/page-sets', count = '3', loss = '0', designs, browser = 'chromium', pages, fresh] = process.argv.slice(2)
const base = resolve(directory)
const RECORDINGS = join(base, 'recordings.json')

function fetchSet ({ from, package: name, version, with: others }: PageSet): void {
  const to = join(base, from, name)
  const work = mkdtempSync(join(base, 'get-'))
  try {
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to, { recursive: true })
    if (from === 'npm') execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work })
    else execFileSync('apt-get', ['download', '-qq', name, ...others], { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] })
    for (const file of readdirSync(work).map(file => join(work, file))) {
      if (from === 'npm') execFileSync('tar', ['xzf', file, '-C', to, '--strip-components=1'])
      else execFileSync('dpkg-deb', ['-x', file, to])
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

switch (command) {
  case 'fetch':
    mkdirSync(base, { recursive: true })
    for (const set of PAGE_SETS) {
      console.log(`${set.from} ${set.package}`)
      fetchSet(set)
    }
    break
  case 'record': {
    const browser = await startBrowser()
    try {
      const recordings: Recording[] = []
      for (const set of PAGE_SETS) recordings.push(...await recordSet(browser, base, set))
      writeFileSync(RECORDINGS, JSON.stringify(recordings, undefined, 1))
      for (const { host, page, resources } of recordings) console.log(`${host}${page}: ${resources.length}`)
    } finally {
      await browser.close()
    }
    break
  }
  case 'load': {
    const { DESIGNS, loadAll } = await import('../src/page-sets/loads.ts')
    const { startPageBrowser } = await import('./page-browsers.ts')
    console.log(await loadAll(base, {
      browser: await startPageBrowser(browser),
      latency: 250,
      loss: Number(loss),
      runs: Number(count),
      ...(pages !== undefined && { pages: /^\d+$/.test(pages) ? Number(pages) : pages.split(',') }),
      fresh: fresh === 'fresh',
      designs: designs?.split(',') ?? DESIGNS,
      seed: 1,
      progress: text => console.error(text)
    }))
    break
  }
  case 'replay': {
    const { replayTables } = await import('../src/page-sets/tables.ts')
    console.log(replayTables(base, JSON.parse(readFileSync(RECORDINGS, 'utf8')) as Recording[], Number(count)))
    break
  }
  default:
    console.error('page-sets.ts fetch|record|replay|load DIR')
    process.exitCode = 1
}

// Checks the built site: every link of a page to another one, to a file or to a heading leads somewhere. Ends with status 1 and a
// line for each that does not. Addresses of other sites are not asked.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const SITE = 'artifacts/site'
const pages = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
const decode = text => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"')
const read = new Map(pages.map(page => {
  const html = readFileSync(join(SITE, page), 'utf8')
  return [page, {
    ids: new Set([...html.matchAll(/ (?:id|name)="([^"]+)"/g)].map(([, id]) => decode(id))),
    links: [...html.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link]) => decode(link))
  }]
}))

let checked = 0
const broken = []
for (const [page, { links }] of read) {
  for (const link of links) {
    if (/^[a-z]+:/.test(link)) continue
    checked++
    const [path, fragment] = link.split('#', 2).map(part => decodeURIComponent(part))
    const target = path === '' ? page : normalize(join(dirname(page), path))
    const exists = read.has(target) || (existsSync(join(SITE, target)) && statSync(join(SITE, target)).isFile())
    const heading = fragment === undefined || fragment === '' || !read.has(target) || read.get(target).ids.has(fragment)
    if (!exists || !heading) broken.push(`${page}: ${link}`)
  }
}
for (const line of new Set(broken)) console.log(line)
console.log(`${pages.length} pages, ${checked} links, ${broken.length} broken`)
process.exitCode = broken.length === 0 && pages.length > 0 ? 0 : 1

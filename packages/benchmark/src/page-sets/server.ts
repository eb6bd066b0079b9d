import { createServer } from 'node:http'
import { serve, type Site } from '../worlds/site.ts'
import { fieldsOf, fileOf, type SiteFile } from './files.ts'
import { PAGE_SETS } from './list.ts'

/** The file of `/PACKAGE/PATH`. */
export function fileOfAll (base: string, url: string): SiteFile | undefined {
  const { pathname } = new URL(url, 'http://x')
  const set = PAGE_SETS.find(({ package: name }) => pathname.startsWith(`/${name}/`))
  return set && fileOf(base, set, pathname.slice(set.package.length + 1))
}

/** All sets beneath one host, each in a folder of its package's name. */
export async function startPageSets (base: string): Promise<Site> {
  const server = createServer(({ url = '/' }, response) => {
    const file = fileOfAll(base, url)
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(file.status, [...fieldsOf(file), ['Cache-Control', 'no-store'] as const].flat()).end(file.body)
  })
  return await serve(server)
}

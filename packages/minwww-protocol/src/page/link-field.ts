import { References, type Kind } from './references.ts'

const AS: Readonly<Record<string, Kind>> = { style: 'style', script: 'script', font: 'font', image: 'image', fetch: 'other' }
/** Characters of a field that are read. */
const MAX_FIELD = 16_384
/** One link of RFC 8288: its target, and its parameters. */
const LINK = /<([^<>]{0,2048})>((?:\s*;\s*[\w!#$&+\-.^`|~]{1,40}\s*(?:=\s*(?:"[^"]{0,400}"|[^\s;,"]{1,400}))?){0,20})/g

/** Adds what `Link` fields (RFC 8288) say is to be preloaded. */
export function readLinkFields (values: readonly string[], into: References): void {
  for (const value of values) {
    for (const [, target = '', text = ''] of value.slice(0, MAX_FIELD).matchAll(LINK)) {
      const parameter = (name: string): string | undefined =>
        new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;,"]+))`, 'i').exec(text)?.slice(1).join('').toLowerCase()
      const rels = parameter('rel')?.split(/\s+/) ?? []
      if (parameter('imagesrcset') !== undefined) continue
      const kind = AS[parameter('as') ?? '']
      if (rels.includes('preload') && kind !== undefined) into.add(target, kind)
      else if (rels.includes('modulepreload')) into.add(target, 'script')
      else if (rels.includes('stylesheet')) into.add(target, 'style')
    }
  }
}

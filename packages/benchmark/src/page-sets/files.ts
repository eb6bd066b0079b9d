import { readFileSync, realpathSync, statSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import type { HeaderList } from '@minwww/protocol'
import type { PageSet } from './list.ts'

/** What a web server says of a file. */
export interface SiteFile { status: number, type: string, body: Buffer }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.eot': 'application/vnd.ms-fontobject',
  '.mp4': 'video/mp4'
}
/** Bytes of the largest file that is served. */
const MAX_FILE = 8_388_608
const MISSING: SiteFile = { status: 404, type: 'text/html', body: Buffer.from('<!doctype html><title>404</title>\n') }

/** Serves a set's files as a plain web server does: 404 for what is not there, or not in its packages. */
export function fileOf (base: string, { from, package: name, root }: PageSet, path: string): SiteFile {
  try {
    const folder = realpathSync(join(base, from, name))
    const file = realpathSync(join(folder, root, decodeURIComponent(path)))
    const about = statSync(file)
    if (!file.startsWith(folder + sep) || !about.isFile() || about.size > MAX_FILE) return MISSING
    return { status: 200, type: TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream', body: readFileSync(file) }
  } catch {
    return MISSING
  }
}

/** The fields of its response. */
export function fieldsOf ({ type, body }: SiteFile): HeaderList {
  return [['Content-Type', type], ['Content-Length', String(body.length)], ['Last-Modified', 'Sat, 03 Jan 2026 10:00:00 GMT']]
}

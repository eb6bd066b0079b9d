import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const SMALLEST = 200
const LARGEST = 127 * 1024

/** `count` pages of a real documentation tree, spread evenly over its sizes from 0.2 to 127 KB: paths relative to `folder`. */
export function pickPages (folder: string, count: number): string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(html|txt|css|js|png|svg)$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => ({ path: relative(folder, path), size: statSync(path).size }))
    .filter(({ size }) => size >= SMALLEST && size <= LARGEST)
    .sort((a, b) => a.size - b.size || a.path.localeCompare(b.path))
  return Array.from({ length: count }, (_, index) => all[Math.floor(index * all.length / count)]?.path ?? '')
}

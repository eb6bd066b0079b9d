// Where the project lives, in every package: `repository` and `bugs` of the root's package.json, with the package's folder.
// `check` finds a package that says something else; `--fix` writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { PUBLISHED } from './published.js'

const read = folder => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
const { repository, bugs } = read('.')

/** @returns the folders of packages whose addresses were not those of the root */
export function wrongAddresses ({ fix = false } = {}) {
  return PUBLISHED.filter(folder => {
    const manifest = read(folder)
    const own = { repository: { ...repository, directory: folder }, bugs }
    if (isDeepStrictEqual({ repository: manifest.repository, bugs: manifest.bugs }, own)) return false
    if (fix) {
      const { name, version, description, license, repository: _, bugs: __, ...rest } = manifest
      writeFileSync(`${folder}/package.json`, `${JSON.stringify({ name, version, description, license, ...own, ...rest }, null, 2)}\n`)
    }
    return true
  })
}

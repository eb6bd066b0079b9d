import { readFileSync } from 'node:fs'

const manifest = folder => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))

/** Folders of the packages that others get: all but the private ones. */
export const PUBLISHED = manifest('.').workspaces.filter(folder => manifest(folder).private !== true)

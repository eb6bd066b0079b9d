// A plugin of TypeDoc for `npm run docs:site`: modules have the names under which programs import them, documents theirs in docs/.
import { readFileSync } from 'node:fs'
import { Converter, ReflectionKind } from 'typedoc'

const { entryPoints } = JSON.parse(readFileSync(new URL('../typedoc.json', import.meta.url), 'utf8'))

/** `@minwww/i2cp/codec` for `packages/i2cp/src/codec.ts` */
function importName (file) {
  const [, folder, entry] = /^packages\/([^/]+)\/src\/(.+)\.ts$/.exec(file)
  const { name } = JSON.parse(readFileSync(new URL(`../packages/${folder}/package.json`, import.meta.url), 'utf8'))
  return entry === 'index' ? name : `${name}/${entry}`
}

/** `i2cp/src/codec`, as TypeDoc calls it; `i2cp/src` for an index. */
const typedocName = file => file.replace(/^packages\//, '').replace(/(\/index)?\.ts$/, '')

export function load (app) {
  const names = new Map(entryPoints.map(file => [typedocName(file), importName(file)]))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) module.name = names.get(module.name) ?? module.name
    for (const document of project.documents ?? []) {
      document.name = document.name.replace(/^docs\//, '').replace(/^(packages\/[^/]+)\/README$/, '$1').replace(/README$/, 'overview')
    }
  })
}

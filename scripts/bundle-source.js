// One script of a TypeScript file and all that it imports from this workspace, for tests that start fast.
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

// What is bundled knows where its source was.
const places = {
  name: 'places',
  setup (build) {
    build.onLoad({ filter: /\/(?:packages|test|scripts)\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      if (!text.includes('import.meta.')) return undefined
      const contents = text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
      return { contents, loader: 'ts' }
    })
  }
}

// Packages of the workspace are those below `root`, whatever node_modules links to; all others are left to node.
const packages = root => ({
  name: 'packages',
  setup (build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, pluginData, resolveDir }) => {
      if (kind === 'entry-point' || pluginData === 'found') return undefined
      if (!path.startsWith('@minwww/') && path !== 'minwww') return { path, external: true }
      const found = await build.resolve(path, { kind, resolveDir, pluginData: 'found' })
      return { ...found, path: found.path.replace(/^.*\/packages\//, `${root}/packages/`) }
    })
  }
})

/** @param options - of esbuild, beside those given here */
export async function bundle (file, options) {
  const root = process.cwd()
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    conditions: ['@minwww/source'],
    logLevel: 'error',
    plugins: [places, packages(root)],
    ...options
  })
  return outputFiles[0].text
}

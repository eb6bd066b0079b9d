// npm run pack:bundle: the whole command line as one file, artifacts/minwww.mjs, that needs Node and nothing else. The same sources
// give the same bytes, wherever and whenever.
import { build } from 'esbuild'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ENTRY = join(ROOT, 'packages/minwww/src/main.ts')

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  conditions: ['@minwww/source'],
  charset: 'utf8',
  legalComments: 'none', // the licences of all that is in it are at its end
  logLevel: 'error',
  write: false
}

/** What a package names as its file, and what comes of the repository only: that stays the name of a file that is not there. */
const ASSET = /new URL\(\s*'(\.[^']+)',\s*import\.meta\.url\s*\)/g
const RESOLVED = /import\.meta\.resolve\(\s*'([^']+)'\s*\)/g
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml', '.json': 'application/json' }

const dataUrl = (content, name) => {
  const type = TYPES[/\.[a-z]+$/.exec(name)?.[0]] ?? 'application/octet-stream'
  return `data:${type};base64,${Buffer.from(content).toString('base64')}`
}

/** Files that sources name by `new URL('...', import.meta.url)` become data: URLs; a module among them is bundled itself. */
const inlineAssets = {
  name: 'inline assets',
  setup ({ onLoad }) {
    onLoad({ filter: /\/packages\/[a-z0-9-]+\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = readFileSync(path, 'utf8')
      if (!source.includes('import.meta')) return undefined
      const contents = await replaceAll(source, ASSET, async (whole, name) => {
        const file = fileOf(resolve(dirname(path), name))
        if (file === undefined || packageOf(file) !== packageOf(path)) return whole
        const content = file.endsWith('.ts') ? await bundleProgram(file) : readFileSync(file)
        return `new URL(${JSON.stringify(dataUrl(content, name))})`
      })
      return {
        loader: 'ts',
        contents: await replaceAll(contents, RESOLVED, async (_whole, name) => {
          const file = fileURLToPath(import.meta.resolve(name, pathToFileURL(path)))
          return JSON.stringify(dataUrl(readFileSync(file), file))
        })
      }
    })
  }
}

/** Compiled modules are named; their sources are here. */
const fileOf = path => [path, path.replace(/\.js$/, '.ts')].find(file => existsSync(file) && statSync(file).isFile())

const packageOf = path => relative(ROOT, path).split('/').slice(0, 2).join('/')

async function replaceAll (text, pattern, replacement) {
  const matches = [...text.matchAll(pattern)]
  const texts = await Promise.all(matches.map(async match => await replacement(...match)))
  return text.replace(pattern, () => texts.shift())
}

/** A module that is a thread or a process of its own. */
async function bundleProgram (entry) {
  const { outputFiles } = await build({ ...COMMON, entryPoints: [entry], plugins: [inlineAssets] })
  return outputFiles[0].contents
}

/** CommonJS packages call `require`, which a module does not have. */
const BANNER = `#!/usr/bin/env node
import { createRequire as minwwwCreateRequire } from 'node:module'
const require = minwwwCreateRequire(import.meta.url)`

/** @returns {Promise<{ text: string, packages: string[] }>} the program, and the folders of the packages of others that are in it */
export async function bundle () {
  const { outputFiles, metafile } = await build({
    ...COMMON, entryPoints: [ENTRY], plugins: [inlineAssets], banner: { js: BANNER }, metafile: true
  })
  const packages = packagesOf(metafile)
  return { text: `${outputFiles[0].text}\n${notices(packages)}`, packages }
}

/** uPlot comes as a file. */
function packagesOf ({ inputs }) {
  const folders = Object.keys(inputs).map(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean)
  return [...new Set([...folders, 'node_modules/uplot'])].sort()
}

/** Names, versions and licences of all packages whose code is in the bundle: what their licences ask for. */
function licencesOf (packages) {
  return packages.map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(ROOT, folder)).find(entry => /^licen[cs]e/i.test(entry))
    return { name, version, license, text: file === undefined ? undefined : readFileSync(join(ROOT, folder, file), 'utf8').trim() }
  })
}

function notices (packages) {
  const own = readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim()
  const parts = licencesOf(packages).map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text ?? ''}`.trim())
  const body = [`MinWWW\n\n${own}`, ...parts].join(`\n\n${'-'.repeat(40)}\n\n`).replaceAll('*/', '* /')
  return `/*!\n${body}\n*/\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = join(process.argv[2] ?? join(ROOT, 'artifacts'), 'minwww.mjs')
  mkdirSync(dirname(target), { recursive: true })
  const { text } = await bundle()
  writeFileSync(target, text, { mode: 0o755 })
  console.log(`${relative(process.cwd(), target)}: ${basename(ENTRY)} and all that it needs, ${Math.round(text.length / 1024)} KB`)
}

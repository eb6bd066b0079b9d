// npm run check:reproducible: bundle and Debian package are built twice, here and from a copy of the sources in another place, with
// another time zone, language and umask, and must be the same bytes.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['packages', 'packaging', 'scripts', 'package.json', 'tsconfig.base.json', 'tsconfig.json', 'LICENSE', 'CHANGELOG.md']
const LEFT_OUT = new Set(['dist', 'node_modules', '.tap', 'man'])
/** What builds. */
const TOOLS = ['esbuild', '@esbuild', 'tsx', 'get-tsconfig', 'resolve-pkg-maps'].map(name => `node_modules/${name}`)

/** The sources without what is built of them, and the packages that they use. */
async function copyTo (folder) {
  for (const name of SOURCES) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: file => !LEFT_OUT.has(file.split('/').at(-1)) })
  }
  const { packages } = await bundle()
  for (const name of [...packages, ...TOOLS]) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'node_modules/@minwww'))
  for (const name of readdirSync(join(folder, 'packages'))) {
    const own = JSON.parse(readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8')).name
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules', own))
  }
}

function build (folder, target, env) {
  const run = (...args) => execFileSync('bash', ['-c', `umask ${env.UMASK}; exec "$@"`, 'bash', process.execPath, ...args], {
    cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit']
  })
  run('scripts/bundle.js', target)
  run('scripts/deb.js', '--out', target)
  const names = readdirSync(target).sort()
  return names.map(name => `${createHash('sha256').update(readFileSync(join(target, name))).digest('hex')}  ${name}`)
}

const work = mkdtempSync(join(tmpdir(), 'minwww-twice-'))
try {
  const copy = join(work, 'somewhere/else')
  mkdirSync(dirname(copy), { recursive: true })
  await copyTo(copy)
  const first = build(ROOT, join(work, 'first'), { TZ: 'UTC', LANG: 'C', UMASK: '022' })
  const second = build(copy, join(work, 'second'), { TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8', UMASK: '077' })
  console.log(first.join('\n'))
  if (first.length !== 2 || first.join() !== second.join()) {
    console.log(`not the same bytes:\n${second.join('\n')}`)
    process.exitCode = 1
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

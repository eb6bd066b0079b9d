// npm run pack:deb: artifacts/deb/minwww_VERSION_all.deb, from the bundle, the units of packaging/systemd, the manual page and a
// commented configuration file. Needs dpkg-deb. The same sources give the same bytes. `--version` names another version.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { bundle } from './bundle.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DEBIAN = join(ROOT, 'packaging/debian')
const UNITS = join(ROOT, 'packaging/systemd')
const SCRIPTS = ['postinst', 'prerm', 'postrm']
/** Of every file in the package, as npm has it in its own; seconds. */
const TIME = 499_162_500

const gzip = text => gzipSync(text, { level: 9 })

function textsOf () {
  const args = ['--conditions=@minwww/source', '--import', 'tsx', 'scripts/package-texts.ts']
  return JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 }))
}

const control = (version, size) => `Package: minwww
Version: ${version}
Architecture: all
Maintainer: MinWWW contributors <packages@minwww.invalid>
Installed-Size: ${size}
Depends: nodejs (>= 20.19), procps
Recommends: i2pd | i2p
Suggests: firefox-esr | chromium
Section: net
Priority: optional
Description: UDP-like HTTP over I2P: browser proxy and exits
 MinWWW fetches web pages over I2P with as few tunnel traversals as there can
 be: a page is one message to one of a pool of exits, and one reply.
 .
 Proxy and exit are services that run as users of their own, with no rights
 but those that they need. Neither is started by the installation.
`

/** Everything of the package under `folder`, with the modes that it will have. */
async function stage (folder, version) {
  const put = (path, content, mode = 0o644) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    chmodSync(file, mode)
  }
  const { text: code } = await bundle()
  const { man, settings, version: own } = textsOf()
  put('usr/lib/minwww/minwww.mjs', code.replace('#!/usr/bin/env node', '#!/usr/bin/node'), 0o755)
  mkdirSync(join(folder, 'usr/bin'), { recursive: true })
  symlinkSync('../lib/minwww/minwww.mjs', join(folder, 'usr/bin/minwww'))
  for (const unit of readdirSync(UNITS)) put(`usr/lib/systemd/system/${unit}`, readFileSync(join(UNITS, unit)))
  put('usr/share/man/man1/minwww.1.gz', gzip(man))
  put('usr/share/doc/minwww/changelog.gz', gzip(readFileSync(join(ROOT, 'CHANGELOG.md'))))
  put('usr/share/doc/minwww/copyright', code.slice(code.lastIndexOf('\n/*!\n') + 5, code.lastIndexOf('\n*/')) + '\n')
  put('etc/minwww/minwww.toml', settings)
  const files = list(folder)
  const size = Math.ceil(files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / 1024)
  const md5 = file => createHash('md5').update(readFileSync(join(folder, file))).digest('hex')
  put('DEBIAN/md5sums', files.filter(file => !file.startsWith('etc/')).map(file => `${md5(file)}  ${file}\n`).join(''))
  put('DEBIAN/conffiles', '/etc/minwww/minwww.toml\n')
  put('DEBIAN/control', control(version ?? own, size))
  for (const script of SCRIPTS) put(`DEBIAN/${script}`, readFileSync(join(DEBIAN, script)), 0o755)
  for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (path.isDirectory()) chmodSync(join(path.parentPath, path.name), 0o755)
  }
  chmodSync(folder, 0o755)
  return version ?? own
}

function list (folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name))).sort()
}

/** Builds the package into `target`, and returns its path. */
export async function buildDeb (target, version) {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-deb-'))
  try {
    const named = await stage(folder, version)
    mkdirSync(target, { recursive: true })
    const file = join(target, `minwww_${named}_all.deb`)
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(TIME) }
    const args = ['--root-owner-group', '-Zxz', '--threads-max=1', '--build', folder, file]
    execFileSync('dpkg-deb', args, { stdio: ['ignore', 'ignore', 'inherit'], env })
    return file
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { version: { type: 'string' }, out: { type: 'string', default: join(ROOT, 'artifacts/deb') } } })
  console.log(relative(process.cwd(), await buildDeb(values.out, values.version)))
}

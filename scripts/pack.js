// Packs every package into artifacts/packages/*.tgz, to be installed together: npm install artifacts/packages/*.tgz
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'

const TARGET = 'artifacts/packages'
rmSync(TARGET, { recursive: true, force: true })
mkdirSync(TARGET, { recursive: true })
const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'))
execFileSync('npm', ['pack', '--silent', '--pack-destination', TARGET, ...workspaces.flatMap(folder => ['--workspace', folder])], { stdio: 'inherit' })

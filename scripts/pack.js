// Packs every package into artifacts/packages/*.tgz, to be installed together: npm install artifacts/packages/*.tgz
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { PUBLISHED } from './published.js'

const TARGET = 'artifacts/packages'
rmSync(TARGET, { recursive: true, force: true })
mkdirSync(TARGET, { recursive: true })
execFileSync(
  'npm', ['pack', '--silent', '--pack-destination', TARGET, ...PUBLISHED.flatMap(folder => ['--workspace', folder])], { stdio: 'inherit' }
)

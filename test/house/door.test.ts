// What strangers meet first: the forge's workflow runs scripts that exist, and every package says where it comes from.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const read = (file: string): string => readFileSync(file, 'utf8')

t.test('the workflow needs nothing but npm and the scripts of package.json', async t => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const steps = [...read('.github/workflows/check.yml').matchAll(/- run: (.+)/g)].map(([, step = '']) => step)
  t.ok(steps.length >= 3, steps.join('; '))
  for (const step of steps) {
    const script = /^npm run ([\w:]+)$/.exec(step)?.[1]
    t.ok(step === 'npm ci' || (script !== undefined && script in scripts), step)
  }
})

t.test('every package names repository and bugs as the root does', async t => {
  const { repository, bugs } = JSON.parse(read('package.json')) as { repository: object, bugs: string }
  for (const name of readdirSync('packages')) {
    const manifest = JSON.parse(read(`packages/${name}/package.json`)) as { private?: boolean, repository?: object, bugs?: string }
    if (manifest.private === true) continue
    const { repository: own, bugs: ownBugs } = manifest
    t.same([own, ownBugs], [{ ...repository, directory: `packages/${name}` }, bugs], 'run: node scripts/check-packages.js --fix')
  }
})

t.test('the doors are there', async t => {
  const files = ['CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'LICENSE', '.editorconfig', '.github/PULL_REQUEST_TEMPLATE.md']
  for (const file of files) t.ok(read(file).length > 100, file)
})

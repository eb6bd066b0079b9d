// The README of each package says in one screen what it is, how to install it, ten lines that work, and where to go next. That the lines
// work is test/e2e/readmes.test.ts.
import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'

const SCREEN = 44
const MOST_LINES_OF_CODE = 18

for (const name of readdirSync('packages')) {
  if (name === 'testkit') continue // never published
  t.test(name, async t => {
    const text = readFileSync(`packages/${name}/README.md`, 'utf8')
    const screen = text.split('\n').slice(0, SCREEN).join('\n')
    t.match(screen, /^# \S+\n\n[A-Z].{40,}/, 'what it is')
    t.match(screen, /^Install: .*`npm run pack:all/m, 'how to install it')
    const [, code = ''] = /```(?:js|ts|)\n(.*?)```/s.exec(screen) ?? []
    t.ok(code !== '' && code.trim().split('\n').length <= MOST_LINES_OF_CODE, 'lines that work')
    t.match(screen, /^Next:\s.*\]\(/ms, 'where next')
  })
}

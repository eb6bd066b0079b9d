// Writes docs/reports/faults.md from what the last run of test/faults has measured (artifacts/faults).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Row } from '../test/faults/rows.ts'

const root = new URL('../', import.meta.url)
const folder = new URL('artifacts/faults/', root)
const rows = readdirSync(folder).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .map(name => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Row)

const time = (milliseconds: number): string => milliseconds < 950
  ? `${Math.max(10, Math.round(milliseconds / 10) * 10)} ms`
  : `${(milliseconds / 1000).toFixed(1)} s`
const cell = (text: string): string => text.replaceAll('|', '\\|')
const line = ({ fault, user, kept, again }: Row): string =>
  `| ${[fault, user, kept, again.map(([what, milliseconds]) => `${what}: ${time(milliseconds)}`).join('; ')].map(cell).join(' | ')} |`

const date = new Date().toISOString().slice(0, 10)
const note = process.env.FAULTS_NOTE === undefined ? '' : ` (${process.env.FAULTS_NOTE})`
const machine = `${cpus().length} processors, Node ${process.versions.node}${note}`
writeFileSync(new URL('docs/reports/faults.md', root), `# Faults

**Date** ${date}. **Machine** ${machine}. **Command** \`npm run docs:faults\`.

What goes wrong, what a user sees meanwhile, what is kept, and how long it takes until it works again. Every line is a
test in \`test/faults\`, over an embedded router with 10 ms one way where the line does not say otherwise. Times of single
runs show the order of a wait, not more.

| fault | the user sees | kept | measured |
|---|---|---|---|
${rows.map(line).join('\n')}

Further faults are in the end-to-end tests: the router goes and comes back under an open browser tab, and all exits dead
(\`test/e2e/recovery.test.ts\`); every service ends within two seconds of SIGTERM, also while it starts and without its
router (\`test/e2e/shutdown.test.ts\`); drain and reload under load, and \`kill -9\` with a quota
(\`test/e2e/operations.test.ts\`).

## What does not work well

* While no router is there, the proxy answers 503 for every page, also for those that its cache could give.
* When an exit dies in the middle of a large answer that has no strong ETag, the download stands still until the exit is back
  and asked for the stream, after 10, 30 or 70 s of silence, and for 90 s at most. So does a POST over a stream.
* Under \`MemoryMax\` or the kernel's out-of-memory killer a service dies without a word; systemd starts it again.
`)

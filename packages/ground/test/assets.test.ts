import t from 'tap'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { programFile, readAsset } from '../src/node.ts'

const OWN = new URL(import.meta.url)
const inline = (content: string): URL => new URL(`data:application/octet-stream;base64,${Buffer.from(content).toString('base64')}`)

t.test('a file is read where it is, or from its URL', async t => {
  t.ok(readAsset(OWN).equals(readFileSync(fileURLToPath(OWN))))
  t.equal(readAsset(inline('whatever\0')).toString(), 'whatever\0')
  t.equal(readAsset(inline('')).length, 0)
  t.throws(() => readAsset(new URL('./no-such-file', import.meta.url)), { code: 'ENOENT' })
})

t.test('a program is a file, which goes with the process if it was written for it', async t => {
  t.equal(programFile(OWN), fileURLToPath(OWN))
  const file = programFile(inline('console.log("ran")'), 'program.mjs')
  t.match(file, /program\.mjs$/)
  t.equal(execFileSync(process.execPath, [file], { encoding: 'utf8' }), 'ran\n')
  const code = `import { programFile } from ${JSON.stringify(new URL('../src/node.ts', import.meta.url).href)}
    console.log(programFile(new URL('data:text/javascript;base64,'), 'a.mjs'))`
  const gone = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { encoding: 'utf8' }).trim()
  t.match(gone, /a\.mjs$/)
  t.notOk(existsSync(gone))
})

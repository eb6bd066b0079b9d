// Checks every package as a stranger would get it: where it comes from, publint over its package.json, and the types of each export.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { PUBLISHED } from './published.js'
import { wrongAddresses } from './repository.js'

let failed = 0
for (const folder of wrongAddresses({ fix: process.argv.includes('--fix') })) {
  failed++
  console.log(`not ok repository and bugs of ${folder} were not those of the root; --fix writes them`)
}
for (const folder of PUBLISHED) {
  for (const [tool, args] of [['publint', ['--strict', folder]], ['attw', ['--pack', folder, '--profile', 'esm-only']]]) {
    try {
      execFileSync(join('node_modules', '.bin', tool), args, { stdio: 'pipe' })
      console.log(`ok ${tool} ${folder}`)
    } catch (error) {
      failed++
      console.log(`not ok ${tool} ${folder}\n${error.stdout}${error.stderr}`)
    }
  }
}
process.exitCode = failed === 0 ? 0 : 1

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfigFile } from '../src/config/file.ts'
import { resolveSettings } from '../src/config/load.ts'
import { sampleConfig } from '../src/config/sample.ts'
import { SECTIONS, settingsOf, type Section } from '../src/config/schema.ts'

const ALL = Object.keys(SECTIONS) as Section[]

t.test('as it is, it changes nothing', async t => {
  const file = join(t.testdir(), 'minwww.toml')
  writeFileSync(file, sampleConfig(ALL))
  const { sections, problems } = readConfigFile(file)
  t.strictSame(problems, [])
  for (const section of ALL) t.strictSame(resolveSettings(section, [sections[section]]), resolveSettings(section, []))
})

t.test('every setting is in it, with its meaning and its default', async t => {
  const file = join(t.testdir(), 'minwww.toml')
  const sample = sampleConfig(ALL)
  // What loses its # is a line of TOML.
  writeFileSync(file, sample.replaceAll(/^#(?=[a-z])/gm, ''))
  const { sections, problems } = readConfigFile(file)
  t.strictSame(problems, [])
  for (const section of ALL) {
    for (const { key, kind, default: value, description } of settingsOf(section)) {
      const given = sections[section]?.get(key)?.value
      t.ok(given !== undefined, `${section} ${key}`)
      if (value !== undefined || kind === 'list') t.strictSame(given, value, `${section} ${key}`)
      t.match(sample.replaceAll('\n# ', ' ').toLowerCase(), description.replace(' (repeatable)', '').toLowerCase(), key)
    }
  }
  t.ok(sample.split('\n').every(line => !line.startsWith('# ') || line.length <= 120))
})

t.test('lines that are in force from the beginning', async t => {
  const file = join(t.testdir(), 'minwww.toml')
  writeFileSync(file, sampleConfig(['proxy'], { 'proxy.i2p-only': 'i2p-only = true # so far' }))
  const { sections, problems } = readConfigFile(file)
  t.strictSame(problems, [])
  t.strictSame([...sections.proxy ?? []].map(([key, { value }]) => [key, value]), [['i2pOnly', true]])
})

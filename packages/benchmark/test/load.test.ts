import { readFileSync } from 'node:fs'
import t from 'tap'
import { Compile } from 'typebox/schema'
import { runBench } from '@minwww/benchmark'
import { startLoadDesign } from '../src/load/design.ts'

const validator = Compile(JSON.parse(readFileSync(new URL('../report.schema.json', import.meta.url), 'utf8')))

t.test('many clients: pages a second, and CPU of a page', async t => {
  const report = await runBench({ scenarios: ['load'], quick: true, settings: { clients: [2], concurrency: [2] } })
  t.ok(validator.Check(JSON.parse(JSON.stringify(report))), 'fits report.schema.json')
  const [result] = report.scenarios
  t.equal(result?.status, 'done')
  t.same(result?.loads.map(({ design }) => design).sort(), ['minwww', 'streaming'])
  for (const { failed, pagesPerSecond, p50, p95, cpu } of result?.loads ?? []) {
    t.equal(failed, 0)
    t.ok(pagesPerSecond > 1 && p50 > 10 && p95 >= p50, `${pagesPerSecond} pages/s, ${p50} ms`)
    t.ok(cpu.client > 0 && cpu.server > 0, 'the CPU of both ends is counted')
  }
  await t.rejects(startLoadDesign({ design: 'x', label: 'x' }, {
    design: 'minwww', i2cp: { host: '127.0.0.1', port: 9 }, site: { host: '127.0.0.1', port: 9 }, clients: 1
  }), /an end of a design ended/)
})

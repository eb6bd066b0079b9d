import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Compile } from 'typebox/schema'
import { figureOf, ratioOf, reportHtml, reportText, runBench, type Report } from '@minwww/benchmark'
import { percentile } from '../src/grid/statistics.ts'
import { disturbedBy, LoadWatch } from '../src/machine.ts'
import { interleave } from '../src/measure.ts'
import { Collector, skippedResult } from '../src/report/collector.ts'
import { conditionsInWords } from '../src/report/format.ts'
import { optionsInWords } from '../src/report/options.ts'
import { together, verdictsOf } from '../src/report/verdict.ts'
import { fetchBytes } from '../src/scenarios/samples.ts'
import { costOf } from '../src/scenarios/cost.ts'
import { tracePage } from '../src/scenarios/steps.ts'
import { stepsOf } from '../src/trace/steps.ts'
import type { TracedMessage } from '../src/trace/trace.ts'
import { opensslMissing } from '../src/worlds/certificate.ts'
import { openLocalWorld } from '../src/worlds/local-world.ts'
import { HEAVY_OBJECTS, OBJECTS, startSite } from '../src/worlds/site.ts'

const validator = Compile(JSON.parse(readFileSync(new URL('../report.schema.json', import.meta.url), 'utf8')))

/** Whether a reader of report.json finds what the schema says. */
function assertValid (t: Test, report: Report): void {
  const [, errors] = validator.Errors(JSON.parse(JSON.stringify(report)))
  t.same(errors.slice(0, 3), [], 'fits report.schema.json')
}

t.test('statistics', async t => {
  t.equal(percentile([3, 1, 2], 0.5), 2)
  t.equal(percentile([1, 2, 3, 4], 0.5), 2, 'nearest rank')
  t.equal(percentile([5], 0.99), 5)
  const values = Array.from({ length: 100 }, (_, i) => i + 1)
  const figure = figureOf(values, 1)
  t.equal(figure.n, 100)
  t.same([figure.p50.value, figure.p90.value, figure.p99.value], [50, 90, 99])
  t.ok(
    figure.p50.low >= 35 && figure.p50.low < 50 && figure.p50.high > 50 && figure.p50.high <= 65, 'an interval of the width that theory has'
  )
  t.same(figureOf(values, 1), figure, 'the same seed gives the same interval')
  t.notSame(figureOf(values, 2), figure)
  t.same(figureOf([7], 1).p90, { value: 7, low: 7, high: 7 })
  const ratio = ratioOf(values, values.map(value => value * 4), 1)
  t.equal(ratio.value, 0.25)
  t.ok(ratio.low < 0.25 && ratio.high > 0.25)
})

t.test('the order of measurement is seeded and keeps the rounds', async t => {
  const orderOf = async (seed: number): Promise<string> => {
    const order: string[] = []
    const tasks = [0, 1, 2].flatMap(
      round => ['a', 'b', 'c', 'd'].map(name => ({ round, run: async () => { order.push(`${round}${name}`) } }))
    )
    await interleave(tasks, { seed, signal: new AbortController().signal })
    return order.join(' ')
  }
  t.equal(await orderOf(1), await orderOf(1))
  t.not(await orderOf(1), await orderOf(2))
  t.match(await orderOf(3), /^(0. ){4}(1. ){4}(2. ?){4}$/)
})

t.test('steps from a trace', async t => {
  const message = (facts: Partial<TracedMessage>): TracedMessage => ({
    id: 0,
    from: 'c',
    to: 's',
    sent: 0,
    arrived: undefined,
    size: 500,
    tunnelMessages: 1,
    kind: 'data',
    acknowledgement: false,
    copy: false,
    ...facts
  })
  const reply = { from: 's', to: 'c' }
  const facts = { design: 'x', label: 'x', conditions: {}, clientKeys: ['c'], started: 0 }

  t.test('one request, a train of replies', async t => {
    const messages = [
      message({ sent: 1, arrived: 101 }), message({ sent: 50, arrived: 150, copy: true }),
      ...[160, 161, 162].map(sent => message({ ...reply, sent, arrived: sent + 100, tunnelMessages: 4 }))
    ]
    const { traversals, tunnelMessages, steps, total } = stepsOf({ ...facts, messages, finished: 263 })
    t.equal(traversals, 2)
    t.equal(tunnelMessages, 14)
    t.equal(total, 263)
    t.same(steps.filter(({ critical }) => critical).map(({ sent }) => sent), [1, 162], 'not by the copy of the request')
  })

  t.test('a window that opens by acknowledgements', async t => {
    const messages = [
      message({ sent: 1, arrived: 101 }), message({ ...reply, sent: 102, arrived: 202 }),
      message({ sent: 203, arrived: 303, acknowledgement: true }), message({ ...reply, sent: 304, arrived: 404 }),
      message({ ...reply, sent: 305 }), message({ from: 'x', to: 's', sent: 2, arrived: 3 })
    ]
    const diagram = stepsOf({ ...facts, messages, finished: 405 })
    t.equal(diagram.traversals, 4)
    t.equal(diagram.messages, 5, 'others do not count')
    t.equal(diagram.acknowledgements, 1)
    t.notOk('arrived' in diagram.steps.at(-1)!, 'what was lost has no arrival')
  })
})

t.test('real proxy, exit and streaming over a local router', async t => {
  const world = await openLocalWorld({ network: { seed: 1, latency: 15 }, designs: ['minwww', 'streaming'] })
  t.teardown(async () => await world.close())
  const conditions = { size: 10_240, latency: 15, state: 'cold' }
  for (const design of world.designs) {
    const client = await design.openClient()
    const diagram = await tracePage(world, design, client, conditions, async () => {})
    t.ok(diagram.tunnelMessages >= 12, `${design.design}: 10 KB in ${diagram.tunnelMessages} tunnel messages`)
    if (design.design === 'minwww') {
      t.equal(diagram.traversals, 2, 'MinWWW needs two traversals')
      t.match(diagram.steps.map(({ kind }) => kind).join(' '), /REPLY/)
    } else {
      t.match(diagram.steps[0]?.kind, /^SYN/)
    }
    const row = await costOf(world, design, client, { size: 1_024, latency: 0, loss: 0, state: 'warm' }, 2)
    t.equal(row.failed, 0)
    t.ok(row.tunnelMessages >= 2, `${row.tunnelMessages} tunnel messages: a request and an answer at least`)
    const above = await fetchBytes(client, 256 * 1024, 'above')
    t.equal(above.error, undefined, '256 KB, above what messages carry')
    await client.close()
  }
})

t.test('own proxies: the url scenario', async t => {
  const site = await startSite()
  t.teardown(async () => await site.close())
  // Takes absolute addresses as a proxy does; every third answer is an error.
  let requests = 0
  const proxy = createServer((request, response) => {
    if (++requests % 3 === 0) response.writeHead(503).end()
    else response.end(request.url)
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { proxy.close() })
  const out = mkdtempSync(join(tmpdir(), 'minwww-bench-'))
  t.teardown(() => rmSync(out, { recursive: true, force: true }))
  const via = [site.origin, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`]
  const options = { scenarios: ['url'] as const, settings: { via, urls: ['http://x.example/bytes/2000'], runs: 4 }, out, seed: 3 }
  const report = await runBench(options)
  assertValid(t, report)
  const [{ series, status } = { series: [], status: undefined }] = report.scenarios
  t.equal(status, 'done')
  t.equal(series.length, 4, 'two proxies, the first fetch told apart')
  t.same(series.map(({ n }) => n).sort(), [1, 1, 3, 3])
  const failed = series.filter(({ design }) => design === via[1]).flatMap(({ errors }) => Object.entries(errors))
  t.same(failed, [['status 503', 1]], 'failures are counted with their reason')
  t.ok(series.some(({ failed, times, n }) => failed === 1 && times.length === n), 'and stay among the times')
  t.match(report.scenarios[0]?.notes.join(), /did not give the same bytes/)
  t.match(report.scenarios[0]?.ratios, [{ design: via[1], against: via[0], conditions: { state: 'later' } }], 'the last against the others')
  const [verdict = ''] = verdictsOf(report.scenarios[0]!)
  t.ok(verdict.startsWith(via[1]!) && verdict.includes(`of the time of ${via[0]!}`), verdict)

  const before = requests
  const again = await runBench(options)
  t.equal(requests, before, 'a second run with the same options only reads what was measured')
  t.same(again.scenarios[0]?.series, series)
  t.same(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')).scenarios, JSON.parse(JSON.stringify(again.scenarios)))
  t.ok(existsSync(join(out, 'report.html')))
  await runBench({ ...options, seed: 4 })
  t.equal(requests, before + 4, 'another seed begins anew')
})

t.test('an interrupted run keeps what it has', async t => {
  const controller = new AbortController()
  const site = await startSite()
  t.teardown(async () => await site.close())
  const report = await runBench({
    scenarios: ['url', 'steps'],
    settings: { via: [site.origin], urls: ['http://x.example/bytes/10'], runs: 50 },
    signal: controller.signal,
    onProgress: text => { if (text.includes('3 of 50')) controller.abort() }
  })
  assertValid(t, report)
  t.equal(report.scenarios.length, 1)
  t.match(report.scenarios[0], { status: 'partial', reason: 'interrupted' })
  t.equal(report.scenarios[0]?.series.reduce((sum, { n }) => sum + n, 0), 3)
})

t.test('POSTs by message and by stream, and what is above 128 KiB', async t => {
  const report = await runBench({ scenarios: ['post', 'large'], quick: true, settings: { latency: 5, runs: 1, sizes: [140] } })
  assertValid(t, report)
  const [posts, large] = report.scenarios
  t.match([posts?.status, large?.status], ['done', 'done'])
  const counts = (result: typeof posts): unknown => result?.series.filter(({ design }) => design !== 'java')
    .map(({ design, n, failed }) => [design, n, failed]).sort()
  t.same(counts(posts), [['minwww', 1, 0], ['minwww-stream', 1, 0], ['streaming', 1, 0]])
  t.same(counts(large), [['minwww', 1, 0], ['streaming', 1, 0]])
})

t.test('twenty objects at once, of a fresh client and a warm one', async t => {
  const report = await runBench({ scenarios: ['burst'], quick: true, settings: { latency: 5, runs: 1 } })
  assertValid(t, report)
  const [result] = report.scenarios
  t.match(result, { status: 'done', options: { objects: 20 } })
  const own = result?.series.filter(({ design }) => design === 'minwww') ?? []
  t.same(own.map(({ conditions, n, failed }) => [conditions.state, n, failed]), [['cold', 1, 0], ['warm', 2, 0]])
  t.ok(own.every(({ p50, firstByte }) => p50.value > 20 && (firstByte?.value ?? Infinity) <= p50.value), 'two traversals at least')
})

t.test('an object and a page over TLS, where CONNECT is answered at once and where it waits', async t => {
  if (opensslMissing() !== undefined) return t.comment('no openssl')
  const report = await runBench({ scenarios: ['https'], quick: true, settings: { latency: 20, runs: 1 } })
  assertValid(t, report)
  const [result] = report.scenarios
  t.match(result, { status: 'done' })
  t.same(result?.series.flatMap(({ errors }) => Object.keys(errors)), [])
  const own = result?.series.filter(({ design }) => design === 'minwww') ?? []
  const ways = own.map(({ conditions: { what, http, tls } }) => `${what} ${http} ${tls}`).filter(way => !way.endsWith('early data'))
  t.same(ways.sort(), ['object h2 new', 'object http/1.1 new', 'page h2 new', 'page http/1.1 new'])
  t.ok(own.every(({ p50, firstByte }) => p50.value > 40 && (firstByte?.value ?? Infinity) <= p50.value), 'two traversals at least')
  t.ok(result?.notes.some(note => /^MinWWW, TLS new, 20480 bytes: first byte after \d/.test(note)))
  t.match(conditionsInWords(own[0]!.conditions), /TLS/)
})

t.test('the page of the benchmark', async t => {
  const site = await startSite()
  t.teardown(async () => await site.close())
  const get = async (path: string): Promise<Buffer> => Buffer.from(await (await fetch(`${site.origin}${path}`)).arrayBuffer())
  for (const [name, objects] of [['page', OBJECTS], ['heavy', HEAVY_OBJECTS]] as const) {
    const page = await get(`/${name}.html?seed=1`)
    t.ok(Math.abs(page.length - 24 * 1024) < 700, `${page.length} bytes`)
    t.equal(page.toString('latin1').match(/<img /g)?.length, objects.length)
    t.equal(page.toString('latin1').match(/<!--/g)?.length, page.toString('latin1').match(/-->/g)?.length, 'no comment ends early')
    for (const [i, size] of objects.entries()) {
      const picture = await get(`/${name}/${i}.bmp?seed=1`)
      t.ok(picture.length <= size && picture.length > size - 102, `picture ${i}: ${picture.length} bytes`)
      t.equal(picture.readUInt32LE(2), picture.length)
    }
    t.equal((await get(`/${name}/${objects.length}.bmp`)).toString(), 'not found\n')
  }
  t.equal(HEAVY_OBJECTS.reduce((sum, size) => sum + size), 1800 * 1024)
})

t.test('the report as a page and as text', async t => {
  const skipped = skippedResult('routers', { reason: 'no <i2pd>', hint: 'install it' })
  const report: Report = {
    format: 'minwww-bench-1',
    command: 'minwww bench',
    started: '2026-01-01T00:00:00.000Z',
    finished: '2026-01-01T00:00:01.000Z',
    seed: 1,
    quick: true,
    machine: { cpu: 'x', cores: 2, memoryGB: 1, system: 'Linux' },
    versions: { node: '20' },
    scenarios: [skipped]
  }
  assertValid(t, report)
  t.notOk(validator.Check({ ...report, scenarios: [{ ...skipped, series: [{ design: 'x' }] }] }), 'the schema refuses what is not complete')
  const html = reportHtml(report)
  t.match(html, /no &lt;i2pd&gt;/, 'text is escaped')
  t.notMatch(html, /<script|https?:\/\/(?!127)/, 'nothing is loaded from elsewhere')
  t.match(reportText(report), /routers: skipped, no <i2pd>\n {2}to get it: install it/)
})

/** A scenario with `n` attempts of MinWWW and of a rival that takes twice as long, of two sizes. */
function measured (n: number): ReturnType<Collector['result']> {
  const out = new Collector(1)
  Object.assign(out.options, { runs: n, sizes: [1, 64], latency: 100, oddOption: { a: ['x', 1] } })
  for (const size of [1_024, 65_536]) {
    for (let i = 0; i < n; i++) {
      const time = 100 + i % 7
      out.add({ design: 'minwww', label: 'MinWWW' }, { size }, { time })
      out.add({ design: 'streaming-warm', label: 'streaming' }, { size }, { time: 2 * time })
    }
  }
  return out.result({ scenario: 'tunnel', status: 'done', seconds: 1, disturbed: [], load: { before: 0, after: 0, loopDelay99: 0 } })
}

t.test('only what others do before it disturbs a measurement', async t => {
  t.same(disturbedBy(0.2), [])
  t.match(disturbedBy(0.35), [/^other programs used 35 % of the processors/])
  const { load } = (await LoadWatch.start()).stop()
  t.ok(load.before >= 0 && load.loopDelay99 >= 0)
})

t.test('the report gives a verdict with its interval, and no percentile that it does not have', async t => {
  const few = measured(2)
  const [verdict, ...more] = verdictsOf(measured(40))
  t.same(more, [])
  t.match(
    verdict,
    /^MinWWW is faster: it takes 0\.50 \(0\.\d\d to 0\.\d\d\) of the time of streaming, .*; faster under 2 of 2 conditions\.$/
  )
  t.match(verdictsOf(skippedResult('pages', { reason: 'no browser', hint: '' })), ['Not measured: no browser.'])
  const { value, low, high } = together([{ value: 0.5, low: 0.4, high: 0.6 }, { value: 0.5, low: 0.4, high: 0.6 }])
  t.ok(Math.abs(value - 0.5) < 1e-9 && low > 0.4 && high < 0.6, 'two measurements tell more than one')

  const report: Report = {
    format: 'minwww-bench-1',
    command: 'minwww bench',
    started: '',
    finished: '',
    seed: 1,
    quick: true,
    machine: { cpu: 'x', cores: 2, memoryGB: 1, system: 'Linux' },
    versions: {},
    scenarios: [few]
  }
  const html = reportHtml(report)
  t.match(html, /<nav aria-label="Contents">[^]*href="#tunnel"[^]*it takes 0\.50[^]*<h2 id="tunnel">/)
  t.match(html, /data-name="p90, ms" class="none">-<\/td><td data-name="p99, ms" class="none">-<\/td>/)
  t.match(html, /data-name="p95" class="none">-<\/td>/)
  t.notMatch(html, />p99 \d/, 'nor in a chart')
  t.notMatch(reportText(report).split('\n').find(line => /MinWWW +2 /.test(line)) ?? '', /ms +\d+ ms$/)
  t.match(reportHtml({ ...report, scenarios: [measured(100)] }), /data-name="p99, ms">\d/)
  t.match(html, /Measured with: 2 measurements of each point; pages of 1 and 64 KB; 100 ms one way; odd option: a x; 1\./)
  t.notMatch(html, /[{}]&quot;|&quot;:/, 'no JSON')
  t.equal(optionsInWords({ quick: true, seed: 3, loss: [0, 1] }), 'a quick run; seed 3; 0 and 1 % loss')
})

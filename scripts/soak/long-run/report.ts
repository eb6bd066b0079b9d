import { STYLE } from '../../../packages/benchmark/src/report/style.ts'
import { escape } from '../../../packages/benchmark/src/report/svg.ts'
import { table } from '../../../packages/benchmark/src/report/table.ts'
import { percentile } from '../measure.ts'
import type { ProcessSample } from './sampler.ts'
import { legendOf, timeChart, type Curve } from './time-chart.ts'
import { failures, groupBy, isFailure, recoveries, trends, verdict, type Run } from './verdict.ts'

const MB = 1_048_576
/** Pages are counted by as many slices of the run. */
const SLICES = 90
const MIN_SLICE = 10_000
const OWN_STYLE = '.fault { fill: var(--rule); opacity: .7 } .thin { fill: none; stroke: var(--c); stroke-width: 1.3 } figure { width: ' +
  '34rem } .good { color: var(--d3); font-weight: 600 }'

/** The whole report as one file: no script, nothing loaded from elsewhere. */
export function reportHtml (command: string, run: Run): string {
  const { good, lines } = verdict(run)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>MinWWW long run</title><style>${STYLE}${OWN_STYLE}</style></head>
<body><h1>MinWWW long run</h1>
<p><code>${escape(command)}</code>, ${new Date(run.began).toISOString()} to ${new Date(run.ended).toISOString()}</p>
<ul>${lines.map(text => `<li>${escape(text)}</li>`).join('')}</ul>
<p class="${good ? 'good' : 'warn'}">${good ? 'Good.' : 'Not good.'}</p>
<p class="soft">Grey bands are faults: something was killed, paused or cut, and not yet back.
A curve that breaks is a process that ended.</p>
<div class="plots">${charts(run).join('\n')}</div>
<h2>Faults</h2>${recoveryTable(run)}
<h2>Failed pages</h2>${failureTable(run)}
<h2>Trends</h2>${trendTable(run)}
</body></html>
`
}

function charts (run: Run): string[] {
  const ours = run.samples.filter(({ heap }) => heap !== undefined)
  const routers = run.samples.filter(({ heap }) => heap === undefined)
  const megabytes = (value: number): string => `${Math.round(value * 10) / 10} MB`
  const number = (value: number): string => String(Math.round(value * 10) / 10)
  const seconds = (value: number): string => `${Math.round(value * 10) / 10} s`
  const figure = (title: string, curves: Curve[], format: (value: number) => string): string => {
    if (curves.length === 0) return ''
    const faults = run.faults.map(({ began, ended, name }) => ({ from: began - run.began, to: ended - run.began, label: name }))
    return `<figure><figcaption>${title}</figcaption>${timeChart(
      { title, length: run.ended - run.began, curves, faults, format }
    )}${legendOf(curves)}</figure>`
  }
  const of = (samples: ProcessSample[], value: (sample: ProcessSample) => number | undefined): Curve[] => curvesOf(run, samples, value)
  return [
    figure('Pages a minute', pageCounts(run), number),
    figure('Time of whole pages', pageTimes(run), seconds),
    figure('Heap after a collection of garbage', of(ours, ({ heap }) => heap! / MB), megabytes),
    figure('Resident memory', of(ours, ({ rss }) => rss / MB), megabytes),
    figure('Open file descriptors', of(ours, ({ fds }) => fds), number),
    figure('Timers', of(ours, ({ timers }) => timers), number),
    figure('Handles and requests of the event loop', of(ours, ({ handles }) => handles), number),
    figure('Files: state, keys, caches', of(ours, ({ files }) => files / MB), megabytes),
    figure('Logs', of(ours, ({ log }) => log / MB), megabytes),
    figure('Resident memory of the i2pd routers', of(routers, ({ rss }) => rss / MB), megabytes),
    figure('Open file descriptors of the i2pd routers', of(routers, ({ fds }) => fds), number)
  ]
}

/** One curve for each process, broken where it was started anew. */
function curvesOf (run: Run, samples: ProcessSample[], value: (sample: ProcessSample) => number | undefined): Curve[] {
  return [...groupBy(samples, ({ name }) => name)].map(([label, own]) => ({
    label,
    points: own.flatMap((sample, i) => {
      const point = { x: sample.at - run.began, y: value(sample) }
      return i > 0 && own[i - 1]!.pid !== sample.pid ? [{ x: point.x, y: undefined }, point] : [point]
    })
  }))
}

interface Slice { x: number, minutes: number, pages: Run['pages'] }

function slices ({ began, ended, pages }: Run): Slice[] {
  const width = Math.max(MIN_SLICE, (ended - began) / SLICES)
  const groups = groupBy(pages, page => Math.floor((page.began + page.took - began) / width))
  return Array.from({
    length: Math.ceil((ended - began) / width)
  }, (_, i) => ({ x: (i + 0.5) * width, minutes: width / 60_000, pages: groups.get(i) ?? [] }))
}

function pageCounts (run: Run): Curve[] {
  const count = (
    label: string, wanted: (page: Run['pages'][number]) => boolean
  ): Curve => ({ label, points: slices(run).map(({ x, minutes, pages }) => ({ x, y: pages.filter(wanted).length / minutes })) })
  return [count('whole', ({ outcome }) => outcome === 'ok'), count('failed', isFailure)]
}

function pageTimes (run: Run): Curve[] {
  const at = (label: string, share: number): Curve => ({
    label,
    points: slices(run).map(({ x, pages }) => {
      const took = pages.filter(({ outcome }) => outcome === 'ok').map(page => page.took / 1_000)
      return { x, y: took.length === 0 ? undefined : percentile(took, share) }
    })
  })
  return [at('median', 0.5), at('slowest of a slice', 1)]
}

const fixed = (value: number): string => Math.abs(value) >= 100 ? String(Math.round(value)) : value.toFixed(1)

function recoveryTable (run: Run): string {
  return table([
    'fault', 'times', 'longest, s', 'to a page asked for after it, s', 'the same after its end, s', 'slowest whole page, s', 'failed pages'
  ],
  recoveries(run).map((
    { name, count, down, firstPage, afterEnd, slowest, failed }
  ) => [name, String(count), fixed(down), fixed(firstPage), fixed(afterEnd), fixed(slowest), String(failed)]))
}

function failureTable (run: Run): string {
  const rows = failures(run)
    .map(({ outcome, kind, count, faults, unexplained }) => [outcome, kind, String(count), String(unexplained), faults.join('; ')])
  return rows.length === 0 ? '<p>None.</p>' : table(['reason', 'kind', 'count', 'without a fault', 'faults'], rows)
}

function trendTable ({ samples }: Run): string {
  const rows = trends(samples).map(({ process, figure, unit, first, last, highest, slope, grows }) =>
    [process, `${figure}${unit === '' ? '' : `, ${unit}`}`, fixed(first), fixed(last), fixed(highest), fixed(slope), grows === undefined
      ? '-'
      : grows ? 'GROWS' : 'no'])
  return table(['process', 'figure', 'first', 'last', 'highest', 'slope an hour', 'grows'], rows)
}

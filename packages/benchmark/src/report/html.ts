import { FEW } from './enough.ts'
import { gridSection } from './grid-section.ts'
import { legend, measuredSection } from './measured-section.ts'
import { optionsInWords } from './options.ts'
import { costSection, loadSection, stepsSection, throughputSection, waterfallSection } from './sections.ts'
import { STYLE } from './style.ts'
import { escape } from './svg.ts'
import type { Report, ScenarioResult } from './types.ts'
import { verdictsOf } from './verdict.ts'

const TITLES: Readonly<Record<ScenarioResult['scenario'], string>> = {
  grid: 'Virtual time: MinWWW and streaming over the grid',
  tunnel: 'One router on this machine, wall clock',
  burst: 'Twenty objects at once',
  post: 'POSTs',
  large: 'Above 128 KiB',
  load: 'Many clients',
  routers: 'Closed network of i2pd routers',
  pages: 'Pages with ten and with forty pictures in Chromium',
  https: 'HTTPS through CONNECT',
  cost: 'What a page costs',
  steps: 'Who sends what when',
  i2cp: 'I2CP clients over one router',
  url: 'Own proxies'
}

/** The whole report as one file: no script, nothing loaded from elsewhere. */
export function reportHtml (report: Report): string {
  const { command, started, finished, seed, machine, versions, scenarios } = report
  const facts = [`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, ${machine.system}`, ...Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>MinWWW benchmark</title><style>${STYLE}</style></head>
<body><h1>MinWWW benchmark</h1>
<p><code>${escape(command)}</code>, seed ${seed}, ${escape(started)} to ${escape(finished)}</p>
<p class="soft">${facts.map(escape).join('; ')}</p>
${contents(scenarios)}
<p>Every figure is p50, p90 or p99 of all attempts, with its 95 % bootstrap interval in brackets. An attempt that failed counts
with the time limit and is shown as failed. ${FEW}</p>
${scenarios.map(section).join('\n')}
</body></html>
`
}

/** Every scenario with what it says: who reads no further has the result. */
function contents (scenarios: readonly ScenarioResult[]): string {
  const items = scenarios.map(result => `<li><a href="#${result.scenario}">${TITLES[result.scenario]}</a>${verdicts(result)}</li>`)
  return `<nav aria-label="Contents"><h2>Contents and results</h2><ol>${items.join('')}</ol></nav>`
}

function verdicts (result: ScenarioResult): string {
  return `<ul class="verdict">${verdictsOf(result).map(text => `<li>${escape(text)}</li>`).join('')}</ul>`
}

function section (result: ScenarioResult): string {
  const {
    scenario, status, reason, hint, options, seconds, disturbed, load, notes, series, cells, cost, throughput, loads, steps, waterfalls
  } = result
  const state = status === 'done'
    ? `${seconds} s; load average ${load.before} before, ${load.after} after; the event loop's delay was ${load.loopDelay99} ms at its p99`
    : `${status}: ${reason ?? ''}${hint === undefined ? '' : `. To get it: ${hint}`}`
  return [
    `<h2 id="${scenario}">${TITLES[scenario]} <span class="soft">(${scenario})</span></h2>`,
    verdicts(result),
    `<p class="soft">${escape(state)}</p>`,
    ...disturbed.map(text => `<p class="warn">Disturbed: ${escape(text)}. Repeat it on a quiet machine.</p>`),
    Object.keys(options).length > 0 ? `<p class="soft">Measured with: ${escape(optionsInWords(options))}.</p>` : '',
    ...notes.map(note => `<p>${escape(note)}</p>`),
    ...series.length > 0 ? [legend(series), measuredSection(result)] : [],
    cells.length > 0 ? gridSection(cells) : '',
    cost.length > 0 ? costSection(cost) : '',
    throughput.length > 0 ? throughputSection(throughput) : '',
    loads.length > 0 ? loadSection(loads) : '',
    waterfalls.length > 0 ? waterfallSection(waterfalls) : '',
    steps.length > 0 ? stepsSection(steps) : ''
  ].join('\n')
}

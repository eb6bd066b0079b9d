/* global document, EventSource, fetch, confirm, matchMedia, ResizeObserver, getComputedStyle */
'use strict'

const Plot = globalThis.uPlot
const HEIGHT = 180
const LENGTH = 600
const find = id => document.getElementById(id)
const nonce = document.querySelector('meta[name="minwww-nonce"]').content
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** An element with text and attributes; text is never read as HTML. */
const element = (name, text, attributes = {}, children = []) => {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value)
  made.append(...children)
  return made
}

const sizes = bytes => bytes < 1024 ? `${Math.round(bytes)} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : bytes < 1073741824 ? `${(bytes / 1048576).toFixed(1)} MB` : `${(bytes / 1073741824).toFixed(2)} GB`
const rate = bytes => `${(bytes / 1024).toFixed(1)} KB/s`
const limited = (name, limit) => limit > 0 ? `${name}, limit ${Math.round(limit / 1024)}` : name
const span = ms => ms < 3600000 ? `${Math.floor(ms / 60000)} min` : ms < 172800000 ? `${Math.floor(ms / 3600000)} h` : `${Math.floor(ms / 86400000)} days`

let samples = []
let limits = { in: 0, out: 0 }
let charts = {}

const axis = (size, values, more) => ({ ...more, stroke: () => colour('--soft'), grid: { stroke: () => colour('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif', size, values })
const line = (label, name, dash) => ({ label, stroke: colour(name), width: dash ? 1 : 2, dash, points: { show: false } })

const chart = (holder, series) => new Plot({
  width: Math.max(200, holder.clientWidth),
  height: HEIGHT,
  padding: [8, 28, 0, 0],
  cursor: { y: false, drag: { setScale: false } },
  legend: { live: false, markers: { dash: (plot, index) => plot.series[index].dash ? 'dashed' : 'solid' } },
  // At least a minute: of a single second uPlot would make years.
  scales: { x: { range: (_, least, most) => [Math.min(least ?? 0, (most ?? 60) - 60), most ?? 60] }, y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
  series: [{}, ...series],
  axes: [axis(28, (_, values) => values.map(value => new Date(value * 1000).toTimeString().slice(0, 8)), { space: 75 }), axis(50, (_, values) => values.map(value => String(value)))]
}, [[], ...series.map(() => [])], holder)

const build = () => {
  for (const drawn of Object.values(charts)) drawn.destroy()
  const limit = (way, label, name) => limits[way] > 0 ? [line(label, name, [4, 4])] : []
  charts = {
    traffic: chart(find('traffic'), [line('To I2P', '--mark'), line('From the web', '--second'), ...limit('out', 'Limit to I2P', '--mark'), ...limit('in', 'Limit from the web', '--second')]),
    load: chart(find('load'), [line('Under way', '--mark'), line('Waiting', '--second')])
  }
  draw()
}

const draw = () => {
  const times = samples.map(sample => sample.at)
  const flat = value => samples.map(() => value / 1024)
  const bounds = ['out', 'in'].filter(way => limits[way] > 0).map(way => flat(limits[way]))
  charts.traffic.setData([times, samples.map(sample => sample.out / 1024), samples.map(sample => sample.in / 1024), ...bounds])
  charts.load.setData([times, samples.map(sample => sample.active), samples.map(sample => sample.waiting)])
}

const table = (id, counts, none) => {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1])
  const row = ([name, count]) => element('tr', undefined, {}, [element('td', name), element('td', String(count), { class: 'n' })])
  find(id).tBodies[0].replaceChildren(...(rows.length > 0 ? rows.map(row) : [element('tr', undefined, {}, [element('td', none, { colspan: 2, class: 'empty' })])]))
}

const bars = (id, rows) => {
  find(id).replaceChildren(...rows.flatMap(([name, value, most, text]) => [
    element('span', name), element('progress', text, { value, max: Math.max(1, most), 'aria-label': name }), element('b', text)
  ]))
}

const classes = (id, { bounds, counts }, unit) => {
  const most = Math.max(...counts)
  bars(id, counts.map((count, index) => [bounds[index] === undefined ? `over ${unit(bounds.at(-1))}` : `to ${unit(bounds[index])}`, count, most, String(count)]))
}

const quota = ({ day, month, dayUsed, monthUsed }) => {
  const row = (name, left, used) => [name, used, left === null ? 1 : used + left, left === null ? `${sizes(used)}, no limit` : `${sizes(used)} of ${sizes(used + left)}`]
  bars('quota', [row('Today (UTC)', day, day === null ? 0 : dayUsed), row('This month', month, month === null ? 0 : monthUsed)]
    .map((cells, index) => (index === 0 ? day : month) === null ? [cells[0], 0, 1, `${sizes(index === 0 ? dayUsed : monthUsed)}, no limit`] : cells))
}

// What waits to leave: at a limit it is all that a visitor waits for.
const backlog = ({ sending, queued, delay }) => {
  const size = sending === 0 ? '0' : `${sending}, ${sizes(queued)}`
  return ['Answers to send', delay >= 100 ? `${size}, ${(delay / 1000).toFixed(1)} s` : size]
}

const about = ({ destination, about: { sites, web, methods, ports, contact, descriptor } }) => {
  const theWeb = `the web on ${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}, ${methods.length === 0 ? 'all methods but TRACE' : methods.join(', ')}`
  const rows = [
    ['Command to hand on', `minwww proxy --exit ${destination}`], ['Serves', [...sites, ...(web ? [theWeb] : [])].join('; ') || 'nothing'],
    ...(contact === null ? [] : [['Contact', contact]])
  ]
  find('about').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', name), element('dd', value)]))
  // Somebody may be copying it.
  if (find('descriptor').textContent !== descriptor && document.getSelection().isCollapsed) find('descriptor').textContent = descriptor
}

const show = ({ state, sample }) => {
  find('state').textContent = `${state.health}, ${state.destination}`
  find('state').className = state.health === 'ok' ? 'good' : 'warn'
  const { load } = state
  const figures = [
    [limited('To I2P', state.limits.out), rate(sample.out)], [limited('From the web', state.limits.in), rate(sample.in)],
    ['Under way', String(load.active)], ['Waiting', String(load.waiting)], backlog(load),
    ['Sessions', String(load.sessions)], ['Streams', String(load.streams)], ['Running for', span(state.now - state.startedAt)],
    ...(state.cache === null ? [] : [['Cache hits', `${state.cache.hits} of ${state.cache.hits + state.cache.misses}`]])
  ]
  find('figures').replaceChildren(...figures.map(([name, value]) => element('div', undefined, {}, [element('dt', name), element('dd', value)])))
  quota(state.quota)
  about(state)
  table('outcomes', state.outcomes, 'Nothing asked yet.')
  table('refusals', state.refusals, 'Nothing refused yet.')
  classes('sizes', state.sizes, sizes)
  classes('latency', state.latency, ms => ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)
  find('drain').disabled = state.health === 'draining'
  if (state.limits.in !== limits.in || state.limits.out !== limits.out) {
    limits = state.limits
    build()
  }
}

const act = async (path, question) => {
  if (question !== undefined && !confirm(question)) return
  const response = await fetch(path, { method: 'POST', headers: { 'x-minwww-nonce': nonce } }).catch(() => undefined)
  const answer = await response?.json().catch(() => undefined)
  find('message').textContent = answer?.message ?? 'The exit does not answer.'
  find('message').className = response?.ok ? 'good' : 'bad'
}

find('reload').addEventListener('click', () => { act('/reload') })
find('drain').addEventListener('click', () => { act('/drain', 'Drain? The exit finishes what it has and takes nothing new until it is started again.') })

build()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build)
new ResizeObserver(() => {
  for (const [name, drawn] of Object.entries(charts)) drawn.setSize({ width: Math.max(200, find(name).clientWidth), height: HEIGHT })
}).observe(document.querySelector('.charts'))

const events = new EventSource('/events')
events.addEventListener('history', event => {
  const { samples: past, ...now } = JSON.parse(event.data)
  samples = past
  show(now)
  draw()
})
events.addEventListener('message', event => {
  const now = JSON.parse(event.data)
  samples.push(now.sample)
  if (samples.length > LENGTH) samples.shift()
  show(now)
  draw()
})
events.addEventListener('error', () => {
  find('state').textContent = 'the exit does not answer'
  find('state').className = 'bad'
})

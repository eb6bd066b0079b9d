/* global document, matchMedia, ResizeObserver, uPlot, getComputedStyle */
'use strict'

const Chart = uPlot

/** Two charts over one time axis; colours follow the page's. */
const charts = (() => {
  const HEIGHT = 170
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const holders = { latency: document.getElementById('latency'), traffic: document.getElementById('traffic') }
  let drawn = {}
  let last

  const axis = (values, size, more) => ({
    ...more,
    stroke: () => colour('--soft'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    size,
    values
  })

  const clock = seconds => new Date(seconds * 1000).toTimeString().slice(0, 5)

  const options = (holder, series, scales) => ({
    width: Math.max(200, holder.clientWidth),
    height: HEIGHT,
    cursor: { y: false, drag: { setScale: false } },
    legend: { live: false },
    scales,
    series: [{}, ...series],
    // Whole minutes, as far apart as their labels are wide.
    axes: [axis((_, values) => values.map(clock), 30, { space: 70, incrs: [60, 120, 300, 600] }), axis((_, values) => values.map(value => value >= 10000 ? `${value / 1000}k` : String(value)), 50)]
  })

  const points = (label, name) => ({
    label,
    stroke: colour(name),
    fill: colour(name),
    paths: () => null,
    points: { show: true, size: 6, stroke: colour(name), fill: colour(name) }
  })

  const build = () => {
    for (const chart of Object.values(drawn)) chart.destroy()
    drawn = {
      latency: new Chart(options(holders.latency, [points('Messages', '--mark'), points('Streams', '--second'), points('Cache', '--soft')],
        { y: { range: (_, __, max) => [0, Math.max(100, max * 1.1)] } }), [[], [], [], []], holders.latency),
      traffic: new Chart(options(holders.traffic, [{ label: 'To the browser', stroke: colour('--mark'), fill: `${colour('--mark')}22`, width: 2, points: { show: false } }],
        { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } }), [[], []], holders.traffic)
    }
    if (last !== undefined) update(last)
  }

  const update = state => {
    last = state
    const first = state.traffic[0].at / 1000
    const done = state.done.filter(row => row.duration !== undefined && row.path !== 'tunnel' && row.path !== 'left' && row.path !== 'error').reverse()
    const shown = done.filter(row => row.started / 1000 >= first)
    const of = (...paths) => shown.map(row => paths.includes(row.path) ? row.duration : null)
    drawn.latency.setData([shown.map(row => row.started / 1000), of('message', 'repaired', 'hedged', 'push'), of('stream'), of('cache', 'stale')], false)
    drawn.traffic.setData([state.traffic.map(row => row.at / 1000), state.traffic.map(row => Math.round(row.bytes / 5 / 102.4) / 10)], false)
    const most = Math.max(100, ...shown.map(row => row.duration))
    drawn.latency.batch(() => {
      drawn.latency.setScale('x', { min: first, max: state.now / 1000 })
      drawn.latency.setScale('y', { min: 0, max: most * 1.1 })
    })
    drawn.traffic.batch(() => {
      drawn.traffic.setScale('x', { min: first, max: state.now / 1000 })
      drawn.traffic.setScale('y', { min: 0, max: Math.max(1, ...state.traffic.map(row => row.bytes / 5 / 1024)) * 1.1 })
    })
  }

  build()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build)
  new ResizeObserver(() => {
    for (const [name, chart] of Object.entries(drawn)) chart.setSize({ width: Math.max(200, holders[name].clientWidth), height: HEIGHT })
  }).observe(document.querySelector('.charts'))
  return { update }
})()

document.charts = charts

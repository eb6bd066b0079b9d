/* global document, EventSource, fetch, confirm, matchMedia */
'use strict'

const find = id => document.getElementById(id)
const nonce = document.querySelector('meta[name="minwww-nonce"]').content

/** An element with text and attributes; text is never read as HTML. */
const element = (name, text, attributes = {}, children = []) => {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value)
  made.append(...children)
  return made
}

const sizes = bytes => bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`
const times = ms => ms === undefined ? '' : ms < 10000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
const short = id => id.length > 28 ? `${id.slice(0, 12)}…${id.slice(-9)}` : id

const GRADE = { ready: 'good', new: '', probing: '', busy: 'warn', probation: 'warn', draining: 'warn', drained: 'warn', down: 'bad', 'not found': 'bad', error: 'bad', stale: 'warn', repaired: 'warn' }

const figures = (id, rows) => {
  find(id).replaceChildren(...rows.map(([name, value]) => element('div', undefined, {}, [element('dt', name), element('dd', value)])))
}

const cell = (text, name, kind = '', title) => element('td', text, { 'data-name': name, class: kind || undefined, title })

const button = (text, label, path, body, question) => {
  const made = element('button', text, { type: 'button', 'aria-label': label, 'data-key': `${path} ${body.id}` })
  made.addEventListener('click', () => { if (question === undefined || confirm(question)) act(path, body) })
  return made
}

const clock = ms => new Date(ms).toTimeString().slice(0, 8)

/** How an exit is, in words. */
const stateOf = exit => {
  if (exit.silentSince !== undefined) return `silent since ${clock(exit.silentSince)}`
  if (exit.busyUntil !== undefined) return `busy until ${clock(exit.busyUntil)}`
  return exit.error === undefined ? exit.state : `${exit.state}: ${exit.error}`
}

const exitRow = exit => element('tr', undefined, {}, [
  element('td', undefined, { class: 'long', title: exit.b32 ?? exit.id }, [element('code', short(exit.id))]),
  cell(stateOf(exit), 'State', `state ${GRADE[exit.state] ?? ''}`.trim()),
  cell(times(exit.rtt), 'RTT', 'n'),
  cell(exit.loss === undefined ? '' : `${(exit.loss * 100).toFixed(1)} %`, 'Loss', 'n'),
  cell(exit.rate === undefined ? '' : `${sizes(Math.round(exit.rate))}/s`, 'Rate', 'n'),
  cell(String(exit.successes ?? ''), 'Answered', 'n'),
  cell(String(exit.failures ?? ''), 'Failed', 'n'),
  element('td', undefined, { class: 'wide' }, [
    exit.state === 'drained'
      ? button('Resume', `Use exit ${exit.id} again`, 'exits/resume', { id: exit.id })
      : button('Drain', `Take exit ${exit.id} out of the pool`, 'exits/drain', { id: exit.id }),
    button('Drop', `Drop exit ${exit.id}`, 'exits/drop', { id: exit.id },
      `Drop this exit? It is forgotten until somebody adds it again, and what is under way goes on elsewhere.\n\n${exit.b32 ?? exit.id}`)
  ])
])

/** What failed says why; hover for the code. */
const pathCell = row => {
  if (row.error === undefined) return cell(row.path ?? 'waiting', 'Path', GRADE[row.path], row.because)
  return cell(`${row.why ?? 'Error'} (${row.error})`, 'Failed', 'bad cause', row.error)
}

const requestRow = (row, now) => element('tr', undefined, {}, [
  cell(`${row.method} ${row.url}`, undefined, 'long', row.url),
  pathCell(row),
  cell(row.status === undefined ? '' : String(row.status), 'Status', row.status >= 400 ? 'n warn' : 'n'),
  cell(row.traversals === undefined ? '' : String(row.traversals), 'Traversals', 'n spare'),
  cell(sizes(row.bytes), 'Size', 'n'),
  cell(row.firstByte === undefined ? '' : times(row.firstByte), 'First byte', 'n spare'),
  cell(times(row.duration ?? now - row.started), 'Time', 'n'),
  cell(row.exit === undefined ? '' : short(row.exit), 'Exit', 'spare', row.exit)
])

const amount = (value, unit) => unit === 'bytes' ? sizes(value) : value.toLocaleString('en')

const limitRow = ({ name, used, most, unit, full }) => element('tr', undefined, {}, [
  cell(name, undefined, 'wide wrap'),
  cell(amount(used, unit), 'Now', used >= most ? 'n warn' : 'n'),
  cell(amount(most, unit), 'At most', 'n'),
  cell(full, 'Then', 'wide wrap')
])

const phone = matchMedia('(max-width: 42rem)')
/** Rows of a table until somebody asks for all. */
const MOST = { exits: [20, 4], requests: [100, 6] }
const whole = new Set()

/** The first rows, and a button for the rest. */
const shorten = (id, rows) => {
  const most = MOST[id]?.[phone.matches ? 1 : 0] ?? Infinity
  const more = document.querySelector(`.more[data-of="${id}"]`)
  if (more !== null) {
    more.hidden = rows.length <= most
    more.textContent = whole.has(id) ? 'Show fewer' : `Show all ${rows.length}`
  }
  return whole.has(id) ? rows : rows.slice(0, most)
}

/** New rows take the place of the old, and the keyboard stays where it was. */
const fill = (id, all, columns, none) => {
  const rows = shorten(id, all)
  const focused = document.activeElement?.dataset?.key
  find(id).tBodies[0].replaceChildren(...(rows.length > 0 ? rows : [element('tr', undefined, {}, [element('td', none, { colspan: columns, class: 'empty wide' })])]))
  if (focused !== undefined) [...document.querySelectorAll('[data-key]')].find(made => made.dataset.key === focused)?.focus()
}

const median = values => values.length === 0 ? undefined : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

const ANSWERED = ['message', 'repaired', 'hedged', 'push', 'stream']

/** Old copies that were served since an exit or a site answered last. */
const oldCopies = done => {
  const answered = done.findIndex(row => ANSWERED.includes(row.path))
  return done.slice(0, answered < 0 ? done.length : answered).filter(row => row.path === 'stale' && row.because !== undefined)
}

/** Said once: it is read out when it changes. */
const notice = copies => {
  const [last] = copies
  const pages = copies.length === 1 ? 'a page was' : `${copies.length} pages were`
  const text = last === undefined ? '' : `Warning: ${pages} served from an old copy, since nobody answered (${last.because}). Last: ${last.url}`
  if (find('notice').textContent !== text) find('notice').textContent = text
}

const WELL = new Set(['working', 'asking', 'empty'])

/** The first line tells whether a page would load. */
const header = ({ ready, state, address, pool }) => {
  if (!ready) return `waiting for the router: ${state}`
  return pool.state === 'working' ? `ready at ${address}` : `${address}: ${pool.text}`
}

let last

const show = state => {
  last = state
  find('state').textContent = header(state)
  find('state').className = !state.ready ? 'warn' : WELL.has(state.pool.state) ? 'good' : 'bad'
  notice(oldCopies(state.done))
  const loaded = state.done.filter(row => ANSWERED.includes(row.path))
  figures('figures', [
    ['In flight', String(state.inFlight.length)],
    ['Requests', String(state.totals.requests)],
    ['Failed', String(state.totals.failed)],
    ['To the browser', sizes(state.totals.bytes)],
    ['Median first byte', times(median(loaded.filter(row => row.firstByte !== undefined).map(row => row.firstByte))) || 'none yet'],
    ['Median time', times(median(loaded.map(row => row.duration))) || 'none yet']
  ])
  fill('exits', state.exits.map(exitRow), 8, 'No exit yet. Add one below.')
  fill('requests', [...state.inFlight, ...state.done].map(row => requestRow(row, state.now)), 8, 'No request yet.')
  const { entries, bytes, hits, misses, revalidated, stale, merged } = state.cache
  figures('cache', [['Pages', String(entries)], ['Size', sizes(bytes)], ['Hits', String(hits)], ['Misses', String(misses)], ['Confirmed', String(revalidated)], ['Served stale', String(stale)], ['Merged', String(merged)]])
  fill('limits', state.limits.map(limitRow), 4, 'Nothing yet.')
  document.charts.update(state)
}

const act = async (path, body) => {
  find('message').textContent = ''
  try {
    const response = await fetch(`/console/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', 'x-minwww-nonce': nonce }, body: JSON.stringify(body) })
    if (response.ok) return true
    const { detail, what } = await response.json()
    find('message').textContent = detail ?? what
  } catch {
    find('message').textContent = 'The proxy does not answer.'
  }
  return false
}

find('add').addEventListener('submit', async event => {
  event.preventDefault()
  if (await act('exits/add', { destination: find('destination').value })) find('destination').value = ''
})
for (const more of document.querySelectorAll('.more')) {
  more.addEventListener('click', () => {
    const id = more.dataset.of
    if (!whole.delete(id)) whole.add(id)
    if (last !== undefined) show(last)
  })
}
// On a phone details are for those who ask for them.
for (const fold of document.querySelectorAll('.fold')) fold.open = !phone.matches
phone.addEventListener('change', () => { if (last !== undefined) show(last) })
find('clear').addEventListener('click', () => act('cache/clear', {}))

const events = new EventSource('/console/events')
events.onmessage = event => show(JSON.parse(event.data))
events.addEventListener('full', () => {
  events.close()
  find('state').textContent = 'too many consoles are open'
})
events.onerror = () => {
  find('state').textContent = 'no connection to the proxy'
  find('state').className = 'bad'
}

/* global document, fetch, confirm, setTimeout */
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

const sizes = bytes => bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`
const short = id => id.length > 28 ? `${id.slice(0, 12)}…${id.slice(-9)}` : id
const count = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`
const day = ms => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const GRADE = { ready: 'good', busy: 'warn', probation: 'warn', draining: 'warn', drained: 'warn', down: 'bad', 'not found': 'bad', failed: 'warn', read: 'good' }

const FILTERS = {
  'allowed-hosts': 'all hosts but those of a list',
  'denied-hosts': 'hosts of a list',
  'allowed-clients': 'all clients but those of a list',
  'denied-clients': 'clients of a list',
  'denied-types': 'some kinds of content'
}

const origin = exit => {
  const hosts = [...new Set(exit.lists.map(url => new URL(url).host))].map(short)
  const named = hosts.length === 0 ? [] : [`${hosts.length === 1 ? 'a list' : `${hosts.length} lists`}: ${hosts.join(', ')}`]
  const who = exit.isYours ? ['you'] : exit.isPinned ? ['pinned by you'] : []
  return [...who, ...named].join('; ') || 'a list that does not name it any more'
}

const refusals = ({ filters, maxResponse, maxRequest }) => [
  ...filters.map(name => FILTERS[name] ?? name),
  ...(maxResponse > 0 ? [`answers above ${sizes(maxResponse)}`] : []),
  ...(maxRequest > 0 ? [`requests above ${sizes(maxRequest)}`] : [])
]

const limits = ({ rate, requests, free }) => [
  ...(rate > 0 ? [`${sizes(rate)}/s for everybody`] : []),
  ...(requests > 0 ? [`${requests} requests a minute`] : []),
  ...(free === undefined ? [] : [`${free}\u00a0% free`])
]

/** What it says of itself, in rows. */
const saying = exit => {
  const said = exit.says
  if (said === undefined) return [['Says', exit.silence === undefined ? 'not asked yet' : `nothing: ${exit.silence}`]]
  return [
    ['Fetches', said.web ? `ports ${said.ports.join(', ')}; ${said.methods.length === 0 ? 'all methods' : said.methods.join(', ')}` : 'its own sites only'],
    ['Refuses', refusals(said).join('; ') || 'private addresses only'],
    ['Limits', limits(said).join('; ') || 'none that it tells'],
    ['Pushes', said.pushes ? 'yes' : 'no'],
    ...(said.contact === undefined ? [] : [['Contact', said.contact]]),
    ['Holds until', day(said.expires * 1000)]
  ]
}

const measured = exit => {
  const parts = [
    ...(exit.rtt === undefined ? [] : [`round trip ${Math.round(exit.rtt)} ms`]),
    ...(exit.loss === undefined ? [] : [`loss ${(exit.loss * 100).toFixed(1)} %`]),
    ...(exit.rate === undefined ? [] : [`${sizes(exit.rate)}/s`]),
    ...(exit.successes === undefined ? [] : [`${count(exit.successes, 'answer')}, ${count(exit.failures, 'failure')}`])
  ]
  return parts.join('; ') || 'nothing yet'
}

const button = (text, label, path, body, question) => {
  const made = element('button', text, { type: 'button', 'aria-label': label, 'data-key': `${path} ${body.id}` })
  made.addEventListener('click', () => { if (question === undefined || confirm(question)) act(path, body) })
  return made
}

const card = (exit, mayChange, hasLists) => {
  const id = exit.b32 ?? exit.id
  const rows = [['From', origin(exit)], ...saying(exit), ['Measured', measured(exit)]]
  const actions = !mayChange
    ? []
    : [
        ...(!hasLists || exit.isYours
          ? []
          : [exit.isPinned
              ? button('Unpin', `Leave exit ${id} to the lists`, 'lists/unpin', { id })
              : button('Pin', `Keep exit ${id} whoever names it`, 'lists/pin', { id })]),
        ...(hasLists ? [button('Ban', `Never use exit ${id}`, 'lists/ban', { id }, `Never use this exit again, whoever names it?\n\n${id}`)] : []),
        ...(exit.isYours ? [button('Drop', `Drop exit ${id}`, 'exits/drop', { id: exit.id }, `Drop this exit?\n\n${id}`)] : [])
      ]
  return element('li', undefined, {}, [
    element('h3', undefined, {}, [element('code', short(exit.id), { title: id }), element('span', exit.error === undefined ? exit.state : `${exit.state}: ${exit.error}`, { class: GRADE[exit.state] })]),
    element('dl', undefined, {}, rows.flatMap(([name, value]) => [element('dt', name), element('dd', value)])),
    ...(actions.length === 0 ? [] : [element('p', undefined, {}, actions)])
  ])
}

const STATES = { never: 'not read yet', kept: 'kept from last time', read: 'read', failed: 'did not come' }

const listRow = list => {
  const state = [STATES[list.state], ...(list.problem === undefined ? [] : [list.problem])].join(': ')
  return element('tr', undefined, {}, [
    element('td', list.url, { class: 'wide' }),
    element('td', state, { 'data-name': 'State', class: `wide ${list.problem === undefined ? GRADE[list.state] ?? '' : 'warn'}` }),
    element('td', String(list.exits), { 'data-name': 'Exits', class: 'n' }),
    element('td', list.readAt === undefined ? 'never' : day(list.readAt), { 'data-name': 'Read' })
  ])
}

const rule = ({ lists, agree, candidates }) => {
  if (lists.length === 0) return 'No list is subscribed to: start the proxy with --exit-list URL, once for each.'
  const named = agree === 1 ? 'Each list alone is enough: subscribe to three or more, and two must agree.' : `An exit is used if ${agree} publishers name it.`
  return `${named} ${count(candidates, 'exit')} could be used now; which of them are is drawn by lot.`
}

/** The keyboard stays where it was. */
const fill = (id, rows) => {
  const focused = document.activeElement?.dataset?.key
  find(id).replaceChildren(...rows)
  if (focused !== undefined) [...document.querySelectorAll('[data-key]')].find(made => made.dataset.key === focused)?.focus()
}

let shown = ''

const show = state => {
  const { now: _now, ...rest } = state
  const text = JSON.stringify(rest)
  if (text === shown) return
  shown = text
  const { exits, lists, banned, mayChange } = state
  find('state').textContent = `${exits.length} in use`
  find('state').className = exits.length > 0 ? 'good' : 'warn'
  find('rule').textContent = rule(state)
  find('add').hidden = !mayChange
  fill('exits', exits.length > 0 ? exits.map(exit => card(exit, mayChange, lists.length > 0)) : [element('li', 'No exit yet.', { class: 'none' })])
  const rows = lists.length > 0 ? lists.map(listRow) : [element('tr', undefined, {}, [element('td', 'No list.', { colspan: 4, class: 'empty wide' })])]
  find('lists').tBodies[0].replaceChildren(...rows)
  find('bans').hidden = banned.length === 0
  fill('banned', banned.map(id => element('li', undefined, {}, [
    element('code', id), ...(mayChange ? [button('Allow', `Allow exit ${id} again`, 'lists/unban', { id })] : [])
  ])))
}

const look = async () => {
  try {
    const response = await fetch('/console/exits/state', { headers: { accept: 'application/json' } })
    if (response.ok) show(await response.json())
  } catch {
    find('state').textContent = 'no connection to the proxy'
    find('state').className = 'bad'
    shown = ''
  }
}

const act = async (path, body) => {
  find('message').textContent = ''
  try {
    const response = await fetch(`/console/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', 'x-minwww-nonce': nonce }, body: JSON.stringify(body) })
    const { detail, what, ok } = await response.json()
    if (response.ok && ok) {
      await look()
      return true
    }
    find('message').textContent = response.ok ? 'Nothing was changed: the exit is not known any more, or there are too many exits.' : detail ?? what
  } catch {
    find('message').textContent = 'The proxy does not answer.'
  }
  return false
}

find('add').addEventListener('submit', async event => {
  event.preventDefault()
  if (await act('exits/add', { destination: find('destination').value })) find('destination').value = ''
})

const watch = async () => {
  if (!document.hidden) await look()
  setTimeout(watch, 2000)
}
watch()

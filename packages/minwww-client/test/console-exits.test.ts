// The console's page of the exits: where each comes from, what it says, what was measured; add, pin, ban.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { toBase64 } from '@minwww/i2cp/codec'
import { DESCRIPTOR_URL, writeDescriptor } from '@minwww/protocol'
import { get, keys, startProxy, type Site } from './proxy-support.ts'

t.setTimeout(120_000)

const nonceOf = (html: string): string => /name="minwww-nonce" content="([0-9a-f]+)"/.exec(html)?.[1] ?? ''
const own = keys()
const listed = Array.from({ length: 3 }, () => keys())

/** What an exit says of itself. */
function line (of: ReturnType<typeof keys>): string {
  const { b32, base64 } = of.destination
  const date = Math.floor(Date.now() / 1_000)
  const profile = {
    versions: [1],
    web: true,
    methods: ['GET'],
    ports: [80],
    filters: ['denied-hosts' as const],
    free: 60,
    pushes: false,
    contact: '<b>ops</b>@example.i2p'
  }
  return writeDescriptor(profile, date, date + 86_400, { b32, base64, sign: data => toBase64(of.sign(data)) })
}

/** Exits that say what they are, and pages. */
const site: Site = (request, { destination }) => {
  if (request.url !== DESCRIPTOR_URL) return { body: 'page' }
  const asked = [own, ...listed].find(one => destination !== undefined && one.destination.equals(destination))
  return asked === undefined ? { status: 404 } : { body: `${line(asked)}\n` }
}

async function until<T> (look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise(resolve => setImmediate(resolve))
  }
}

interface State { exits: Array<Record<string, unknown>>, lists: Array<Record<string, unknown>>, banned: string[], mayChange: boolean, agree: number }

t.test('page and files', async t => {
  const { proxy, port } = await startProxy(site)
  const page = await get(port, '/console/exits')
  t.equal(page.status, 200)
  t.match(page.get('content-security-policy'), /^default-src 'none'/)
  t.notMatch(page.text, /<script>|<style|https?:|\son\w+=/)
  for (const [, path] of page.text.matchAll(/(?:src|href)="(\/console\/[^"]+\.(?:js|css))"/g)) t.equal((await get(port, path!)).status, 200)
  t.match((await get(port, '/console')).text, /href="\/console\/exits"/)
  await proxy.close()
})

t.test('an exit of the user says what it is when somebody looks; what is browsed is not there', async t => {
  const { proxy, port } = await startProxy(site, { exits: [{ id: 'mine', destination: own.destination }] })
  await get(port, 'http://secret.example/page')
  const look = async (): Promise<State> => JSON.parse((await get(port, '/console/exits/state')).text) as State
  const state = await until(async () => {
    const state = await look()
    return state.exits[0]?.says === undefined ? undefined : state
  })
  t.match(state, {
    mayChange: true,
    lists: [],
    banned: [],
    exits: [{ id: 'mine', isYours: true, lists: [], isPinned: false, state: 'ready', rtt: 400 }]
  })
  t.match(state.exits[0]?.says, { web: true, ports: [80], filters: ['denied-hosts'], free: 60, contact: '<b>ops</b>@example.i2p' })
  t.notMatch(JSON.stringify(state), /secret/)
  await proxy.close()
})

t.test('an exit of a list: named, used, pinned and banned; nobody else may do that', async t => {
  const [first, second] = listed as [typeof own, typeof own, typeof own]
  const hostsFile = join(t.testdir(), 'hosts.txt')
  writeFileSync(hostsFile, `list.i2p=${own.destination.base64}\n`)
  const lists = { urls: ['http://list.i2p/exits.txt'] }
  const { proxy, port } = await startProxy(site, { exits: [], lists, names: { hostsFile }, streams: listStreams(listed.map(line)) })
  const look = async (): Promise<State> => JSON.parse((await get(port, '/console/exits/state')).text) as State
  const state = await until(async () => {
    const state = await look()
    return state.exits.length < 3 || state.exits.some(({ state }) => state !== 'ready') ? undefined : state
  })
  t.match(state, { agree: 1, lists: [{ url: 'http://list.i2p/exits.txt', state: 'read', exits: 3, refused: 0 }] })
  t.match(state.exits, state.exits.map(() => ({ isYours: false, lists: ['http://list.i2p/exits.txt'], says: { free: 60 } })))

  const nonce = nonceOf((await get(port, '/console/exits')).text)
  const post = async (what: string, id: unknown, headers: Array<[string, string]> = [['X-MinWWW-Nonce', nonce]]) => {
    const text = JSON.stringify({ id })
    return await get(
      port, `/console/lists/${what}`, [['Content-Type', 'application/json'], ['Content-Length', String(text.length)], ...headers], 'POST',
      text
    )
  }
  t.equal((await post('ban', first.destination.b32, [])).status, 403)
  t.equal((await post('ban', 5)).status, 400)
  t.match(JSON.parse((await post('pin', first.destination.b32)).text), { ok: true })
  t.match(JSON.parse((await post('pin', 'nobody.b32.i2p')).text), { ok: false })
  t.ok((await look()).exits.find(({ id }) => id === first.destination.b32)?.isPinned)
  await post('unpin', first.destination.b32)
  t.notOk((await look()).exits.find(({ id }) => id === first.destination.b32)?.isPinned)
  await post('ban', second.destination.b32)
  const after = await look()
  t.strictSame(after.banned, [second.destination.b32])
  t.equal(after.exits.length, 2)
  t.notOk(proxy.exits().some(({ id }) => id === second.destination.b32))
  await post('unban', second.destination.b32)
  t.strictSame((await look()).banned, [])
  await proxy.close()
})

/** A site of I2P behind streams, which has one list. */
function listStreams (lines: string[]) {
  const body = `${lines.join('\n')}\n`
  return {
    connect: () => {
      const [mine, theirs] = duplexPair()
      const answer = (): void => {
        theirs.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
      }
      setImmediate(() => {
        mine.emit('connect')
        theirs.once('data', answer)
      })
      return Object.assign(mine, { connecting: true })
    }
  }
}

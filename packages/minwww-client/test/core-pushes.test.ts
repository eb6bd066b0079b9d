// What exits send before it is asked for: used for the page that promised it, by a request that would have got the same, once.
import {
  addressHash, decodeRate, encodeObject, encodeRate, encodePromises, encodePushed, encodeRequestHead, encodeResponse, PUSH_IDS, type HeaderList, type Message, type OpenMessage, type RequestMessage
} from '@minwww/protocol'
import { SeededRandom } from '@minwww/testkit'
import t from 'tap'
import { Bench, FakeExit, type Outcome } from './core-fake-exit.ts'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { ClientConfig, Incoming, Outgoing } from '../src/core.ts'

const PAGE = 'http://a.i2p/'
const STYLE = 'http://a.i2p/style.css'
const FIELDS: HeaderList = [
  ['Host', 'a.i2p'], ['User-Agent', 'MYOB/6.66 (AN/ON)'], ['Accept-Language', 'en'], ['Accept-Encoding', 'gzip, br']
]
const ID = PUSH_IDS + 1

/** A probe has nothing in it. */
const isRequest = (message: Message): message is RequestMessage | OpenMessage =>
  (message.type === 'request' || message.type === 'open') && message.object.length > 0

interface Ask { fields?: HeaderList, referer?: string, isPage?: boolean, method?: string }

/** A client that has a session with one exit, and asks as a browser's requests are rebuilt. */
class Visit {
  readonly bench: Bench
  readonly exit = new FakeExit()
  /** The page's request at the exit. */
  page: RequestMessage | OpenMessage | undefined

  constructor (config: Partial<ClientConfig> = {}) {
    this.bench = new Bench(config, 1)
    this.bench.ready('exit', this.exit)
  }

  ask (url: string, { fields = [], referer, isPage = false, method = 'GET' }: Ask = {}): number {
    return this.bench.core.request(this.bench.now, {
      message: encodeRequestHead({ method, url, headers: [...FIELDS, ...fields] }),
      site: 'a.i2p',
      idempotent: true,
      ...(isPage ? { isPage } : {}),
      ...(referer === undefined ? {} : { referer })
    })
  }

  /** Opens a page whose answer promises these. */
  open (urls: string[], ask: Ask = {}, status = 200): void {
    this.request(ask)
    this.answer(urls, 1, status)
  }

  request (ask: Ask = {}, url = PAGE): void {
    this.ask(url, { isPage: true, ...ask })
    this.page = this.read(this.bench.sent()).findLast(isRequest)
    this.bench.wait(200)
  }

  answer (urls: string[], first = 1, status = 200): void {
    const promises = encodePromises(urls.map((url, index) => ({ id: PUSH_IDS + first + index, url })))
    const response = encodeResponse({
      status, reason: '', headers: status === 200 ? [['Content-Type', 'text/html']] : [['Location', urls[0]!]], body: Buffer.from('<p>')
    })
    this.bench.receive(this.exit.reply(this.page!, encodeObject(Buffer.concat([promises, response]))))
    this.bench.outcomes()
  }

  read (sent: Outgoing[]): Message[] {
    return sent.map(message => this.exit.read(message))
  }

  /** Symbols of a push. */
  push (
    id: number, url: string,
    o: { fields?: HeaderList, headers?: HeaderList, body?: string, status?: number, promises?: string[], symbolLength?: number, indices?: number[], attempt?: number } = {}
  ): Incoming[] {
    const response = encodeResponse({
      status: o.status ?? 200,
      reason: 'OK',
      headers: [['Content-Type', 'text/css'], ...o.headers ?? []],
      body: Buffer.from(o.body ?? `body of ${url}`)
    })
    const promises = encodePromises((o.promises ?? []).map((url, index) => ({ id: PUSH_IDS + 100 + index, url })))
    const object = encodeObject(encodePushed(url, [...FIELDS, ...o.fields ?? []], Buffer.concat([promises, response])), { kind: 'push' })
    const { symbolLength, indices, attempt = 0 } = o
    return this.exit.push(this.page!, id, object, {
      attempt, ...(symbolLength === undefined ? {} : { symbolLength }), ...(indices === undefined ? {} : { indices })
    })
  }

  outcome (handle: number): string | undefined {
    const found = this.bench.outcomes().find((event): event is Outcome => event.handle === handle)
    return found?.type === 'response' ? found.message.toString().split('\r\n\r\n')[1] : found?.code
  }

  /** What a request does that is not answered by a push. */
  asks (): string[] {
    return this.read(this.bench.sent()).filter(isRequest).map(({ type }) => type)
  }
}

t.test('what is here, or on its way, is the answer to the page\'s request: nothing is asked', t => {
  for (const order of ['before', 'after', 'before the page']) {
    const visit = new Visit()
    visit.request()
    if (order === 'before the page') visit.bench.receive(visit.push(ID, STYLE))
    visit.answer([STYLE])
    if (order === 'before') visit.bench.receive(visit.push(ID, STYLE))
    const handle = visit.ask(STYLE, { referer: PAGE })
    if (order === 'after') {
      t.equal(visit.outcome(handle), undefined)
      visit.bench.wait(100)
      visit.bench.receive(visit.push(ID, STYLE))
    }
    t.equal(visit.outcome(handle), `body of ${STYLE}`, order)
    t.strictSame(visit.asks(), [])
    t.match(visit.bench.core.stats, { promises: 1, pushes: 1, usedPushes: 1, refusedPushes: 0 })
    visit.ask(STYLE, { referer: PAGE })
    t.strictSame(visit.asks(), ['request'], 'once')
  }
  t.end()
})

t.test('a request that would get something else asks for itself', t => {
  const cookie: HeaderList = [['Cookie', 'a=1']]
  const cases: Array<[string, Ask, Parameters<Visit['push']>[2]?]> = [
    ['another cookie', { fields: cookie }],
    ['no cookie', {}, { fields: cookie }],
    ['a password', { fields: [['Authorization', 'Basic eDp5']] }],
    ['another language', { fields: [['Accept-Language', 'de']] }],
    ['a part', { fields: [['Range', 'bytes=0-1']] }],
    ['a script of its own', { fields: [['X-Requested-With', 'XMLHttpRequest']] }],
    ['another site\'s script', { fields: [['Origin', 'http://b.example']] }],
    ['another port\'s', { fields: [['Origin', 'http://a.i2p:81']] }],
    ['no origin at all', { fields: [['Origin', 'null']] }],
    ['its own origin, which Vary names', { fields: [['Origin', 'http://a.i2p']] }, { headers: [['Vary', 'Origin']] }],
    ['another origin was pushed', { fields: [['Origin', 'http://a.i2p']] }, { fields: [['Origin', 'http://b.example']] }],
    ['a field that Vary names', { fields: [['Accept', 'text/css']] }, { headers: [['Vary', 'Accept']], fields: [['Accept', '*/*']] }],
    ['anything may change it', {}, { headers: [['Vary', '*']] }],
    ['a window', { isPage: true }],
    ['HEAD', { method: 'HEAD' }],
    ['another page', { referer: 'http://a.i2p/other' }],
    ['a part that was pushed', {}, { status: 206 }],
    ['a 304 that was pushed', {}, { status: 304, body: '' }]
  ]
  for (const [name, ask, push] of cases) {
    for (const isFirst of [true, false]) {
      const visit = new Visit()
      visit.open([STYLE])
      if (isFirst) visit.bench.receive(visit.push(ID, STYLE, push))
      const handle = visit.ask(STYLE, ask)
      if (!isFirst) visit.bench.receive(visit.push(ID, STYLE, push))
      t.equal(visit.outcome(handle), undefined, name)
      t.strictSame(visit.asks(), ['request'], name)
    }
  }
  t.end()
})

t.test('the same answer, whatever says nothing of it', t => {
  const cookie: HeaderList = [['Cookie', 'a=1']]
  const cases: Array<[string, Ask, Parameters<Visit['push']>[2]?]> = [
    ['cookies', { fields: cookie }, { fields: cookie }],
    ['Vary: Cookie', { fields: cookie }, { fields: cookie, headers: [['Vary', 'Cookie, Accept-Encoding']] }],
    ['a referer that says the site only', { referer: 'http://a.i2p/' }],
    ['none', {}],
    ['a validator', { fields: [['If-None-Match', '"1"'], ['Cache-Control', 'max-age=0']] }],
    ['its own origin, as Chromium says of fonts', { fields: [['Origin', 'http://a.i2p']] }],
    ['not there', {}, { status: 404 }],
    ['no-store', {}, { headers: [['Cache-Control', 'no-store']] }]
  ]
  for (const [name, ask, push] of cases) {
    const visit = new Visit()
    visit.open([STYLE])
    visit.bench.receive(visit.push(ID, STYLE, push))
    const handle = visit.ask(STYLE, ask)
    t.equal(visit.outcome(handle), `body of ${STYLE}`, name)
  }
  t.end()
})

t.test('a promise that is not kept costs a moment; what is late is not used', t => {
  const visit = new Visit()
  visit.open([STYLE, 'http://a.i2p/b.css', 'http://a.i2p/c.css'])
  const [silent, refused, slow] = [STYLE, 'http://a.i2p/b.css', 'http://a.i2p/c.css'].map(url => visit.ask(url))
  visit.bench.receive(visit.exit.error({ ...visit.page!, id: ID + 1, attempt: 0 }, 'connect-failed'))
  t.strictSame(visit.asks(), ['request'], 'an ERROR: at once')
  visit.bench.receive(visit.exit.working({ ...visit.page!, id: ID + 2, attempt: 0 }))
  const read = visit.read(visit.bench.wait(2_000))
  t.match(read.filter(({ type }) => type === 'cancel'), [{ id: ID }], 'nothing at all: the exit is told, and asked')
  t.ok(read.some(isRequest))
  visit.bench.receive([...visit.push(ID, STYLE), ...visit.push(ID + 1, 'http://a.i2p/b.css')])
  t.equal(visit.outcome(silent!) ?? visit.outcome(refused!), undefined)
  visit.bench.wait(7_000)
  visit.bench.receive(visit.push(ID + 2, 'http://a.i2p/c.css'))
  t.equal(visit.outcome(slow!), 'body of http://a.i2p/c.css', 'who says that he works is waited for')
  t.end()
})

t.test('an ERROR that is there before what promises it: nobody waits, whatever else the exit sends', t => {
  const before = new Visit()
  before.request()
  before.bench.receive(before.exit.error({ ...before.page!, id: ID, attempt: 0 }, 'too-large'))
  before.answer([STYLE, 'http://a.i2p/b.css'])
  before.ask(STYLE)
  t.strictSame(before.asks(), ['request'])
  before.ask('http://a.i2p/b.css')
  t.strictSame(before.asks(), [], 'the other one is waited for')
  const sheet = new Visit()
  sheet.open([STYLE])
  sheet.bench.receive(sheet.exit.error({ ...sheet.page!, id: ID + 99, attempt: 0 }, 'too-large'))
  sheet.bench.receive(sheet.push(ID, STYLE, { promises: ['http://a.i2p/large.jpg'] }))
  sheet.ask(STYLE)
  sheet.ask('http://a.i2p/large.jpg', { referer: STYLE })
  t.strictSame(sheet.asks(), ['request'], 'of a style sheet that was pushed')
  const flood = new Visit()
  flood.request()
  for (let n = 0; n < 1_000; n++) flood.bench.receive(flood.exit.error({ ...flood.page!, id: ID + n, attempt: 0 }, 'too-large'))
  flood.answer([STYLE, 'http://a.i2p/b.css'], 999)
  flood.ask(STYLE)
  t.strictSame(flood.asks(), [], 'so many are remembered, and no more')
  const crowd = new Visit()
  crowd.request()
  for (let n = 0; n < 128; n++) crowd.bench.receive(crowd.exit.error({ ...crowd.page!, id: ID + n, attempt: 0 }, 'too-large'))
  crowd.bench.receive(crowd.push(ID + 128, 'http://a.i2p/b.css'))
  crowd.answer([STYLE, 'http://a.i2p/b.css'], 128)
  t.equal(crowd.outcome(crowd.ask('http://a.i2p/b.css')), 'body of http://a.i2p/b.css', 'they take no room from what is there')
  crowd.ask(STYLE)
  t.strictSame(crowd.asks(), ['request'], 'and as many as a page may promise are remembered')
  t.end()
})

t.test('an exit that says it works for ever, or sends other things for ever, is not waited for', t => {
  const visit = new Visit()
  visit.open([STYLE])
  visit.ask(STYLE)
  let asked: string[] = []
  for (let second = 0; second < 30 && asked.length === 0; second++) {
    visit.bench.receive(visit.push(ID + 5 + second, `http://a.i2p/${second}`))
    asked = visit.read(visit.bench.wait(300)).filter(isRequest).map(({ type }) => type)
  }
  t.ok(asked.length === 0, 'for a while')
  for (let second = 0; second < 90 && asked.length === 0; second++) {
    visit.bench.receive(visit.push(ID + 50 + second, `http://a.i2p/${second}`))
    asked = visit.read(visit.bench.wait(300)).filter(isRequest).map(({ type }) => type)
  }
  t.strictSame(asked, ['request'])
  t.end()
})

t.test('lost symbols are asked for under the id of the push', t => {
  const visit = new Visit()
  visit.open([STYLE])
  const handle = visit.ask(STYLE)
  const body = Buffer.from(new SeededRandom(4).bytes(6_000)).toString('hex')
  visit.bench.receive(visit.push(ID, STYLE, { body, symbolLength: 2_000, indices: [0, 2] }))
  const wants = visit.read(visit.bench.wait(1_000)).filter(message => message.type === 'want')
  t.match(wants[0], { id: ID, attempt: 1 })
  const [want] = wants
  if (want?.type === 'want') {
    const indices = Array.from({ length: want.count }, (_, index) => want.from + index)
    visit.bench.receive(visit.push(ID, STYLE, { body, symbolLength: 2_000, indices, attempt: 1 }))
  }
  visit.bench.receive(visit.push(ID, STYLE, { body, symbolLength: 2_000, attempt: want?.attempt ?? 0 }))
  t.equal(visit.outcome(handle), body)
  t.end()
})

t.test('a push that is another address, no answer at all, too much, or of nobody, is none', t => {
  const other = new Visit()
  other.open([STYLE])
  const handle = other.ask(STYLE)
  other.bench.receive(other.push(ID, 'http://a.i2p/other.css'))
  t.equal(other.outcome(handle), undefined)
  t.strictSame(other.asks(), ['request'], 'another address')
  const junk = new Visit()
  junk.open([STYLE])
  junk.ask(STYLE)
  junk.bench.receive(junk.exit.push(junk.page!, ID, Buffer.from('\0no http at all')))
  t.strictSame(junk.asks(), ['request'], 'no HTTP')
  const foreign = new Visit()
  foreign.open(['http://b.example/x.css', 'http://b.i2p/x.css'])
  t.equal(foreign.bench.core.stats.promises, 0, 'a page promises for its own site only')
  const web = new Visit()
  web.request({}, 'http://a.example/')
  web.answer(['http://b.example/lib.js', 'http://a.example:81/lib.js', 'http://a.example/own.js'])
  t.equal(web.bench.core.stats.promises, 1, 'so does one of the web: another exit may be asked for another site')
  web.ask('http://b.example/lib.js')
  t.strictSame(web.asks(), ['request'])
  const unasked = new Visit()
  const session = Buffer.from([...unasked.exit.sessions.keys()][0]!, 'hex')
  unasked.page = { type: 'request', attempt: 0, flags: 0, session, id: 1, loss: 0, rate: 0, max: 72, shape: 8, object: Buffer.alloc(0) }
  unasked.bench.receive(unasked.push(ID, STYLE))
  t.match(unasked.bench.core.stats, { refusedPushes: 1, pushes: 0 }, 'nothing was allowed')
  t.match(unasked.read(unasked.bench.sent()), [{ type: 'cancel', id: ID }])
  t.end()
})

t.test('what is pushed and not used is gone after half a minute, and is not wanted again for a while', t => {
  const visit = new Visit()
  visit.open([STYLE])
  visit.bench.receive(visit.push(ID, STYLE))
  t.equal(visit.bench.core.load.pushes, 1)
  visit.bench.wait(31_000)
  t.match(visit.bench.core.load, { pushes: 0, pushed: 0 })
  visit.request()
  t.ok(visit.page?.push?.digest.includes(addressHash(STYLE)))
  t.end()
})

t.test('a request says what may be pushed: for windows, with what is fresh, and less where little is used', t => {
  const visit = new Visit()
  visit.open([STYLE, 'http://a.i2p/old.css'])
  const first = visit.page
  t.ok(first !== undefined && decodeRate(first.push!.budget) >= 65_536 && first.push!.digest.length === 0)
  visit.bench.receive([
    ...visit.push(ID, STYLE, { headers: [['Cache-Control', 'max-age=600']] }),
    ...visit.push(ID + 1, 'http://a.i2p/old.css', { headers: [['Cache-Control', 'no-cache']] })
  ])
  for (const url of [STYLE, 'http://a.i2p/old.css']) visit.ask(url)
  visit.request()
  t.strictSame(visit.page?.push?.digest, addressHash(STYLE))
  visit.answer([])
  visit.request({ fields: [['Cache-Control', 'no-cache']] })
  t.ok(visit.page?.push?.digest.length === 0, 'who loads it anew gets it anew')
  visit.answer([])
  const image = visit.ask('http://a.i2p/image.png')
  t.notOk('push' in visit.read(visit.bench.sent())[0]!)
  visit.bench.core.cancel(visit.bench.now, image)
  // Nothing of much is used.
  for (let load = 0; load < 3; load++) {
    visit.request()
    visit.answer([`http://a.i2p/${load}.css`], 10 + load)
    visit.bench.receive(visit.push(ID + 9 + load, `http://a.i2p/${load}.css`, { body: 'y'.repeat(90_000) }))
  }
  visit.request()
  t.equal(visit.page?.push, undefined, 'nothing more')
  const restored = new Visit()
  restored.bench.core.restore(JSON.parse(JSON.stringify(visit.bench.core.toJSON())))
  restored.request()
  t.match(restored.page, { push: { budget: Number } }, 'another chance after a restart, a small one')
  t.ok(restored.page !== undefined && decodeRate(restored.page.push!.budget) < 300_000)
  restored.answer([])
  restored.request()
  t.equal(restored.page?.push, undefined)
  t.end()
})

t.test('a redirect\'s target is pushed to the window, and what it needs with it', t => {
  const visit = new Visit()
  visit.open(['http://a.i2p/home'], {}, 302)
  visit.bench.receive(visit.push(ID, 'http://a.i2p/home', { promises: [STYLE] }))
  const page = visit.ask('http://a.i2p/home', { isPage: true })
  t.equal(visit.outcome(page), 'body of http://a.i2p/home')
  const style = visit.ask(STYLE, { referer: 'http://a.i2p/home' })
  visit.bench.receive(visit.push(PUSH_IDS + 100, STYLE))
  t.equal(visit.outcome(style), `body of ${STYLE}`)
  t.strictSame(visit.asks(), [])
  t.end()
})

t.test('after a change at the site, a later load, another session: nothing that was pushed before', t => {
  for (const how of ['change', 'load', 'suspend', 'remove'] as const) {
    const visit = new Visit()
    visit.open([STYLE])
    visit.bench.receive(visit.push(ID, STYLE, { body: 'old' }))
    if (how === 'change') visit.bench.core.changed(visit.bench.now, 'a.i2p')
    if (how === 'load') {
      visit.request()
      visit.answer([STYLE], 7)
    }
    if (how === 'suspend') visit.bench.core.suspend(visit.bench.now, 0)
    if (how === 'remove') visit.bench.core.removeExit(visit.bench.now, 'exit')
    const handle = visit.ask(STYLE)
    t.not(visit.outcome(handle), 'old', how)
    if (how !== 'load') continue
    visit.bench.receive(visit.push(PUSH_IDS + 7, STYLE, { body: 'new' }))
    t.equal(visit.outcome(handle), 'new')
  }
  t.end()
})

t.test('what a request allows: as much as its path carries in eight seconds, or the setting says, and not less than is worth it', t => {
  const budgetOf = (config: Partial<ClientConfig>, ask: Ask = {}): number | undefined => {
    const visit = new Visit(config)
    visit.request(ask)
    return visit.page?.push === undefined ? undefined : decodeRate(visit.page.push.budget)
  }
  const rows: Array<[Partial<ClientConfig>, number | undefined]> = [
    [{}, 2_097_152], [{ pushBudget: 100_000 }, 100_000],
    [{ pushBudget: 16_384 }, 16_384], [{ pushBudget: 16_383 }, undefined], [{ pushBudget: 0 }, undefined],
    [{ initialRate: 8_192, initialWindow: 1 }, 17_867]
  ]
  for (const [config, expected] of rows) {
    t.equal(budgetOf(config), expected === undefined ? undefined : decodeRate(encodeRate(expected)), JSON.stringify(config))
  }
  t.equal(budgetOf({}, { isPage: false }), undefined, 'a page only')
  t.equal(budgetOf({}, { method: 'HEAD' }), undefined)
  for (const [fields, isAnew] of [
    [[['Cache-Control', 'No-Cache']], true], [[['Cache-Control', 'max-age=0']], true], [[['Cache-Control', 'max-age=9']], false],
    [[['Pragma', 'no-cache']], true], [[['Pragma', 'x']], false]
  ] as Array<[HeaderList, boolean]>) {
    const visit = new Visit()
    visit.open([STYLE])
    visit.bench.receive(visit.push(ID, STYLE, { headers: [['Cache-Control', 'max-age=600']] }))
    visit.ask(STYLE)
    visit.request({ fields })
    t.strictSame(visit.page?.push?.digest, isAnew ? Buffer.alloc(0) : addressHash(STYLE), JSON.stringify(fields))
  }
  t.end()
})

t.test('how long a promise is waited for, and what is left of it then', t => {
  /** When a request that waits goes out by itself, ms. */
  const waits = (said: (visit: Visit) => void, every = 0): number => {
    const visit = new Visit()
    visit.open([STYLE])
    visit.ask(STYLE)
    said(visit)
    const begun = visit.bench.now
    let next = 0
    while (visit.bench.now < begun + 40_000) {
      if (visit.read(visit.bench.wait(5)).some(isRequest)) return visit.bench.now - begun
      if (every > 0 && ++next % (every / 5) === 0) visit.bench.receive(visit.push(ID + 10 + next, `http://a.i2p/${next}`))
    }
    return Infinity
  }
  // 200 ms, and four times the variation of the round trip, which is 118.75 ms here.
  t.equal(waits(() => {}), 675, 'until an exit that has something to do would have said so')
  t.equal(
    waits(({ bench, exit, page }) => bench.receive(exit.working({ ...page!, id: ID }, 2))), 4_675,
    'so long after it said that it works on it'
  )
  t.equal(waits(visit => visit.bench.receive(visit.exit.working({ ...visit.page!, id: ID + 1 }, 9))), 675, 'on it, and nothing else')
  t.equal(waits(() => {}, 500), 20_000, 'while other things come: twenty seconds')
  t.equal(waits(visit => visit.bench.receive(visit.exit.working({ ...visit.page!, id: ID }, 15)), 500), 30_675)
  t.end()
})

t.test('what was pushed is there for half a minute; what was promised is remembered for a minute', t => {
  for (const [name, end, act] of [
    ['here', 30_000, (visit: Visit) => visit.bench.receive(visit.push(ID, STYLE))],
    ['promised only', 60_000, () => {}],
    ['refused', 30_000, (visit: Visit) => visit.bench.receive(visit.exit.error({ ...visit.page!, id: ID }, 'too-large'))]
  ] as const) {
    const visit = new Visit()
    visit.open([STYLE])
    act(visit)
    visit.bench.wait(end - 1)
    t.equal(visit.bench.core.load.pushes, 1, name)
    visit.bench.wait(1)
    t.match(visit.bench.core.load, { pushes: 0, pushed: 0 }, name)
  }
  const visit = new Visit()
  visit.open([STYLE])
  visit.bench.receive(visit.push(ID, STYLE))
  visit.bench.wait(29_999)
  const handle = visit.ask(STYLE)
  t.equal(visit.outcome(handle), `body of ${STYLE}`)
  t.match(visit.bench.core.load, { pushed: 0, pushes: 1 })
  t.end()
})

t.test('a push of which symbols are missing: asked for twice in a row, four times in all, then the exit hears that it is over', t => {
  const body = Buffer.from(new SeededRandom(4).bytes(12_000)).toString('hex')
  const run = (answers: number): string[] => {
    const visit = new Visit()
    visit.open([STYLE])
    visit.ask(STYLE)
    visit.bench.receive(visit.push(ID, STYLE, { body, symbolLength: 1_000, indices: [0, 1, 2, 3, 4] }))
    const rows: string[] = []
    for (const end = visit.bench.now + 20_000; visit.bench.now < end;) {
      for (const message of visit.read(visit.bench.wait(20))) {
        if (message.type !== 'report') rows.push(`${message.type} ${message.attempt}`)
        if (message.type === 'want' && message.flags === 0 && message.attempt <= answers) {
          visit.bench.receive(visit.push(ID, STYLE, { body, symbolLength: 1_000, indices: [message.from], attempt: message.attempt }))
        }
        if (isRequest(message)) return rows
      }
    }
    return rows
  }
  t.strictSame([...new Set(run(0))], ['want 1', 'want 2', 'cancel 2', 'request 0'])
  t.strictSame([...new Set(run(9))], ['want 1', 'want 2', 'want 3', 'want 4', 'cancel 4', 'request 0'])
  t.end()
})

t.test('symbols that make no push: counted, and the exit hears it once', t => {
  const cancels = (visit: Visit): number[] =>
    visit.read(visit.bench.sent()).flatMap(message => message.type === 'cancel' ? [message.id] : [])
  const visit = new Visit()
  visit.open([STYLE, 'http://a.i2p/b.css'])
  visit.bench.receive(visit.push(5, STYLE))
  t.match([visit.bench.core.stats.refusedPushes, cancels(visit)], [1, [5]], 'an id that is ours')
  const object = new SeededRandom(1).bytes(3_000)
  visit.bench.receive(visit.exit.push(visit.page!, 6, Buffer.from(object), { symbolLength: 1_000, indices: [0, 1] }))
  t.strictSame([visit.bench.core.stats.refusedPushes, cancels(visit)], [3, [6]], 'with the last of its burst')
  // Of what is promised, and cannot be.
  const symbol = (id: number, size: number, index = 0, length = 100): Incoming => visit.exit.raw(visit.page!, {
    type: 'push',
    attempt: 0,
    flags: 0,
    session: visit.page!.session,
    id,
    size,
    index,
    last: 3,
    pace: 0,
    time: 0,
    symbol: Buffer.alloc(
      length
    )
  })
  visit.bench.receive(symbol(ID, 0))
  t.strictSame([visit.bench.core.stats.refusedPushes, cancels(visit)], [4, [ID]], 'of nothing')
  visit.bench.receive([symbol(ID, 300), symbol(ID, 300, 3)])
  t.match(visit.bench.core.stats, { refusedPushes: 4, late: 2, pushes: 0 })
  t.strictSame(cancels(visit), [ID], 'and again when a burst ends')
  visit.bench.receive([symbol(ID + 1, 300), symbol(ID + 1, 300), symbol(ID + 1, 301)])
  t.match(visit.bench.core.stats, { duplicates: 1, inconsistent: 1 })
  for (let n = 0; n < 20; n++) visit.bench.receive(symbol(ID + 1, 300))
  t.strictSame(cancels(visit), [ID + 1], 'a flood')
  visit.bench.receive(visit.push(ID + 2, 'http://a.i2p/c.css'))
  visit.bench.receive(visit.exit.push(visit.page!, ID + 3, encodeObject(Buffer.from('junk'))))
  t.match(visit.bench.core.stats, { pushes: 1, badObjects: 1 })
  t.match(visit.bench.core.load, { pushes: 4 })
  t.end()
})

t.test('of more pushes than are remembered the oldest goes, of more bytes, too', t => {
  const visit = new Visit()
  for (let page = 0; page < 6; page++) {
    visit.request({}, `http://a.i2p/page${page}`)
    visit.answer(Array.from({ length: 100 }, (_, index) => `http://a.i2p/${page}-${index}`), 1 + page * 100)
    t.equal(visit.bench.core.load.pushes, Math.min(512, (page + 1) * 100), `page ${page}`)
  }
  t.equal(visit.bench.core.stats.promises, 600)
  for (const [name, isThere] of [['0-87', false], ['0-88', true], ['5-99', true]] as const) {
    visit.ask(`http://a.i2p/${name}`, { referer: `http://a.i2p/page${name[0]}` })
    t.equal(visit.asks().length === 0, isThere, name)
  }
  t.end()
})

t.test('what is promised twice, or of two pages, is of the one that said it last', t => {
  const visit = new Visit()
  visit.open([STYLE])
  visit.bench.receive(visit.push(ID, STYLE, { body: 'first' }))
  visit.request({}, 'http://a.i2p/other')
  visit.answer([STYLE], 9)
  t.match(visit.bench.core.load, { pushes: 1, pushed: 0 }, 'the first is dropped')
  visit.answer(['http://a.i2p/b.css'], 9)
  t.equal(visit.bench.core.stats.promises, 2, 'an id is of one address')
  const handle = visit.ask(STYLE, { referer: 'http://a.i2p/other' })
  visit.bench.receive(visit.push(ID + 8, STYLE, { body: 'second' }))
  t.equal(visit.outcome(handle), 'second')
  visit.request()
  visit.bench.receive(visit.exit.reply(visit.page!, encodeObject(Buffer.concat([
    encodePromises([{ id: 3, url: STYLE }]), encodeResponse({ status: 200, reason: '', headers: [], body: Buffer.alloc(0) })
  ]))))
  t.equal(visit.bench.core.stats.promises, 2, 'nor is one of ours')
  t.end()
})

t.test('what is gone with a site, a page, a Destination or an exit, and what stays', t => {
  const cases: Array<[string, (visit: Visit) => void, boolean]> = [
    ['a change at the site', ({ bench }) => bench.core.changed(bench.now, 'a.i2p'), false],
    ['at another one', ({ bench }) => bench.core.changed(bench.now, 'b.i2p'), true],
    ['another Destination', ({ bench }) => bench.core.suspend(bench.now, 1), true],
    ['this one', ({ bench }) => bench.core.suspend(bench.now, 0), false],
    ['this one is back', ({ bench }) =>
      bench.core.resume(bench.now, 0, LocalDestination.generate(length => Buffer.alloc(length, 9))), false],
    ['another exit', ({ bench }) => bench.core.removeExit(bench.now, 'other'), true],
    ['another page is loaded', visit => visit.ask('http://a.i2p/other', { isPage: true }), true],
    ['the page is loaded', visit => visit.ask(PAGE, { isPage: true }), false],
    ['the page is asked for by a script', visit => visit.ask(PAGE), true]
  ]
  for (const [name, act, stays] of cases) {
    for (const isHere of [true, false]) {
      const visit = new Visit()
      visit.open([STYLE])
      if (isHere) visit.bench.receive(visit.push(ID, STYLE))
      act(visit)
      t.equal(visit.bench.core.load.pushes, stays ? 1 : 0, `${name}, ${isHere ? 'here' : 'promised'}`)
      t.equal(visit.bench.core.load.pushed > 0, stays && isHere)
    }
  }
  // A request that waits for what is gone asks for itself; one that has left asks for nothing.
  const visit = new Visit()
  visit.open([STYLE])
  const left = visit.ask(STYLE)
  visit.ask(STYLE)
  visit.bench.core.cancel(visit.bench.now, left)
  visit.bench.core.changed(visit.bench.now, 'a.i2p')
  t.strictSame(visit.read(visit.bench.sent()).map(({ type }) => type), ['cancel', 'request'])
  t.end()
})

t.test('an exit that pushes without end is bounded', t => {
  const endless = new Visit()
  endless.request()
  const body = 'x'.repeat(100_000)
  for (let index = 0; index < 200; index++) {
    endless.bench.receive(endless.push(
      PUSH_IDS + 1_000 + index, `http://a.i2p/${index}`, { body: `${index}${body}`, symbolLength: 30_000 }
    ))
  }
  const { pushes, pushed } = endless.bench.core.load
  t.ok(pushes <= 64 && pushed <= 16_777_216, `${pushes} of ${pushed} bytes`)
  t.ok(endless.bench.core.stats.refusedPushes > 0)
  t.end()
})

t.test('bodies that are pushed are kept up to 16 MiB: the oldest goes', t => {
  const visit = new Visit()
  visit.request()
  const urls = Array.from({ length: 20 }, (_, index) => `http://a.i2p/${index}`)
  visit.answer(urls)
  const size = 1_000_000
  for (const [index, url] of urls.entries()) visit.bench.receive(visit.push(ID + index, url, { body: `${index}`.padEnd(size) }))
  const { pushed, pushes } = visit.bench.core.load
  t.equal(Math.floor(pushed / size), 16)
  t.equal(pushes, 16)
  t.match(visit.bench.core.stats, { pushes: 20, refusedPushes: 0 })
  t.ok(visit.bench.core.stats.pushedBytes > 0 && visit.bench.core.stats.pushedBytes < 20 * size, 'as they came')
  for (const [index, isThere] of [
    [3, false], [4, true], [19, true]
  ] as const) t.equal(visit.outcome(visit.ask(urls[index]!)) !== undefined, isThere, String(index))
  t.end()
})

t.test('what no page has promised: 64 at a time; what was used or refused is wanted again', t => {
  const stray = new Visit()
  stray.request()
  for (let n = 0; n < 66; n++) stray.bench.receive(stray.push(ID + n, `http://a.i2p/${n}`))
  t.match([stray.bench.core.load.pushes, stray.bench.core.stats.refusedPushes], [64, 2])
  stray.bench.core.changed(stray.bench.now, 'b.i2p')
  t.equal(stray.bench.core.load.pushes, 64)
  stray.bench.core.changed(stray.bench.now, 'a.i2p')
  t.match(stray.bench.core.load, { pushes: 0, pushed: 0 })
  const visit = new Visit()
  const urls = ['used', 'refused', 'late', 'unused'].map(name => `http://a.i2p/${name}`)
  visit.open(urls)
  visit.bench.receive([
    ...visit.push(ID, urls[0]!), ...visit.push(ID + 3, urls[3]!), visit.exit.error({ ...visit.page!, id: ID + 1 }, 'too-large')
  ])
  visit.ask(urls[0]!)
  visit.bench.wait(31_000)
  visit.request()
  t.strictSame(visit.page?.push?.digest, addressHash(urls[3]!))
  t.end()
})

t.test('what the exit of a site sends is for its own pages, and what one of the pool sends for those of the pool', t => {
  const visit = new Visit()
  const site = new FakeExit(40)
  const ask = (url: string, isPage: boolean): number => visit.bench.core.request(visit.bench.now, {
    message: encodeRequestHead({
      method: 'GET', url, headers: FIELDS
    }),
    site: 'a.i2p',
    idempotent: true,
    isPage,
    destination: site.keys.destination
  })
  visit.open([STYLE])
  visit.bench.receive(visit.push(ID, STYLE))
  ask(STYLE, false)
  const first = site.read(visit.bench.sent()[0]!)
  t.ok(isRequest(first), 'asked at the site\'s own')
  visit.bench.receive(site.reply(first, encodeObject(encodeResponse({ status: 200, reason: 'OK', headers: [], body: Buffer.from('own') }))))
  ask(PAGE, true)
  const page = site.read(visit.bench.sent()[0]!)
  const promises = encodePromises([{ id: ID, url: 'http://a.i2p/own.css' }])
  visit.bench.receive(site.reply(page, encodeObject(Buffer.concat([
    promises, encodeResponse({ status: 200, reason: 'OK', headers: [], body: Buffer.from('own') })
  ]))))
  t.equal(visit.bench.core.stats.promises, 2)
  visit.ask('http://a.i2p/own.css')
  t.strictSame(visit.asks(), ['request'], 'another exit is asked for another\'s page')
  ask('http://a.i2p/own.css', false)
  t.strictSame(visit.bench.sent(), [], 'this one is waited for')
  t.end()
})

t.test('no sequence of loss, reordering, repetition, cancel, stale and forged pushes gives a browser what it would not have got', t => {
  const urls = Array.from({ length: 6 }, (_, index) => `http://a.i2p/${index}.css`)
  const cookies = ['a=1', 'b=2']
  let used = 0
  for (let seed = 1; seed <= 150; seed++) {
    const random = new SeededRandom(seed)
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random.number() * of.length)]!
    const visit = new Visit()
    const open = new Map<number, { url: string, cookie: string, load: number }>()
    let [load, ids, promised] = [0, 1, new Map<number, string>()]
    const waiting: Incoming[] = []
    const check = (): void => {
      for (const event of visit.bench.outcomes()) {
        const asked = open.get(event.handle)
        open.delete(event.handle)
        if (asked === undefined || event.type !== 'response') continue
        used++
        const [url, cookie, of] = event.message.toString().split('\r\n\r\n')[1]!.split('|')
        t.strictSame([url, cookie], [asked.url, asked.cookie], `seed ${seed}`)
        t.ok(Number(of) >= asked.load, `seed ${seed}: not older than its page`)
      }
    }
    for (let step = 0; step < 60; step++) {
      const what = random.number()
      if (what < 0.12) {
        visit.request({ fields: [['Cookie', pick(cookies)]] })
        // It may wait for room at its exit.
        if (visit.page === undefined) continue
        load++
        const chosen = urls.filter(() => random.number() < 0.7)
        visit.answer(chosen, ids)
        promised = new Map(chosen.map((url, index) => [PUSH_IDS + ids + index, url]))
        ids += chosen.length
      } else if (what < 0.5 && visit.page !== undefined && promised.size > 0) {
        const [id, url] = pick([...promised])
        const cookie = pick(cookies)
        const isForged = random.number() < 0.3
        const pushed = isForged ? pick(urls) : url
        const body = `${pushed}|${cookie}|${load}|${'x'.repeat(Math.floor(random.number() * 3_000))}`
        const symbols = visit.push(
          isForged && random.number() < 0.5 ? PUSH_IDS + 5_000 + Math.floor(random.number() * 200) : id, pushed,
          { fields: [['Cookie', cookie]], body, symbolLength: 700 }
        )
        waiting.push(...symbols.filter(() => random.number() < 0.9), ...symbols.filter(() => random.number() < 0.2))
        if (random.number() < 0.1) waiting.push({ ...symbols[0]!, payload: Buffer.from(symbols[0]!.payload.map(byte => byte ^ 1)) })
      } else if (what < 0.75 && load > 0) {
        const [url, cookie] = [pick(urls), pick(cookies)]
        const handle = visit.ask(url, { referer: PAGE, fields: [['Cookie', cookie]] })
        open.set(handle, { url, cookie, load })
        if (random.number() < 0.1) visit.bench.core.cancel(visit.bench.now, handle)
      } else if (what < 0.78) {
        visit.bench.core.changed(visit.bench.now, 'a.i2p')
      } else {
        visit.bench.wait(random.number() * 400)
      }
      for (const message of waiting.splice(0).filter(message => {
        if (random.number() < 0.6) return true
        waiting.push(message)
        return false
      })) visit.bench.receive(message)
      for (const message of visit.read(visit.bench.sent())) {
        if (message.type !== 'want' || random.number() < 0.3) continue
        t.ok(message.id >= PUSH_IDS || message.id > 0)
      }
      check()
    }
    visit.bench.wait(200_000)
    check()
    t.match(visit.bench.core.load, { pushes: 0, pushed: 0, requests: 0 }, `seed ${seed}: nothing is left`)
  }
  t.ok(used > 50, `${used} answers`)
  t.end()
})

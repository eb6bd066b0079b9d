import t, { type Test } from 'tap'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchPage, freePort, startService, type Service } from '../e2e/harness.ts'
import { startSite, type Handler } from './network.ts'
import { record, until, untilPage } from './rows.ts'

const FILE = '2-exit'
const PAGE = 'http://site.i2p'
const SIZE = 60_000 // bytes: some seconds at the bandwidth below
const LARGE = 600_000 // bytes: by a stream
/** One is killed for each of the seven faults here. Streams ask three, some of which nobody knows yet to be dead. */
const COUNT = 10
const FILE_BYTES = reproducibleBytes(LARGE, 3)
/** Of a download whose exit answers probes, ms. */
const STANDSTILL = 15_000
/** Also waits for what takes minutes: for the table (npm run docs:faults). */
const LONG = process.env.MINWWW_FAULTS_LONG === '1'

t.setTimeout(390_000)

interface Stage {
  fault: string
  /** What the site does while the exit under it is killed. */
  site: (exit: Exit) => Handler
  path: string
}

interface Exit { service: Service, console: string, kill: () => void, dead: boolean }

const reply = (response: Parameters<Handler>[1]): void => { response.end(Buffer.alloc(SIZE, 1)) }

/** As HTTPDs send files: with a validator, and in parts. */
function sendFile (request: Parameters<Handler>[0], response: Parameters<Handler>[1]): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const part = from > 0 && request.headers['if-range'] === '"v1"'
  response.writeHead(part ? 206 : 200, {
    etag: '"v1"',
    'accept-ranges': 'bytes',
    'content-length': part
      ? LARGE - from
      : LARGE,
    ...(part && { 'content-range': `bytes ${from}-${LARGE - 1}/${LARGE}` })
  }).end(part ? FILE_BYTES.subarray(from) : FILE_BYTES)
}

const STAGES: Stage[] = [
  { fault: 'the site was asked and has not answered', path: '/asked', site: exit => () => { exit.kill() } },
  {
    fault: 'the site has answered by half',
    path: '/half',
    site: exit => (_request, response) => {
      response.writeHead(200, { 'content-length': SIZE }).write(Buffer.alloc(SIZE / 2), () => exit.kill())
    }
  },
  {
    fault: 'the reply is on its way',
    path: '/way',
    site: exit => (_request, response) => {
      sentBytes(exit).then(async before => {
        reply(response)
        await until('some of the reply has been sent', async () => await sentBytes(exit) > before + 4_000)
        exit.kill()
      }).catch(() => {}) // has ended by itself: then the assertion below fails
    }
  }
]

async function sentBytes (exit: Exit): Promise<number> {
  const metrics = (await fetchPage(`http://${exit.console}/metrics`)).body.toString()
  return Number(/^minwww_exit_out_bytes_total(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? 0)
}

/** Exits with a site each, so that the site knows whom to kill. */
async function startExits (t: Test, i2cp: string, answer: (exit: Exit, ...rest: Parameters<Handler>) => void): Promise<Exit[]> {
  return await Promise.all(Array.from({ length: COUNT }, async () => {
    const console = `127.0.0.1:${await freePort()}`
    const site = await startSite(t, (request, response) => answer(exit, request, response))
    const service = await startService(t, ['exit', '--router', i2cp, '--site', `site.i2p=${site}`, '--console', console])
    const exit: Exit = { service, console, dead: false, kill: () => { exit.dead = true; service.child.kill('SIGKILL') } }
    return exit
  }))
}

t.test('an exit is killed at every stage of a reply; another one answers', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '30', '--bandwidth', '48'])
  const i2cp = router.json.i2cp as string
  let victim: Exit | undefined
  let last: Exit | undefined
  let posts = 0
  const exits = await startExits(t, i2cp, (exit, request, response) => {
    last = exit
    if (request.method === 'POST') {
      posts++
      return exit.kill()
    }
    const stage = STAGES.find(({ path }) => request.url?.startsWith(path))
    if (stage !== undefined && victim === undefined) {
      victim = exit
      return stage.site(exit)(request, response)
    }
    if (request.url?.startsWith('/file') === true) sendFile(request, response)
    else if (request.url?.startsWith('/large') === true) response.writeHead(200, { 'content-length': LARGE }).end(Buffer.alloc(LARGE, 2))
    else reply(response)
  })
  const proxy = await startService(t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--timeout', '60', ...exits.flatMap(
    ({ service }) => ['--exit', service.json.destination as string]
  )])
  const address = proxy.json.proxy as string
  const usual = await fetchPage(`${PAGE}/usual`, address)
  t.equal(usual.status, 200)
  last?.kill()
  const answers: Array<[string, number]> = [['before, for comparison', usual.took]]
  const atOnce = await fetchPage(`${PAGE}/dead`, address)
  t.equal(atOnce.status, 200, 'killed before the request came')
  answers.push(['killed before the request', atOnce.took])
  for (const { fault, path } of STAGES) {
    victim = undefined
    const page = await fetchPage(`${PAGE}${path}`, address)
    t.equal(page.status, 200, fault)
    t.equal(page.body.length, SIZE, fault)
    t.ok((victim as Exit | undefined)?.dead, `${fault}: an exit was killed`)
    answers.push([fault, page.took])
  }
  record(FILE, {
    fault: 'exit killed before the request, while it waits for the site, in the middle of the answer, in the middle of the reply (60 ' +
      'KB page)',
    user: 'the page, later: another exit of the pool is asked',
    kept: 'the pool takes the dead exit back when it answers a probe',
    again: answers
  })

  await t.test('a POST is not sent twice', async t => {
    const status = await post(address)
    t.ok(posts <= 1)
    t.ok([502, 503, 504].includes(status.status), `status ${status.status}`)
    record(FILE, {
      fault: 'exit killed while it has a POST',
      user: `status ${status.status}, ${status.error}`,
      kept: 'the site sees the request once at most',
      again: [['error page', status.took]]
    })
  })

  await t.test('in the middle of a large answer', async t => {
    const began = performance.now()
    const download = readLarge(address, '/large', () => { last?.kill() })
    await download.begun
    const next = await untilPage(`${PAGE}/next`, address)
    if (!LONG) download.cancel()
    const { body, complete } = await download.done
    t.ok(body.length > 0 && body.length < LARGE, `${body.length} bytes`)
    t.equal(complete, false, 'a part does not look whole')
    record(FILE, {
      fault: 'exit killed in the middle of a large answer without a validator (600 KB by a stream)',
      user: 'the download stands still, then breaks off when the stream gives up; other pages come',
      kept: 'nothing of it is put into the cache',
      again: [['next page', next], ...(LONG ? [['broken off', performance.now() - began] as [string, number]] : [])]
    })
  })

  await t.test('in the middle of a file', async t => {
    const began = performance.now()
    let killed: Exit | undefined
    const download = readLarge(address, '/file', () => { killed = last; killed?.kill() })
    const { body, complete, gap } = await download.done
    t.ok(killed?.dead, 'its exit was killed')
    t.ok(complete && body.equals(FILE_BYTES), `${body.length} bytes, byte-identical`)
    t.not(last, killed, 'another exit brought the rest')
    t.ok(gap < STANDSTILL, `a probe showed that the exit is gone: ${Math.round(gap)} ms without a byte`)
    record(FILE, {
      fault: 'exit killed in the middle of a file with ETag and ranges (600 KB by a stream)',
      user: 'the download stands still for some seconds, then goes on from another exit',
      kept: 'what had come; the same bytes, or the download breaks off',
      again: [['longest time without a byte', gap], ['whole file', performance.now() - began]]
    })
  })
})

async function post (proxy: string): Promise<{ status: number, error: string, took: number }> {
  const began = performance.now()
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(proxy)
    request({
      host: hostname, port, method: 'POST', path: `${PAGE}/form`, headers: { host: 'site.i2p', 'content-length': 4 }, agent: false
    }, response => {
      response.resume().on('end', () => resolve(
        { status: response.statusCode ?? 0, error: String(response.headers['x-minwww-error']), took: performance.now() - began }
      ))
    }).on('error', reject).end('body')
  })
}

/** `gap`: the longest time between two pieces, ms. */
interface Download { begun: Promise<void>, done: Promise<{ body: Buffer, complete: boolean, gap: number }>, cancel: () => void }

/** Reads an answer and calls `started` when its first bytes are there. */
function readLarge (proxy: string, path: string, started: () => void): Download {
  const { hostname, port } = new URL(proxy)
  const outgoing = request({ host: hostname, port, path: `${PAGE}${path}`, headers: { host: 'site.i2p' }, agent: false })
  const response = once(outgoing, 'response').then(([incoming]) => incoming as IncomingMessage)
  outgoing.end()
  const chunks: Buffer[] = []
  let gap = 0
  let last = Infinity
  const begun = response.then(async incoming => {
    incoming.on('error', () => {}).on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      gap = Math.max(gap, performance.now() - last)
      last = performance.now()
    })
    await once(incoming, 'data')
    started()
  })
  const done = response.then(async incoming => {
    await new Promise<void>(resolve => { incoming.once('close', resolve) })
    return { body: Buffer.concat(chunks), complete: incoming.complete, gap }
  })
  return { begun, done, cancel: () => { outgoing.destroy() } }
}

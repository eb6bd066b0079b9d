// Streams whose exits do not answer probes, one exit after the other.
import { duplexPair, type Duplex } from 'node:stream'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { ExitStatus } from '../src/core.ts'
import type { SiteRequest } from '../src/http/answer.ts'
import { parseTarget } from '../src/http/target.ts'
import { SiteFetcher, type ExchangeOptions } from '../src/route/site-fetcher.ts'
import { StreamAgent, type StreamPeer } from '../src/route/streams.ts'
import type { Limits } from '../src/route/stream-path.ts'
import type { Backend } from '../src/sessions/backend.ts'
import { keys } from './proxy-support.ts'

type State = ExitStatus['state']

/** A pool of exits that are told how they are, the streams that were opened, and who was probed. */
function poolOf (t: Test, ...states: State[]) {
  const exits = states.map((state, index) => ({
    id: `exit${index}`, destination: keys().destination, state, srtt: 100, rttvar: 1, rate: 50_000, loss: 0, successes: 1, failures: 0
  }))
  const asked: string[] = []
  const probes: string[] = []
  const ends: Duplex[] = []
  const agent = new StreamAgent({
    connect: ({ destination }) => {
      const [own, exit] = duplexPair()
      asked.push(exits.find(exit => exit.destination === destination)!.id)
      ends.push(exit.resume())
      return Object.assign(own, { ref () {}, unref () {}, setTimeout () {}, setKeepAlive () {}, setNoDelay () {} })
    }
  })
  t.teardown(() => agent.destroy())
  const backend = {
    driver: { exits: () => exits, suspectExit: (id: string) => { probes.push(id) }, changed () {} },
    streams: agent,
    sessionStreams: { fromWhere: async (peer: StreamPeer, limits: Limits) => ({ peer, limits }) },
    health: { state: 'ready' },
    connectTime: (time: number) => time,
    noteStream () {},
    isGone: () => false
  } as unknown as Backend
  const settings = { timeout: 60_000, timeouts: { answer: 300_000 }, i2pOnly: false }
  const fetcher = new SiteFetcher({ settings, names: {}, altSvc: {}, jumpServices: {} } as unknown as ExchangeOptions)
  const set = (id: string | undefined, state: State): void => { exits.find(exit => exit.id === id)!.state = state }
  return { fetcher, backend, asked, probes, ends, set }
}

/** One that goes over streams, and may be asked for again. */
const request = (): SiteRequest =>
  ({ method: 'PROPFIND', target: parseTarget('http://a.example/'), fields: [['Host', 'a.example']], signal: new AbortController().signal })

const turns = async (): Promise<void> => { for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate) }

/** Nothing comes for `time` ms. */
async function silence (time: number): Promise<void> {
  await turns()
  mock.timers.tick(time)
  await turns()
}

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
t.afterEach(() => mock.timers.reset())

t.test('both exits are away for a moment, one after the other: the first one is asked again', async t => {
  const { fetcher, backend, asked, probes, ends, set } = poolOf(t, 'ready', 'ready')
  const answer = fetcher.fetch(request(), backend).catch((error: unknown) => error)
  await silence(2_000)
  set(asked[0], 'probation')
  await silence(500)
  t.equal(new Set(asked).size, 2, 'the other one is asked')
  await silence(2_000)
  set(asked[1], 'down')
  await silence(500)
  t.equal(asked.length, 2, 'while the first one is away, the last one is waited for')
  set(asked[0], 'ready')
  await silence(500)
  t.strictSame([asked.length, asked[2]], [3, asked[0]])
  set(asked[0], 'down')
  set(asked[1], 'ready')
  await silence(60_000)
  t.equal(asked.length, 3, 'not a third time: it is waited for')
  ends[2]!.write('HTTP/1.1 207 Multi-Status\r\nContent-Length: 0\r\n\r\n')
  t.match(await answer, { status: 207 })
  t.ok(probes.includes(asked[0]!) && probes.includes(asked[1]!))
})

t.test('an exit that is well, but does not serve this request, is no reason to give up', async t => {
  const { fetcher, backend, asked, ends, set } = poolOf(t, 'ready', 'busy', 'busy', 'ready')
  const own = fetcher.exitPeers(backend, parseTarget('http://a.example/')).map(({ id }) => id)
  const other = ['exit0', 'exit1', 'exit2', 'exit3'].find(id => !own.includes(id))
  const answer = fetcher.fetch(request(), backend).catch((error: unknown) => error)
  for (const id of own) {
    await silence(2_000)
    set(id, 'down')
    if (id !== own.at(-1)) set(own[own.indexOf(id) + 1], 'ready')
    await silence(500)
  }
  set(other, 'ready')
  await silence(10_000)
  t.strictSame(asked, own)
  ends[2]!.write('HTTP/1.1 207 Multi-Status\r\nContent-Length: 0\r\n\r\n')
  t.match(await answer, { status: 207 })
})

import t, { type Test } from 'tap'
import { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp'
import { ActivityLog } from '../src/route/activity.ts'
import { Tunnels, type TunnelEnd } from '../src/route/tunnels.ts'
import { parseConnectTarget } from '../src/http/target.ts'
import type { Backend } from '../src/sessions/backend.ts'
import type { SiteFetcher } from '../src/route/site-fetcher.ts'
import type { Limits } from '../src/route/stream-path.ts'
import type { StreamPeer } from '../src/route/streams.ts'
import { keys } from './proxy-support.ts'

const until = async (isThere: () => boolean): Promise<void> => { while (!isThere()) await new Promise(setImmediate) }

/** A browser that takes a piece only when it is told to. */
class SlowBrowser extends Duplex {
  taken = ''
  #next: (() => void) | undefined
  constructor () {
    super()
    // It closes its side when it was told everything.
    this.once('finish', () => this.push(null)).on('error', () => {})
  }

  override _read (): void {}
  override _write (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#next = () => {
      this.#next = undefined
      this.taken += chunk.toString('latin1')
      done()
    }
  }

  get hasMore (): boolean { return this.#next !== undefined }
  accept (): void { this.#next?.() }
  openTunnel (): void {}
  setTimeout (): void {}
  setNoDelay (): void {}
}

async function tunnel (t: Test, honestConnect: boolean): Promise<{ browser: SlowBrowser, site: Duplex, activity: ActivityLog }> {
  const { destination } = keys()
  const activity = new ActivityLog()
  // As a stream of @minwww/streaming: its own side ends with its peer's.
  const site = new Duplex({ allowHalfOpen: false, read () {}, write (_chunk, _encoding, done) { done() } })
  const fetcher = { route: async () => ({ to: 'site', destination }), explain: (error: unknown) => error } as unknown as SiteFetcher
  const backend = {
    streams: {
      createConnection: () => {
        setImmediate(() => site.emit('connect'))
        return site
      }
    },
    sessionStreams: {
      peersOf: (destination: Destination, port: number) => [{ kind: 'site', id: destination.b32, destination, port }],
      fromWhere: async (peer: StreamPeer, limits: Limits) => ({ peer, limits })
    },
    driver: { exits: () => [] },
    isGone: () => false
  } as unknown as Backend
  const settings = { timeout: 10_000, timeouts: { answer: 10_000, silence: 10_000, tunnel: 10_000 }, honestConnect }
  const tunnels = new Tunnels({ fetcher, activity, settings: settings as never })
  t.teardown(() => tunnels.close())
  const browser = new SlowBrowser()
  await tunnels.connect(
    parseConnectTarget(`${destination.b32}:443`),
    browser as unknown as TunnelEnd,
    backend,
    new AbortController().signal
  )
  return { browser, site, activity }
}

t.test('a browser that reads slowly gets all that the site said before it ended', async t => {
  for (const honestConnect of [true, false]) {
    const { browser, site, activity } = await tunnel(t, honestConnect)
    site.push('first')
    await until(() => browser.hasMore)
    browser.accept()
    site.push('x'.repeat(10_000))
    site.push(null)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    while (browser.hasMore) {
      browser.accept()
      await new Promise(setImmediate)
    }
    await until(() => activity.inFlightCount === 0)
    t.equal(browser.taken.replace(/^HTTP.*\r\n\r\n/, '').length, 10_005, `honest: ${String(honestConnect)}`)
  }
})

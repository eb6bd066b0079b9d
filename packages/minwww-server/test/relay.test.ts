import t from 'tap'
import { Duplex } from 'node:stream'
import { settle, VirtualClock } from '@minwww/testkit'
import { join } from '../src/streams/relay.ts'

/** An end that takes a piece only when it is told to. */
class SlowEnd extends Duplex {
  taken = ''
  #next: (() => void) | undefined
  constructor () { super({ writableHighWaterMark: 65_536 }) }
  override _read (): void {}
  override _write (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#next = () => {
      this.#next = undefined
      this.taken += chunk.toString('latin1')
      done()
    }
  }

  accept (): boolean {
    this.#next?.()
    return this.#next !== undefined
  }
}

async function joined (isHalfOpen = false): Promise<{ client: SlowEnd, site: SlowEnd, clock: VirtualClock, over: () => string }> {
  const clock = new VirtualClock()
  const client = new SlowEnd()
  const site = new SlowEnd()
  for (const end of [client, site]) end.on('error', () => {})
  let over = ''
  const meter = async (): Promise<void> => {}
  join(client, site, { leftToRight: meter, rightToLeft: meter, clock, stall: 1_000, idle: 60_000 })
    .then(() => { over = 'ended' }, (error: Error) => { over = error.name })
  client.push('asked')
  if (!isHalfOpen) client.push(null)
  await settle()
  site.push('x'.repeat(10_000))
  site.push(null)
  await settle()
  return { client, site, clock, over: () => over }
}

t.test('both directions have ended: what waits for a slow end is not thrown away', async t => {
  const { client, site, over } = await joined()
  t.equal(over(), '')
  for (const end of [site, client]) while (end.accept()) await settle()
  await settle()
  t.equal(site.taken, 'asked')
  t.equal(client.taken.length, 10_000)
  await settle()
  t.equal(over(), 'ended')
  t.ok(client.destroyed && site.destroyed)
})

t.test('a site that has said all and closed: what its client still says ends nothing', async t => {
  const { client, site, over } = await joined(true)
  site.destroy()
  client.push('a window is opened')
  await settle()
  t.equal(over(), '')
  while (client.accept()) await settle()
  await settle()
  t.equal(client.taken.length, 10_000)
  t.equal(over(), 'ended')
  t.ok(client.destroyed)
})

t.test('an end that takes nothing more is not waited for without end', async t => {
  const { client, site, clock, over } = await joined()
  await clock.advance(1_000)
  await settle()
  t.equal(over(), 'TimeoutError')
  t.ok(client.destroyed && site.destroyed)
})

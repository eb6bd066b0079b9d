// A day (or HOURS) of browsing in virtual time: the whole exit with its limits, queue, quota and a real web server behind
// it; the client's core; the network model between them. Every hour what is held is measured.
import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { ClientCore } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import { encodeRequestHead } from '@minwww/protocol'
import { createExit, type Exit } from '@minwww/server'
import { VirtualClock } from '@minwww/testkit'
import { growing, grows, pageSize, sample, seededNumbers, startSite, table, type Sample } from './measure.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** I2CP's gzip container, bytes. */
const CONTAINER = 23
/** The night, in hours from the start: nobody asks for anything. */
const NIGHT = [14, 20] as const

interface Message { protocol: number, fromPort: number, toPort: number, payload: Buffer }

const hours = Number(process.argv[2] ?? 24)
const random = seededNumbers(11)
const randomBytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
const start = Date.parse('2026-11-30T06:00:00Z') // a day and a month end on the way
const clock = new VirtualClock(start)
const network = new NetworkModel<Message>({ seed: 11, latency: 300, jitter: 60, loss: 0.01 })
const site = await startSite()

class ExitSession extends EventEmitter {
  readonly keys = LocalDestination.generate(randomBytes)
  readonly clockOffset = 0
  readonly destination = this.keys.destination
  send (to: { b32: string }, payload: Uint8Array, { protocol, fromPort = 0, toPort = 0 }: {
    protocol: number, fromPort?: number, toPort?: number
  }): void {
    network.send(clock.now(), {
      from: this.destination.b32,
      to: to.b32,
      size: payload.length + CONTAINER,
      data: {
        protocol, fromPort, toPort, payload: Buffer.from(payload)
      }
    })
  }
}

/** Somebody who browses: a client's core, and what it asks for. */
class Person {
  readonly keys = [LocalDestination.generate(randomBytes), LocalDestination.generate(randomBytes)]
  readonly core = new ClientCore({ keys: this.keys, random: randomBytes })
  readonly outcomes: Record<string, number> = {}
  #nextVisit = clock.now()
  readonly #leavesAt: number

  constructor (exit: Exit, leavesAt: number) {
    this.#leavesAt = leavesAt
    this.core.addExit(clock.now(), { id: 'exit', destination: exit.destination })
  }

  get gone (): boolean { return clock.now() > this.#leavesAt + 2 * MINUTE }
  get next (): number { return Math.min(this.#nextVisit, this.core.nextTimeout() ?? Infinity) }

  act (): void {
    const now = clock.now()
    if ((this.core.nextTimeout() ?? Infinity) <= now) this.core.handleTimeout(now)
    if (this.#nextVisit <= now) this.#visit(now)
    for (let out = this.core.pollTransmit(now); out !== undefined; out = this.core.pollTransmit(now)) {
      const { to, payload, protocol, fromPort, toPort } = out
      network.send(now, {
        from: this.keys[out.source]!.destination.b32,
        to: to.b32,
        size: payload.length + CONTAINER,
        data: { protocol, fromPort, toPort, payload }
      })
    }
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      if (event.type !== 'response' && event.type !== 'failed') continue
      const name = event.type === 'response' ? 'answered' : event.code
      this.outcomes[name] = (this.outcomes[name] ?? 0) + 1
    }
  }

  receive (to: string, message: Message): void {
    this.core.receive(clock.now(), this.keys.findIndex(key => key.destination.b32 === to), message)
  }

  #visit (now: number): void {
    const hour = (now - start) / HOUR
    const isNight = hour >= NIGHT[0] && hour < NIGHT[1]
    this.#nextVisit = now > this.#leavesAt ? Infinity : isNight ? start + NIGHT[1] * HOUR : now + (5 + 50 * random()) * SECOND
    if (isNight || now > this.#leavesAt) return
    for (let count = 1 + Math.floor(random() * 10); count > 0; count--) {
      const message = encodeRequestHead(
        { method: 'GET', url: `http://day.i2p/${pageSize(random)}?${random()}`, headers: [['accept', '*/*']] }
      )
      this.core.request(now, { message, site: 'day.i2p', idempotent: true })
    }
  }
}

const session = new ExitSession()
const exit = await createExit({
  session: session as never,
  clock,
  sites: { 'day.i2p': site.origin },
  bandwidth: {
    out: 262_144, in: 1e6, quotaDay: 1e10, quotaMonth: 1e11
  }
})
const outcomes: Record<string, number> = {}
const owner = new Person(exit, Infinity)
let people = [owner]

/** Everything that can happen at this moment. */
function settle (): void {
  for (const { to, data } of network.poll(clock.now())) {
    if (to === session.destination.b32) session.emit('message', data)
    else people.find(({ keys }) => keys.some(key => key.destination.b32 === to))?.receive(to, data)
  }
  clock.advance(0)
  for (const person of people) person.act()
}

async function runTo (end: number): Promise<void> {
  while (clock.now() < end) {
    settle()
    // What is being fetched is fetched in real time; the world waits for it, except for a little.
    const isFetching = exit.stats.running > 0
    for (let turns = isFetching ? 20 : 0; turns > 0; turns--) await turn()
    const next = Math.min(end, clock.next, network.nextTimeout() ?? Infinity, ...people.map(person => person.next))
    clock.advance(Math.max(0.01, (isFetching ? Math.min(next, clock.now() + 5) : next) - clock.now()))
  }
}

const samples: Sample[] = []
const virtualTimers: number[] = []
const rows: Array<Array<string | number>> = []
for (let hour = 1; hour <= hours; hour++) {
  // Somebody new comes every hour, stays for a while, and is never seen again.
  people.push(new Person(exit, clock.now() + 20 * MINUTE))
  await runTo(start + hour * HOUR)
  for (const { outcomes: own } of people.filter(person => person.gone)) count(own)
  people = people.filter(person => !person.gone)
  const taken = sample()
  samples.push(taken)
  virtualTimers.push(clock.pending)
  rows.push([
    hour, exit.stats.outcomes['message answered'] ?? 0, taken.heap.toFixed(1), taken.buffers.toFixed(1),
    taken.sockets, clock.pending, people.length
  ])
}
count(owner.outcomes)
console.log(table(['hour', 'requests answered', 'heap, MB', 'buffers, MB', 'sockets', 'timers', 'clients'], rows))
console.log(`outcomes at the clients: ${JSON.stringify(outcomes)}; at the exit: ${JSON.stringify(exit.stats.outcomes)}`)
await exit.close()
site.close()
console.log(`timers after the exit is closed: ${clock.pending}`)
const found = [
  ...growing(samples).filter(name => name !== 'rss'), ...(grows(virtualTimers, 2) || clock.pending > 0 ? ['timers of the exit'] : [])
]
console.log(found.length === 0 ? 'nothing grows' : `grows: ${found.join(', ')}`)
process.exitCode = found.length === 0 ? 0 : 1

function count (own: Record<string, number>): void {
  for (const [name, number] of Object.entries(own)) outcomes[name] = (outcomes[name] ?? 0) + number
}

/**
 * How many requests a second one exit core answers on one CPU, with a profile of where the time goes. Clock and network
 * are virtual: only the core's own work is measured, not the router, the sockets or the web server.
 *
 *   node --conditions=@minwww/source --import tsx packages/benchmark/scripts/exit-core.ts
 */
import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { encodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import { encodeLoss, encodeMessage, encodeObject, encodeOpenBody, encodeRate, paddedLength, sessionKeys } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'
import { ServerCore } from '@minwww/server/core'
import { pageRequest, pageResponse } from '../src/grid/http.ts'
import { SeededRandom } from '../src/grid/random.ts'

const CLIENTS = 16
/** Rounds that are measured, and as many that are profiled. */
const ROUNDS = 15
/** Requests of each client before the clock goes on, so that the buckets and the cache do not grow without end. */
const ROUND = 8
const ROUND_TIME = 2_000
const TOP = 8
const OUTSIDE = new Set(['(idle)', '(root)', '(program)', ''])
const PORTS = { fromPort: 4480, toPort: 80 }
const MAX = encodeRate(131_072)
/** No limit of rate: what is asked for is the CPU. */
const UNLIMITED = { messageRate: 1e9, messageBurst: 1e9, serverRate: 1e12, maxBacklog: 1e9, initialDepth: 1e6, maxDepth: 1e6, newcomerFetches: 1e9, newcomerBurst: 1e9, signatureChecks: 1e9 }

interface Client { keys: LocalDestination, session: SessionKeys, secret: Buffer, id: number }

const random = new SeededRandom(1)
const object = encodeObject(pageRequest(1024), { kind: 'request' })

class Bench {
  now = 1_700_000_000_000
  readonly #exit = LocalDestination.generate(random.bytes)
  readonly core = new ServerCore({ keys: this.#exit, random: random.bytes, config: UNLIMITED })
  readonly #clients: Client[] = Array.from({ length: CLIENTS }, () => {
    const secret = random.bytes(16)
    return { keys: LocalDestination.generate(random.bytes), session: sessionKeys(secret), secret, id: 0 }
  })

  readonly #page: Buffer
  readonly #loss: number

  constructor (size: number, loss: number) {
    this.#page = pageResponse(size, random.bytes)
    this.#loss = encodeLoss(loss)
  }

  /** Messages of one round, made beforehand: the client's work is not the exit's. */
  prepare (form: 'open' | 'request'): Array<{ protocol: number, payload: Buffer }> {
    return Array.from({ length: ROUND }, () =>
      this.#clients.map(client => (form === 'open' ? this.#open(client) : this.#request(client)))
    ).flat()
  }

  /** @returns requests answered */
  answer (messages: Array<{ protocol: number, payload: Buffer }>): number {
    let answered = 0
    for (const message of messages) {
      this.core.receive(this.now, { ...message, ...PORTS })
      for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
        if (event.type !== 'fetch') continue
        this.core.respond(this.now, event.handle, this.#page)
        answered++
      }
      while (this.core.pollTransmit(this.now) !== undefined) { /* sent */ }
    }
    this.now += ROUND_TIME
    this.core.handleTimeout(this.now)
    return answered
  }

  #fields (client: Client): { attempt: number, flags: number, session: Buffer, id: number, loss: number, rate: number, shape: number, max: number, object: Buffer } {
    return { attempt: 0, flags: 0, session: client.session.session, id: ++client.id, loss: this.#loss, rate: 0, shape: 8, max: MAX, object }
  }

  #request (client: Client): { protocol: number, payload: Buffer } {
    return { protocol: 18, payload: encodeMessage({ type: 'request', ...this.#fields(client) }, client.session.client, paddedLength(0)) }
  }

  #open (client: Client): { protocol: number, payload: Buffer } {
    const body = encodeOpenBody({ type: 'open', ...this.#fields(client), time: Math.floor(this.now / 1000), key: client.secret }, 1_300)
    return { protocol: 19, payload: encodeDatagram2(client.keys, this.#exit.destination.hash, body) }
  }
}

const inspector = new Session()
inspector.connect()
await inspector.post('Profiler.enable')

async function measure (label: string, size: number, loss: number, form: 'open' | 'request'): Promise<void> {
  const bench = new Bench(size, loss)
  const rounds = (): ReturnType<Bench['prepare']>[] => Array.from({ length: ROUNDS }, () => bench.prepare(form))
  const answer = (all: ReturnType<typeof rounds>): number => all.reduce((sum, messages) => sum + bench.answer(messages), 0)
  bench.answer(bench.prepare('open'))
  answer(rounds())
  const [measured, profiled] = [rounds(), rounds()]
  const { opens } = bench.core.stats
  const before = process.cpuUsage()
  const answered = answer(measured)
  const { user, system } = process.cpuUsage(before)
  const perRequest = (user + system) / answered
  console.log(`${label}: ${Math.round(1e6 / perRequest)} requests/s, ${Math.round(perRequest)} us each, ${bench.core.stats.opens - opens} signatures checked for ${answered} requests`)
  await inspector.post('Profiler.start')
  answer(profiled)
  const self = selfTimes((await inspector.post('Profiler.stop')).profile)
  const total = self.reduce((sum, [, time]) => sum + time, 0)
  console.log(`  ${self.slice(0, TOP).map(([name, time]) => `${name} ${(100 * time / total).toFixed(0)} %`).join(', ')}`)
}

/** Most first. */
function selfTimes (profile: Profiler.Profile): Array<[string, number]> {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName]))
  const self = new Map<string, number>()
  profile.samples?.forEach((id, index) => {
    const name = names.get(id) ?? ''
    if (!OUTSIDE.has(name)) self.set(name, (self.get(name) ?? 0) + (profile.timeDeltas?.[index] ?? 0))
  })
  return [...self].sort((a, b) => b[1] - a[1])
}

await measure('1 KB, session open', 1024, 0.01, 'request')
await measure('60 KB, session open, no loss', 60 * 1024, 0, 'request')
await measure('60 KB, session open, 1 % loss', 60 * 1024, 0.0125, 'request')
await measure('1 KB, each request signed', 1024, 0.01, 'open')
inspector.disconnect()

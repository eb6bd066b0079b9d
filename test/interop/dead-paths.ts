/**
 * Which paths are left when the router of one of two exits is killed: raw sessions ask each other over every pair of them, whatever a
 * protocol above would do. A second in which no pair answers is one in which no page can come. Figures of docs/reports/routers.md. What a
 * protocol that asks over all pairs all the time would make of it stands beside that: a page each half second, and those later than 5 s.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/dead-paths.ts [bookworm|trixie|sid] [options]
 *
 * Options: --destinations 6 (on the proxy's router), --watch 45 (s afterwards), --refresh no|whole|halves (who is not answered for 0.7 s
 * has its LeaseSet sent again, at most every 5 s), --back (the router is started again a second later, as restarts.ts does).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSession, PROTOCOL, type Session } from '@minwww/i2cp'
import { inPlace } from './place.ts'

const PROXY_ROUTER = 3
const [KILLED, LEFT] = [4, 5]
const EVERY = 200
/** A Destination takes one new ratchet session in 200 ms, so that they begin one after the other. */
const BEGINNING = 12_000
const SETTLED = 20_000
const IN_TIME = 5_000
const PAGE_EVERY = 500
const SILENT = 700
const AGAIN = 5_000
const OTHER_HALF = 500
const SIZE = 600
const PORTS = { protocol: PROTOCOL.RAW, fromPort: 1, toPort: 1 }

interface Question { at: number, took?: number }

const { values, positionals: [suite = 'sid'] } = parseArgs({
  allowPositionals: true,
  options: {
    destinations: { type: 'string', default: '6' },
    watch: { type: 'string', default: '45' },
    refresh: { type: 'string', default: 'no' },
    back: { type: 'boolean', default: false }
  }
})
const watched = Number(values.watch)

await inPlace({ suite, delay: '10' }, async ({ network }) => {
  const open = async (router: number): Promise<Session> =>
    await createSession({ connect: () => network.connect(router), options: { 'inbound.length': '1', 'outbound.length': '1' } })
  const exits = await Promise.all([KILLED, LEFT].map(open))
  const ours: Session[] = []
  for (let i = 0; i < Number(values.destinations); i++) ours.push(await open(PROXY_ROUTER))
  const asked: Question[][][] = ours.map(() => exits.map(() => []))
  const heardAt = ours.map(() => exits.map(() => Infinity))
  for (const exit of exits) exit.on('message', ({ payload }) => exit.send(ours[payload[0]!]!.destination, payload, PORTS))
  ours.forEach((session, from) => session.on('message', ({ payload }) => {
    const [to, index] = [payload[1]!, payload.readUInt32BE(2)]
    heardAt[from]![to] = performance.now()
    asked[from]![to]![index]!.took ??= performance.now() - asked[from]![to]![index]!.at
  }))
  const ask = (from: number, to: number): void => {
    const payload = Buffer.alloc(SIZE, 0)
    payload[0] = from
    payload[1] = to
    payload.writeUInt32BE(asked[from]![to]!.push({ at: performance.now() }) - 1, 2)
    ours[from]!.send(exits[to]!.destination, payload, PORTS)
  }
  const refreshedAt = ours.map(() => 0)
  const refresh = (from: number): void => {
    const now = performance.now()
    if (now - heardAt[from]![1]! < SILENT || now - refreshedAt[from]! < AGAIN || values.refresh === 'no') return
    refreshedAt[from] = now
    ours[from]!.republish(values.refresh === 'halves' ? 0 : undefined)
    if (values.refresh === 'halves') setTimeout(() => ours[from]!.republish(1), OTHER_HALF)
  }
  const over = new AbortController()
  const began = performance.now()
  const asking = (async () => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const isBeginning = performance.now() - began < BEGINNING
      for (const [from] of ours.entries()) {
        if (isBeginning && turn % ours.length !== from) continue
        for (const [to] of exits.entries()) ask(from, to)
        refresh(from)
      }
      await sleep(EVERY)
    }
  })()
  await sleep(BEGINNING + SETTLED)
  const killedAt = performance.now()
  await network.kill(KILLED)
  if (values.back) {
    await sleep(1_000)
    await network.start(KILLED)
  }
  await sleep(1000 * watched + IN_TIME)
  over.abort()
  await asking
  const seconds = Array.from({ length: watched }, (_, second) => killedAt + 1000 * second)
  const answered = seconds.map(at => ours.map((_, from) =>
    asked[from]![1]!.some(question => question.at >= at && question.at < at + 1000 && (question.took ?? Infinity) <= IN_TIME)))
  for (const [from] of ours.entries()) {
    console.log(`Destination ${from}: ${answered.map(second => second[from] === true ? '#' : '.').join('')}`)
  }
  for (const count of [1, 2, 3, 4]) {
    const sets = Array.from({ length: Math.floor(ours.length / count) }, (_, i) => [i * count, (i + 1) * count] as const)
    const dead = sets.map(([first, last]) => answered.filter(second => !second.slice(first, last).some(Boolean)).length)
    const pages = Array.from({ length: 1000 * watched / PAGE_EVERY }, (_, i) => killedAt + i * PAGE_EVERY)
    const atBest = sets.map(([first, last]) => {
      const questions = asked.slice(first, last).flatMap(pair => pair[1]!)
      return pages.map(page => Math.min(...questions.filter(({ at }) => at >= page).map(({ at, took = Infinity }) => at + took)) - page)
    })
    const late = atBest.map(times => times.filter(time => time > IN_TIME).length)
    const slowest = atBest.map(times => (Math.max(...times) / 1000).toFixed(1))
    const outcomes = late.map((n, i) => `${n}, ${slowest[i]!} s`).join('; ')
    console.log(`${suite}, pages late of ${pages.length} at best, and the slowest, ${count} at a time: ${outcomes}`)
    console.log(`${suite}, refresh ${values.refresh}, seconds of ${watched} without a path, ${count} at a time: ${dead.join(', ')}`)
  }
  for (const session of [...ours, ...exits]) await session.close()
})

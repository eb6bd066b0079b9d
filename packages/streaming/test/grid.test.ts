import t from 'tap'
import type { Connection } from '../src/core.ts'
import { EPOCH, World } from './support/world.ts'
import { dispatch, drain, send } from './support/transfer.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)

interface Cell {
  /** One-way, ms. */
  latency: number
  /** Per tunnel message, 0..1. */
  loss?: number
  jitter?: number
  duplicate?: number
  /** KB/s (1000 bytes). */
  bandwidth?: number
  /** ms. */
  queue?: number
  flows?: number
  /** Bytes of each flow. */
  size: number
}

const HOUR = 3_600_000
const COLUMNS = ['KB/s', 'sent', 'again %', 'timeouts', 'spurious', 'dropped', 'fairness', 'replies %']

/** All flows start together, upload, and close; a flow that fails or never ends fails the test. */
function measure (
  { latency, loss = 0, jitter = 0, duplicate = 0, bandwidth = 0, queue = 1_000, flows = 1, size }: Cell
): { row: string[], failed: number } {
  const link = { seed: 11, latency, loss, jitter, reorder: jitter > 0, duplicate, bandwidth, queue }
  const options = { connectTimeout: 300_000 }
  const world = new World(link, { client: options, server: options })
  const data = Buffer.alloc(size, 'x')
  const ends: number[] = []
  let received = 0
  const onServer = dispatch(world.server, connection => onServer(connection, event => {
    for (const chunk of drain(world, connection)) received += chunk.length
    if (event.type === 'end') connection.end(world.now)
  }))
  const onClient = dispatch(world.client)
  const connections = Array.from({ length: flows }, () => {
    const connection = world.connect()
    const pump = send(world, connection, data)
    onClient(connection, event => {
      if (event.type === 'drain') pump()
      if (event.type === 'closed') ends.push(world.now - EPOCH)
    })
    return connection
  })
  const passed = world.run(10 * HOUR, () => ends.length === flows)
  const failed = connections.filter(connection => connection.state.name !== 'closed' || connection.state.error !== undefined).length
  return {
    row: describe(world, connections, received / passed, ends.map(end => size / end)), failed: failed + (received === size * flows ? 0 : 1)
  }
}

function describe (world: World, connections: Connection[], goodput: number, rates: number[]): string[] {
  const sum = (pick: (connection: Connection) => number): number => connections.reduce((total, connection) => total + pick(connection), 0)
  const sent = sum(connection => connection.statistics.packetsSent)
  const again = sum(connection => connection.statistics.retransmissions)
  const total = rates.reduce((left, right) => left + right, 0)
  const jain = total ** 2 / (rates.length * rates.reduce((left, right) => left + right ** 2, 0))
  return [
    goodput.toFixed(goodput < 10 ? 2 : 0), `${sent}`, (100 * again / sent).toFixed(1),
    `${sum(connection => connection.statistics.timeouts)}`,
    `${sum(connection => connection.statistics.spurious)}`, `${world.client.out.stats.dropped}`, jain.toFixed(2),
    (100 * world.server.out.stats.sent / sent).toFixed(0)
  ]
}

function table (t: Pick<typeof import('tap').t, 'equal' | 'matchSnapshot'>, title: string, cells: Array<[string, Cell]>): void {
  const rows = cells.map(([name, cell]) => {
    const { row, failed } = measure(cell)
    t.equal(failed, 0, `${title}: ${name}: all flows end in order`)
    return [name, ...row]
  })
  const all = [[title, ...COLUMNS], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map(row => row[column]!.length)))
  t.matchSnapshot(all.map(
    row => row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join('  ')
  ).join('\n'), title)
}

const LATENCIES = [10, 100, 250, 1_000, 5_000, 15_000]
const LOSSES = [0, 0.01, 0.02, 0.05, 0.1]
/** Enough to leave slow start, little enough to simulate. */
const sizeFor = (latency: number): number => latency > 1_000 ? 300_000 : 1_500_000

t.test('latency x loss', async t => {
  table(t, 'latency ms x loss %', LATENCIES.flatMap(latency => LOSSES.map((loss): [string, Cell] =>
    [`${latency} x ${loss * 100}`, { latency, loss, size: sizeFor(latency) }])))
})

t.test('jitter of 20 % with reordering', async t => {
  table(t, 'reordering, latency ms x loss %', [100, 250, 1_000, 15_000].flatMap(latency => [0, 0.01, 0.05].map((loss): [string, Cell] =>
    [`${latency} x ${loss * 100}`, { latency, loss, jitter: latency / 5, size: sizeFor(latency) }])))
})

t.test('duplicated packets', async t => {
  table(t, 'duplicates %, latency 250 ms, loss 1 %', [0.01, 0.1, 0.5].map((duplicate): [string, Cell] =>
    [`${duplicate * 100}`, { latency: 250, loss: 0.01, duplicate, size: 1_500_000 }]))
})

t.test('a bottleneck of 64 KB/s with a finite queue', async t => {
  const queues = [100, 300, 1_000, 3_000]
  table(t, 'flows x queue ms x loss %', [1, 4, 16, 64].flatMap(flows => queues.flatMap(queue => [0, 0.01].map((loss): [string, Cell] =>
    [
      `${flows} x ${queue} x ${loss * 100}`, { latency: 250, loss, bandwidth: 64, queue, flows, size: Math.max(1_500_000 / flows, 60_000) }
    ]))))
})

t.test('bottlenecks of other speeds', async t => {
  table(t, 'KB/s x flows, queue 1 s', [16, 256, 1_024].flatMap(bandwidth => [1, 8].map((flows): [string, Cell] =>
    [`${bandwidth} x ${flows}`, { latency: 250, bandwidth, flows, size: bandwidth * 20_000 / flows }])))
})

/**
 * Our I2CP client as a peer of the benchmark, in a process of its own: our-peer.ts HOST PORT. It prints JSON lines:
 * {"event":"ready","destination":...}, {"event":"listening"} when it counts, and {"event":"done","cpu":ms} after each
 * command. Commands, one a line:
 *   send DESTINATION COUNT SIZE WINDOW      at most WINDOW messages ahead of what the receiver has counted
 *   receive DESTINATION COUNT STEP 0        tells DESTINATION after every STEP messages; STEP is WINDOW / 4
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createSession, Destination, PROTOCOL, type Session } from '@minwww/i2cp'

/** What a peer prints. */
export interface Line { event: 'ready' | 'listening' | 'done', destination?: string, cpu?: number }

const ONE = Buffer.of(1)
const MICROSECONDS = 1_000

function report (line: Line): void {
  console.log(JSON.stringify(line))
}

/** Calls `onMessage` for each message until it returns true. */
async function listen (session: Session, onMessage: () => boolean): Promise<void> {
  await new Promise<void>(resolve => {
    const receive = (): void => {
      if (!onMessage()) return
      session.off('message', receive)
      resolve()
    }
    session.on('message', receive)
    report({ event: 'listening' })
  })
}

async function send (session: Session, to: Destination, count: number, size: number, window: number): Promise<void> {
  const payload = randomBytes(size)
  const step = window / 4
  const lastCredit = Math.floor(count / step) * step
  let sent = 0
  let counted = 0
  const fill = (): void => {
    for (; sent < Math.min(count, counted + window); sent++) session.send(to, payload, { protocol: PROTOCOL.RAW })
  }
  const done = listen(session, () => {
    counted += step
    fill()
    return counted >= lastCredit
  })
  fill()
  await done
}

async function receive (session: Session, to: Destination, count: number, step: number): Promise<void> {
  let received = 0
  await listen(session, () => {
    if (++received % step === 0) session.send(to, ONE, { protocol: PROTOCOL.RAW })
    return received === count
  })
}

const [host = '127.0.0.1', port = '7654'] = process.argv.slice(2)
const session = await createSession({ router: { host, port: Number(port) } })
report({ event: 'ready', destination: session.destination.base64 })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, address = '', ...numbers] = line.split(' ')
  const [count = 0, size = 0, window = 0] = numbers.map(Number)
  const to = Destination.fromBase64(address)
  const before = process.cpuUsage()
  if (command === 'send') await send(session, to, count, size, window)
  else await receive(session, to, count, size)
  const { user, system } = process.cpuUsage(before)
  report({ event: 'done', cpu: (user + system) / MICROSECONDS })
}
await session.close()

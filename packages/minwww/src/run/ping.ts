import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { createStreamManager, type StreamManager } from '@minwww/streaming'
import type { Destination } from '@minwww/i2cp'
import { contextOf } from '../command.ts'
import { CliError, explain, UsageError } from '../errors.ts'
import { openSession } from '../router-options.ts'

interface PingFlags { router: string, allowPlainRemote?: boolean, i2cpOption?: string[], count: string }

const PING_TIMEOUT = 30_000
const PING_INTERVAL = 1000
const MAX_COUNT = 10_000

export async function runPing (command: Command, name: string): Promise<void> {
  const { router, allowPlainRemote = false, i2cpOption = [], count: text } = command.opts<PingFlags>()
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) throw new UsageError(`--count: give a number from 1 to ${MAX_COUNT}`)
  const { logger, reporter } = await contextOf(command, {})
  const session = await openSession({ router, allowPlainRemote, i2cpOption }, undefined, logger, reporter, 'ping')
  try {
    const destination = await session.lookup(name).catch((error: unknown) => { throw explain(error, name) })
    const times = await measure(createStreamManager(session, {}, { logger }), destination, count, reporter.progress)
    const received = times.length
    const [min, median, max] = [times[0], times[Math.floor(received / 2)], times.at(-1)].map(time => time === undefined ? null : Math.round(time * 10) / 10)
    reporter.ready({ destination: destination.b32, sent: count, received, min, median, max },
      [`${count} sent, ${received} received${received === 0 ? '' : `, round trip min/median/max ${String(min)}/${String(median)}/${String(max)} ms`}`])
    if (received === 0) throw new CliError('MINWWW_NO_ANSWER', `${name}: no answer; the Destination may be off line or answer no pings`)
  } finally {
    await session.close()
  }
}

/** Round trips of the pings that were answered, sorted, ms. */
async function measure (streams: StreamManager, destination: Destination, count: number, progress: (text: string) => void): Promise<number[]> {
  const times: number[] = []
  for (let i = 1; i <= count; i++) {
    const result = await streams.ping(destination, { timeout: PING_TIMEOUT }).catch(() => undefined)
    progress(result === undefined ? `ping ${i}: no answer` : `ping ${i}: ${result.rtt.toFixed(1)} ms`)
    if (result !== undefined) times.push(result.rtt)
    if (i < count) await delay(PING_INTERVAL)
  }
  streams.close()
  return times.sort((a, b) => a - b)
}

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
const STOPS = ['SIGINT', 'SIGTERM'] as const

export async function runPing (command: Command, name: string): Promise<void> {
  const { router, allowPlainRemote = false, i2cpOption = [], count: text } = command.opts<PingFlags>()
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) throw new UsageError(`--count: give a number from 1 to ${MAX_COUNT}`)
  const { logger, reporter } = await contextOf(command, {})
  const session = await openSession({ router, allowPlainRemote, i2cpOption }, undefined, logger, reporter, 'ping')
  try {
    const destination = await session.lookup(name).catch((error: unknown) => { throw explain(error, name) })
    const { sent, times } = await measure(createStreamManager(session, {}, { logger }), destination, count, reporter.progress)
    const received = times.length
    const [min, median, max] = [times[0], times[Math.floor(received / 2)], times.at(-1)].map(
      time => time === undefined ? null : Math.round(time * 10) / 10
    )
    reporter.ready({ destination: destination.b32, sent, received, min, median, max },
      [
        `${sent} sent, ${received} ` +
        `received${received === 0 ? '' : `, round trip min/median/max ${String(min)}/${String(median)}/${String(max)} ms`}`
      ])
    if (sent > 0 && received === 0) {
      throw new CliError('MINWWW_NO_ANSWER', `${name}: no answer; the Destination may be offline, or may not answer pings`)
    }
  } finally {
    await session.close()
  }
}

/**
 * Sends pings until there are enough or Ctrl-C is pressed. How many were sent, and the round trips of those that were
 * answered, sorted, ms.
 */
async function measure (
  streams: StreamManager, destination: Destination, count: number, progress: (text: string) => void
): Promise<{ sent: number, times: number[] }> {
  const times: number[] = []
  let sent = 0
  const stop = new AbortController()
  const interrupt = (): void => { stop.abort() }
  const stopped = new Promise<'stopped'>(resolve => { stop.signal.addEventListener('abort', () => { resolve('stopped') }, { once: true }) })
  for (const signal of STOPS) process.once(signal, interrupt)
  try {
    for (let i = 1; i <= count && !stop.signal.aborted; i++) {
      sent++
      const result = await Promise.race([streams.ping(destination, { timeout: PING_TIMEOUT }).catch(() => undefined), stopped])
      if (result === 'stopped') break
      progress(result === undefined ? `ping ${i}: no answer` : `ping ${i}: ${result.rtt.toFixed(1)} ms`)
      if (result !== undefined) times.push(result.rtt)
      if (i < count) await delay(PING_INTERVAL, undefined, { signal: stop.signal }).catch(() => {})
    }
  } finally {
    for (const signal of STOPS) process.off(signal, interrupt)
    streams.close()
  }
  return { sent, times: times.sort((a, b) => a - b) }
}

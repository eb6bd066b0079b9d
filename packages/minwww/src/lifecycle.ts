import { Closers } from '@minwww/ground/node'
import closeWithGrace from 'close-with-grace'
import { loaded } from './early-end.ts'
import { explain } from './errors.ts'
import type { Logger } from './output.ts'

/** A service that has ended must be gone this long after SIGTERM at the latest, ms; what it drains comes on top. */
const CLOSE_DEADLINE = 1800
/** ms of draining that are in CLOSE_DEADLINE. */
const USUAL_DRAIN = 1200

/** Said at once: what is closed after it may hang. */
function tellFailure (error: unknown): void {
  process.stderr.write(`minwww: while closing: ${explain(error).message}\n`)
}

/**
 * Takes SIGHUP from now on, which would end the process otherwise, and returns what to call with the reaction to it. A signal
 * that came before that is answered then: the files may have changed since they were read.
 */
export function takeHangups (): (reload: () => void) => void {
  let heard = false
  let react = (): void => { heard = true }
  process.on('SIGHUP', () => { react() })
  return reload => {
    react = reload
    if (heard) reload()
  }
}

/**
 * Runs a service until SIGTERM or SIGINT, then closes what it opened and ends with status 0 within two seconds; with
 * status 1 and a line in the log after an error that nobody caught, whatever hangs then; with status 1 or 2 and one line
 * on standard error if it cannot start. A service that drains for `drainTime` ms has that
 * much longer; a second signal ends it at once.
 */
export async function runService (logger: Logger, start: (closers: Closers) => Promise<void>, drainTime = USUAL_DRAIN): Promise<void> {
  const closers = new Closers()
  // What hangs while closing is left behind on purpose: the user asked for the end.
  const force = (status: 0 | 1): void => { setTimeout(() => process.exit(status), CLOSE_DEADLINE - USUAL_DRAIN + drainTime).unref() }
  closeWithGrace({ delay: false, skip: ['SIGHUP'], logger: { error: () => {} } }, async ({ err }) => {
    force(err === undefined ? 0 : 1)
    if (err !== undefined) {
      logger.fatal({ err }, 'unexpected error; the service ends')
      process.exitCode = 1
    }
    await closers.close(tellFailure)
  })
  loaded()
  try {
    await start(closers)
  } catch (error) {
    if (closers.closed) return
    await closers.close(tellFailure)
    throw error
  }
}

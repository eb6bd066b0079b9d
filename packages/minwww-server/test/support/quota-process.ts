/** Counts bytes into a state directory and says so, until it is killed. */
import { silentLogger } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import { QuotaStore } from '../../src/exit/quota-store.ts'
import { QuotaCounter } from '../../src/limits/core/quota.ts'

const { store, saved } = await QuotaStore.open(process.argv[2] ?? '', 'a'.repeat(52), systemClock, silentLogger)
const quota = new QuotaCounter({}, systemClock.now(), saved)
store.start(() => quota.state(systemClock.now()))
setInterval(() => {
  quota.add(systemClock.now(), 1_000)
  store.counted()
  process.stdout.write(`${JSON.stringify({ at: systemClock.now(), bytes: quota.state(systemClock.now()).dayBytes })}\n`)
}, 20)

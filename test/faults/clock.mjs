// Preloaded into a service: MINWWW_TEST_CLOCK=SECONDS starts it with a wrong clock; SIGWINCH lets the clock jump an hour
// ahead, SIGURG two hours back. As with a real jump, what is monotonic does not move.
const HOUR = 3_600_000
const wrong = Number(process.env.MINWWW_TEST_CLOCK ?? 0) * 1000
let offset = wrong
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor (...args) {
    if (args.length === 0) super(RealDate.now() + offset)
    else super(...args)
  }

  static now () { return RealDate.now() + offset }
}
if (wrong !== 0) Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + wrong })
process.on('SIGWINCH', () => { offset += HOUR })
process.on('SIGURG', () => { offset -= 2 * HOUR })

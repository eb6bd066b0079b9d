/** What the table of options says, and what is said of a value that is refused. options.test.ts has what each option does. */
import t from 'tap'
import { defaultOptions, OPTION_TABLE, parseOptions, resolveOptions } from '../src/core/options.ts'
import { sendingStateOf, statisticsOf } from '../src/core/statistics.ts'

const rows = new Map(OPTION_TABLE.map(row => [row.name, row]))

t.test('an option\'s field has the name that the streaming document gives it', async t => {
  for (const { name, field } of OPTION_TABLE) {
    const last = name.split('.').at(-1)!
    t.equal(field, name === 'i2cp.destination.sigType' ? 'destinationSigType' : last)
  }
  t.equal(new Set(OPTION_TABLE.map(({ field }) => field)).size, 38)
})

t.test('units follow from what an option is about', async t => {
  const units: Array<[names: RegExp, unit: string]> = [
    [/Timeout$|Delay$|RTO$|RTT$/, 'ms'],
    [/Conns/, 'connections'],
    [/Size$/, 'bytes'],
    [/WindowSize$/, 'packets'],
    [/GrowthRateFactor$/, 'divisor'],
    [/Dampening$/, 'weight'],
    [/maxResends$/, 'resends'],
    [/maxConcurrentStreams$/, 'streams'],
    [/ist$/, 'list'],
    [/\.(?:enable|disable|enforce|answer)/, 'boolean'],
    [/limitAction$/, 'text'],
    [/profile$/, 'profile'],
    [/inactivityAction$/, 'action'],
    [/sigType$/, 'type']
  ]
  for (const { name, unit } of OPTION_TABLE) t.equal(unit, units.findLast(([names]) => names.test(name))?.[1], name)
})

t.test('what is off by default, and what is on', async t => {
  const off = ['connectDelay', 'maxConcurrentStreams', 'readTimeout', 'writeTimeout'] as const
  const options = defaultOptions()
  t.strictSame(off.map(field => options[field]), off.map(() => -1))
  t.match(options, { answerPings: true, enforceProtocol: true, enableAccessList: false, disableRejectLogging: false })
  const base = { ...options, readTimeout: 5 }
  t.strictSame(resolveOptions({ maxResends: undefined as unknown as number, profile: 2 }, base), { ...base, profile: 2 })
})

t.test('a value that is refused is told what would be right', async t => {
  const refused = (o: object): string => {
    try {
      resolveOptions(o)
    } catch (error) {
      return (error as Error).message
    }
    return 'taken'
  }
  const table: Array<[o: object, message: string]> = [
    [{ nonsense: 1 }, 'no option is called nonsense'],
    [{ answerPings: 'yes' }, 'i2p.streaming.answerPings: must be true or false'],
    [{ accessList: 'a' }, 'i2cp.accessList: must be a list of strings'],
    [{ accessList: ['a', 1] }, 'i2cp.accessList: must be a list of strings'],
    [{ limitAction: 5 }, 'i2p.streaming.limitAction: must be at most 4096 characters'],
    [{ limitAction: 'x'.repeat(4_097) }, 'i2p.streaming.limitAction: must be at most 4096 characters'],
    [{ limitAction: 'x'.repeat(4_096) }, 'taken'],
    [{ maxResends: '5' }, 'i2p.streaming.maxResends: must be a number'],
    [{ maxResends: NaN }, 'i2p.streaming.maxResends: must be a number'],
    [{ maxResends: 101 }, 'i2p.streaming.maxResends: must be 0 to 100 resends'],
    [{ maxResends: 1.5 }, 'i2p.streaming.maxResends: must be a whole number'],
    [{ rttDampening: 0.5 }, 'taken']
  ]
  for (const [o, message] of table) t.equal(refused(o), message)
  for (const row of rows.values()) {
    if (row.type !== 'number') continue
    for (const value of [row.min, row.max]) t.equal(refused({ [row.field]: value }), 'taken')
    const message = `${row.name}: must be ${row.min} to ${row.max} ${row.unit}`
    for (const value of [row.min - 1, row.max + 1]) t.equal(refused({ [row.field]: value }), message)
  }
})

t.test('options as I2PTunnel writes them', async t => {
  const parsed = parseOptions({
    'i2p.streaming.answerPings': ' true ',
    'i2p.streaming.enforceProtocol': '1',
    'i2cp.enableAccessList': 'yes',
    'i2cp.accessList': ' a,\n b ,c,',
    'i2p.streaming.profile': ' interactive ',
    'i2p.streaming.maxResends': ' 7 ',
    'i2p.streaming.limitAction': ' http ',
    'inbound.length': '3'
  })
  t.strictSame(parsed, {
    accessList: ['a', 'b', 'c'],
    enableAccessList: false,
    answerPings: true,
    enforceProtocol: true,
    limitAction: 'http',
    maxResends: 7,
    profile: 2
  })
  t.throws(() => parseOptions({ 'i2p.streaming.maxResends': 'many' }), { code: 'STREAMING_BAD_OPTION' })
})

t.test('statistics of a stream are those of both of its sides', async t => {
  const sender = {
    statistics: { sent: 5 },
    rtt: { srtt: 1, rttvar: 2, rto: 3 },
    congestion: { window: 4 },
    inFlight: 5,
    unacknowledged: 6,
    buffered: 7,
    choked: true
  }
  const receiver = { statistics: { received: 8 }, choking: false }
  t.strictSame(statisticsOf(...[sender, receiver] as unknown as Parameters<typeof statisticsOf>), {
    sent: 5,
    received: 8,
    rtt: 1,
    rttvar: 2,
    rto: 3,
    window: 4,
    inFlight: 5,
    unacknowledged: 6,
    buffered: 7,
    choked: true,
    choking: false
  })
  const state = (srtt?: number, base?: number): boolean =>
    sendingStateOf({ rtt: { srtt, base } } as unknown as Parameters<typeof sendingStateOf>[0]).isLoaded
  t.strictSame([state(), state(5), state(undefined, 5), state(8, 5), state(7, 5)], [false, false, false, true, false])
})

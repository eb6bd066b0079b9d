import { parseArgs } from 'node:util'

export const USAGE = `usage: npm run long-run -- [options]
  --hours N           how long people browse (default 3; --minutes N and --seconds N add to it)
  --network NAME      embedded, or i2pd: a closed network of real routers, as root (default embedded)
  --users N           how many browse (default 4)
  --rate N            requests a second of all together, at most (default 2)
  --fault-every S     calm between two faults, s, on average; 0 is none (default 60)
  --sample-every S    s between two samples (default 15)
  --rest S            silence at the end, after which everything must be as before, s (default 60)
  --hops N            i2pd: length of the tunnels (default 1)
  --delay MS          i2pd: delay of each link, one way (default 0)
  --loss PERCENT      i2pd: packets lost on each link (default 0)
  --seed N            of browsing and faults (default 1)
  --log-level LEVEL   of proxy and exits (default warn)
  --out DIR           where report and logs go; those of an earlier run are removed (default artifacts/long-run-NETWORK)`

const NETWORKS = ['embedded', 'i2pd'] as const

export interface Options {
  network: typeof NETWORKS[number]
  /** ms. */
  duration: number
  users: number
  /** Requests a second. */
  rate: number
  /** ms; 0 is no fault at all. */
  faultEvery: number
  /** ms. */
  sampleEvery: number
  /** ms. */
  rest: number
  hops: number
  /** ms. */
  delay: number
  /** 0 to 1. */
  loss: number
  seed: number
  logLevel: string
  out: string
}

/** @throws Error with one line that says what is wrong */
export function parseOptions (args: string[]): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      hours: text,
      minutes: text,
      seconds: text,
      network: text,
      users: text,
      rate: text,
      'fault-every': text,
      'sample-every': text,
      rest: text,
      hops: text,
      delay: text,
      loss: text,
      seed: text,
      'log-level': text,
      out: text
    }
  })
  const number = (name: keyof typeof values, fallback: number, least = 0): number => {
    const value = Number(values[name] ?? fallback)
    if (!(value >= least)) throw new Error(`--${name} must be a number of at least ${least}`)
    return value
  }
  const network = NETWORKS.find(name => name === (values.network ?? 'embedded'))
  if (network === undefined) throw new Error(`--network is one of ${NETWORKS.join(', ')}`)
  const isGiven = (values.hours ?? values.minutes ?? values.seconds) !== undefined
  return {
    network,
    duration: (number('hours', isGiven ? 0 : 3) * 3_600 + number('minutes', 0) * 60 + number('seconds', 0)) * 1_000,
    users: number('users', 4, 1),
    rate: number('rate', 2, 0.01),
    faultEvery: number('fault-every', 60) * 1_000,
    sampleEvery: number('sample-every', 15, 0.1) * 1_000,
    rest: number('rest', 60) * 1_000,
    hops: number('hops', 1),
    delay: number('delay', 0),
    loss: number('loss', 0) / 100,
    seed: number('seed', 1),
    logLevel: values['log-level'] ?? 'warn',
    out: values.out ?? `artifacts/long-run-${network}`
  }
}

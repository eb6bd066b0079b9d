import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CLIENT_VERSION, createSession, I2cpError, LOOKUP, MAX_PAYLOAD } from '@minwww/i2cp'
import type { Bandwidth, RouterKind, Session, SessionOptions } from '@minwww/i2cp'
import { explain } from '../errors.ts'
import { NOT_I2CP, patiently } from '../router-options.ts'
import { Prober } from './probe.ts'

/** One line of the doctor's report. `hint` says what to do when it is red. */
export interface Check { name: string, ok: boolean, detail: string, hint?: string }

/** Which implementation it is, as its behaviour tells, and the API version that it says; empty where it says ours back. */
export interface Router { kind: RouterKind, version: string }

export interface Examination { checks: Check[], router: Router }

export interface DoctorOptions {
  router: { host: string, port: number }
  session: SessionOptions
  /** Longest wait for tunnels, ms. A Java router builds none in its first 90 s. */
  tunnelPatience: number
  onCheck?: (check: Check) => void
}

const CONNECT_PATIENCE = 5000
/** For an answer that a router gives from its own memory, or never. */
const ANSWER_PATIENCE = 3000
/** Every router has an answer to it: that there is no such name. */
const NO_NAME = 'no-such-name.i2p'
const LEASE_SET_PATIENCE = 60_000
const PROBE_PATIENCE = 20_000
const ROUND_TRIPS = 5
const SIZES = [1024, 16_384, 32_768, MAX_PAYLOAD]
/** A message of 62 tunnel messages arrives with 54 % at 1 % loss. */
const PAYLOAD_ATTEMPTS = 4
const LOSS_PROBES = 200
const LOSS_INTERVAL = 10

/**
 * Examines a router from the outside: two sessions on it send to each other through its tunnels. Stops at the first
 * check that makes the later ones impossible. Never throws for what is wrong with the router.
 */
export async function examine (options: DoctorOptions): Promise<Examination> {
  const checks: Check[] = []
  const examination: Examination = { checks, router: { kind: 'unknown', version: '' } }
  const report = (check: Check): boolean => {
    checks.push(check)
    options.onCheck?.(check)
    return check.ok
  }
  if (!report(await checkReachable(options.router))) return examination
  const sessions: Session[] = []
  try {
    const tunnels = await checkTunnels(options, sessions)
    const [first, second] = sessions
    if (first !== undefined) examination.router = routerOf(first)
    if (!tunnels.map(report).every(Boolean)) return examination
    if (first !== undefined && second !== undefined) await checkPath(first, second, report)
  } finally {
    await Promise.allSettled(sessions.map(session => session.close()))
  }
  return examination
}

function routerOf ({ routerKind: kind, routerVersion }: Session): Router {
  return { kind, version: routerVersion === CLIENT_VERSION ? '' : routerVersion }
}

const NAMES: Readonly<Record<RouterKind, string>> = {
  i2pd: 'i2pd', java: 'Java I2P', emissary: 'emissary', minwww: 'the embedded router of MinWWW', unknown: 'not told by its behaviour'
}

function describeRouter ({ kind, version }: Router): string {
  return `${NAMES[kind]}${version === '' ? (kind === 'i2pd' ? ' up to 2.57' : '') : `, API ${version}`}`
}

async function checkReachable ({ host, port }: DoctorOptions['router']): Promise<Check> {
  const name = 'reachable'
  return await new Promise(resolve => {
    const began = performance.now()
    const socket = connect({ host, port, timeout: CONNECT_PATIENCE })
    const end = (check: Check): void => { socket.destroy(); resolve(check) }
    const hint = 'start the router; in i2pd set i2cp.enabled=true, in Java I2P look at I2CP Configuration; check --router'
    socket.once('connect', () => end({ name, ok: true, detail: `TCP connection in ${(performance.now() - began).toFixed(1)} ms` }))
    socket.once('timeout', () => end({ name, ok: false, detail: `no answer from ${host}:${port} in ${CONNECT_PATIENCE} ms`, hint }))
    socket.once('error', error => end({ name, ok: false, detail: explain(error, `${host}:${port}`).message, hint }))
  })
}

/** Opens both sessions at once; `sessions` gets those that stand. */
async function checkTunnels (options: DoctorOptions, sessions: Session[]): Promise<Check[]> {
  const hint = 'give the router some minutes after its start; look at its own console for peers and tunnels'
  const outcomes = await Promise.all(['tunnels', 'second-tunnels'].map(async (name): Promise<Check> => {
    const began = performance.now()
    try {
      sessions.push(await patiently(options.tunnelPatience, signal => createSession({ ...options.session, signal })))
      return { name, ok: true, detail: `LeaseSet made ${((performance.now() - began) / 1000).toFixed(1)} s after the connection` }
    } catch (error) {
      const isOther = error instanceof I2cpError && error.code === 'I2CP_FRAME_TOO_LARGE'
      return { name, ok: false, detail: explain(error).message, hint: isOther ? NOT_I2CP : hint }
    }
  }))
  const [session] = sessions
  if (session === undefined) return outcomes
  const detail = `router: ${describeRouter(routerOf(session))}; its clock is ${Math.round(session.clockOffset)} ms ahead of ours`
  return [{ name: 'protocol', ok: true, detail }, await checkSupport(session), ...outcomes]
}

/** What the router can do beyond the least; nothing of it is needed, so this is never red. */
async function checkSupport (session: Session): Promise<Check> {
  const [limits, names] = await Promise.all([
    Promise.race([session.bandwidthLimits().catch(() => undefined), delay(ANSWER_PATIENCE)]),
    session.query({ lookupType: LOOKUP.NAME, name: NO_NAME }, { timeout: ANSWER_PATIENCE }).catch((error: unknown) => error)
  ])
  const detail = [
    `${isTimeout(names) ? 'no ' : ''}look-up of names`,
    limits === undefined ? 'no bandwidth limits' : `bandwidth limits: ${describeLimits(limits)}`
  ]
  return { name: 'supports', ok: true, detail: detail.join(', ') }
}

/** Some routers fill the fields of the client only. */
function describeLimits ({ clientInbound, clientOutbound, routerInbound, routerOutbound }: Bandwidth): string {
  const pair = (inbound: number, outbound: number): string => `${inbound} KB/s in, ${outbound} KB/s out`
  return routerInbound + routerOutbound > 0 ? pair(routerInbound, routerOutbound) : pair(clientInbound, clientOutbound)
}

function isTimeout (outcome: unknown): boolean {
  return outcome instanceof I2cpError && outcome.code === 'I2CP_TIMEOUT'
}

async function checkPath (first: Session, second: Session, report: (check: Check) => boolean): Promise<void> {
  if (!report(await checkLeaseSet(first, second))) return
  const run = randomBytes(4).readUInt32BE(0)
  const there = new Prober(first, second, run)
  const back = new Prober(second, first, run)
  try {
    const roundTrip = await measureRoundTrip(there, back)
    if (!report(roundTrip.check)) return
    // What is not there after six round trips is lost; a router under load gets two seconds.
    const patience = Math.min(PROBE_PATIENCE, Math.max(2000, 6 * roundTrip.median))
    report(await checkPayload(there, patience))
    report(await checkLoss(there, patience))
    report({ name: 'quirks', ok: true, detail: inForce(first.quirks) })
  } finally {
    there.close()
    back.close()
  }
}

async function checkLeaseSet (first: Session, second: Session): Promise<Check> {
  const began = performance.now()
  const name = 'lease-set'
  while (performance.now() - began < LEASE_SET_PATIENCE) {
    const found = await second.lookupHash(first.destination.hash, { timeout: LEASE_SET_PATIENCE / 4 }).catch(() => undefined)
    if (found !== undefined) {
      return { name, ok: true, detail: `found from a second session ${((performance.now() - began) / 1000).toFixed(1)} s later` }
    }
    await delay(500)
  }
  return {
    name,
    ok: false,
    detail: `not found in ${LEASE_SET_PATIENCE / 1000} s`,
    hint: 'the Destination is not published: leave out i2cp.dontPublishLeaseSet, and give the router time to find floodfills'
  }
}

async function measureRoundTrip (there: Prober, back: Prober): Promise<{ check: Check, median: number }> {
  const times: number[] = []
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const out = await there.measure(800, PROBE_PATIENCE)
    const home = out === undefined ? undefined : await back.measure(800, PROBE_PATIENCE)
    if (out !== undefined && home !== undefined) times.push(out + home)
  }
  times.sort((a, b) => a - b)
  const median = times[Math.floor(times.length / 2)]
  const name = 'round-trip'
  if (median === undefined) {
    const hint = 'tunnels are there but carry nothing: wait a minute and try again; check the clock of this machine'
    return { check: { name, ok: false, detail: 'no message came back', hint }, median: Infinity }
  }
  return { check: { name, ok: true, detail: `${Math.round(median)} ms to itself (median of ${times.length} of ${ROUND_TRIPS})` }, median }
}

async function checkPayload (prober: Prober, patience: number): Promise<Check> {
  let largest = 0
  for (const size of SIZES) {
    let arrived: number | undefined
    for (let attempt = 0; attempt < PAYLOAD_ATTEMPTS && arrived === undefined; attempt++) arrived = await prober.measure(size, patience)
    if (arrived === undefined) break
    largest = size
  }
  return {
    name: 'payload',
    ok: largest > 0,
    detail: `largest payload that arrived: ${largest} bytes of ${MAX_PAYLOAD}`,
    hint: 'large messages are lost on this path; MinWWW falls back to small symbols'
  }
}

async function checkLoss (prober: Prober, patience: number): Promise<Check> {
  const { sent, lost, burstLength } = await prober.loss(LOSS_PROBES, LOSS_INTERVAL, patience)
  const percent = (lost / sent * 100).toFixed(1)
  const detail = `${lost} of ${sent} tunnel messages lost (${percent} %)` +
    `${lost === 0 ? '' : `, ${burstLength.toFixed(1)} in a row on average`}`
  return {
    name: 'loss',
    ok: lost / sent <= 0.12,
    detail,
    hint: 'more than 12 % is lost: the router is overloaded or its tunnels are bad; restart it or give it more bandwidth'
  }
}

function inForce (quirks: Session['quirks']): string {
  return Object.entries(quirks).filter(([, on]) => on === true).map(([name]) => name).join(', ') || 'none in force'
}

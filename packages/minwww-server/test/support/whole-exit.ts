import { once } from 'node:events'
import { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { decodeMessage, encodeObject, encodeRate, encodeRequestHead } from '@minwww/protocol'
import { EPOCH, VirtualClock } from '@minwww/testkit'
import type { Test } from 'tap'
import { createExit, type ExitOptions } from '../../src/index.ts'
import { Client, type World } from '../core-harness.ts'
import { FakeSession } from './exit.ts'

/** ms, and how many of them a page with what comes with it takes at most. */
const STEP = 20
const STEPS = 50

/** Lets sockets be read until it is so. */
export async function until (isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}

/** An exit in virtual time before a site of this machine. */
export async function exitBefore (t: Test, site: Server, options: Partial<ExitOptions> = {}) {
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const clock = new VirtualClock(EPOCH)
  const session = new FakeSession()
  const sites = { 'site.i2p': `http://127.0.0.1:${(site.address() as AddressInfo).port}` }
  const exit = await createExit({ session, clock, sites, ...options })
  t.teardown(async () => {
    await exit.close()
    if (site instanceof HttpServer) site.closeAllConnections()
    site.close()
  })
  return { exit, clock, session }
}

/** The same, and a client of it. `facts` are those of a request for a path of that site. */
export async function wholeExit (t: Test, site: Server, options: Partial<ExitOptions> = {}) {
  const { exit, clock, session } = await exitBefore(t, site, options)
  const client = new Client({
    keys: session.keys,
    get now () { return clock.now() },
    receive: (protocol: number, payload: Buffer) => session.emit('message', { protocol, fromPort: 4480, toPort: 80, payload })
  } as unknown as World, 'client')
  const facts = (path: string) => {
    const head = encodeRequestHead({ method: 'GET', url: `http://site.i2p${path}`, headers: [['Host', 'site.i2p']] })
    return { loss: 0, rate: encodeRate(1e6), object: encodeObject(head, { kind: 'request' }) }
  }
  return { exit, client, clock, session, facts }
}

/** A client that takes pushes asks for the page of a site (`/`): the exit, and all that it sent. */
export async function loadWithPushes (t: Test, site: Server, budget = encodeRate(1e6)) {
  const { exit, client, clock, session, facts: plain } = await wholeExit(t, site)
  const facts = (path: string) => ({ ...plain(path), push: { budget, digest: Buffer.alloc(0) } })
  const pass = async (): Promise<void> => {
    for (let step = 0; step < STEPS; step++) {
      clock.advance(STEP)
      do await new Promise(resolve => setImmediate(resolve)); while (exit.stats.running > 0)
    }
  }
  // Who has not answered yet is sent nothing that it did not ask for.
  client.open(1, facts('/before'))
  await pass()
  client.request(2, facts('/'))
  await pass()
  return { exit, messages: session.sent.map(({ payload }) => decodeMessage(payload, client.session.server)) }
}

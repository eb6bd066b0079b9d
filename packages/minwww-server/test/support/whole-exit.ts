import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { encodeObject, encodeRate, encodeRequestHead } from '@minwww/protocol'
import { EPOCH, VirtualClock } from '@minwww/testkit'
import type { Test } from 'tap'
import { createExit, type ExitOptions } from '../../src/index.ts'
import { Client, type World } from '../core-harness.ts'
import { FakeSession } from './exit.ts'

/** Lets sockets be read until it is so. */
export async function until (isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}

/** An exit in virtual time before a site of this machine, and a client of it. `facts` are those of a request for a path of that site. */
export async function wholeExit (t: Test, site: Server, options: Partial<ExitOptions> = {}) {
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const clock = new VirtualClock(EPOCH)
  const session = new FakeSession()
  const sites = { 'site.i2p': `http://127.0.0.1:${(site.address() as AddressInfo).port}` }
  const exit = await createExit({ session, clock, sites, ...options })
  t.teardown(async () => {
    await exit.close()
    site.close()
  })
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

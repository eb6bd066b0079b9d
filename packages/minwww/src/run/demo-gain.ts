import { setMaxListeners } from 'node:events'
import { Agent, get } from 'node:http'
import type { Gain } from '@minwww/client'
import type { HostPort } from '../address.ts'
import { PICTURES } from '../demo-pictures.ts'

/** Connections of one browser to a site; and the longest wait for one object, ms. */
const CONNECTIONS = 6
const PATIENCE = 60_000

export interface Race {
  /** The proxy, as a browser reaches it. */
  proxy: HostPort
  /** The site by messages; and by streams, under a Destination for each load, as for somebody who has not been there yet. */
  hosts: { minwww: string, streams: readonly string[] }
  /** What was modelled, in words. */
  network: string
  signal: AbortSignal
}

/** Loads the page in both ways, one after the other, again and again; what it returns tells how far it is. */
export function measureGain ({ proxy, hosts, network, signal }: Race): { gain: () => Gain, done: Promise<void> } {
  const times = { streams: [] as number[], minwww: [] as number[] }
  const ended = AbortSignal.any([signal])
  // Every object of a page listens to it at once; node warns of more than ten.
  setMaxListeners(PICTURES + 3, ended)
  const run = async (): Promise<void> => {
    for (const streams of hosts.streams) {
      for (const [way, host] of [['streams', streams], ['minwww', hosts.minwww]] as const) {
        const began = performance.now()
        await loadPage(host, proxy, ended)
        times[way].push(performance.now() - began)
      }
    }
  }
  const median = (all: readonly number[]): number | undefined =>
    all.length < hosts.streams.length ? undefined : [...all].sort((a, b) => a - b)[all.length >> 1]
  return {
    gain: () => ({
      what: `A page with ${PICTURES} pictures of a site that you open for the first time, through ${network}:`,
      ways: [{ name: 'over streams', ms: median(times.streams) }, { name: 'over MinWWW', ms: median(times.minwww) }],
      link: { href: `http://${hosts.minwww}/race.html`, text: 'See both load, side by side' }
    }),
    done: run()
  }
}

/** As a browser does: the page, then what it needs, over some connections to the proxy. */
async function loadPage (host: string, { host: via, port }: HostPort, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const load = async (path: string): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      const url = `http://${host}${path}`
      const asked = get({ host: via, port, path: url, headers: { host }, agent, signal, timeout: PATIENCE }, response => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`))
        response.resume().once('end', resolve).once('error', reject)
      })
      asked.once('timeout', () => asked.destroy(new Error(`${url}: no answer`))).once('error', reject)
    })
  }
  try {
    await load('/gallery.html')
    const rest = ['/style.css', '/gallery.js', ...Array.from({ length: PICTURES }, (_, number) => `/picture/${number}.png`)]
    await Promise.all(rest.map(load))
  } finally {
    agent.destroy()
  }
}

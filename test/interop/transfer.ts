/** Byte-identical transfers in both directions over any connection to the test web server (../testnet/web.mjs). */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchOver, type Page } from '../testnet/fetch.ts'
import type { Address } from '../testnet/network.ts'
import { createWebServer } from '../testnet/web.mjs'

/** The web server in this process, for a peer's server side to forward to. */
export async function startWebServer (t: Test): Promise<Address> {
  const server = createWebServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

export interface Transfer {
  name: string
  sizes: number[]
  /** A new connection to the web server by way of what is tested. */
  open: () => Duplex
  /** For one transfer, ms. */
  timeout: number
  /** Connections for one transfer: another one is made where not a single byte came back. Default 1. */
  attempts?: number
}

/** Downloads and uploads each size, and compares every byte. */
export async function transferBothWays (t: Test, { name, sizes, open, timeout, attempts = 1 }: Transfer): Promise<void> {
  const exchange = async (head: string, body?: Buffer): Promise<Page> => {
    for (let attempt = 1; ; attempt++) {
      const page = await fetchOver(open(), head, timeout, body).catch((error: unknown) => {
        if (attempt >= attempts || !(error instanceof Error && 'code' in error && error.code === 'STREAMING_CONNECT_TIMEOUT')) throw error
      })
      if (page !== undefined && (page.firstByte > 0 || attempt >= attempts)) return page
      t.comment(`${name}: connection ${attempt} carried nothing, another one`)
    }
  }
  for (const size of sizes) {
    const bytes = reproducibleBytes(size, size)
    const down = await exchange(`GET /bytes/${size}?seed=${size} HTTP/1.1\r\nHost: test`)
    t.ok(down.status === 200 && down.body.equals(bytes), `${name}: ${size} bytes down, identical`)
    const up = await exchange(`POST /digest HTTP/1.1\r\nHost: test\r\nContent-Length: ${size}`, bytes)
    t.same(JSON.parse(up.body.toString() || '{}'), {
      length: size, sha256: createHash('sha256').update(bytes).digest('hex')
    }, `${name}: ${size} bytes up, identical`)
    t.comment(`${name}: ${size} bytes ${rate(size, down.total)} down, ${rate(size, up.total)} up`)
  }
}

function rate (size: number, time: number): string {
  return `${time.toFixed(0)} ms (${(size / 1024 / (time / 1000)).toFixed(0)} KiB/s)`
}

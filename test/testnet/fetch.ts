/**
 * Pages through i2pd's own HTTP proxy and server tunnels: the check that a network is ready, and the I2PTunnel baseline.
 * As a program inside the clients' namespace (../testnet/ns.sh):
 *   node --import tsx fetch.ts wait HOPS SECONDS
 *   node --import tsx fetch.ts bench HOPS COUNT [KB,KB,...]
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const MAX_RESPONSE = 64 * 1024 * 1024

export interface Page { status: number, body: Buffer, firstByte: number, total: number }

/** One HTTP exchange on a fresh connection of whatever kind, which it closes; times in ms. */
export async function fetchOver (stream: Duplex, head: string, timeout: number, body?: Buffer): Promise<Page> {
  const started = performance.now()
  const timer = setTimeout(() => stream.destroy(new Error(`no response within ${timeout} ms`)), timeout)
  const chunks: Buffer[] = []
  let length = 0
  let firstByte = 0
  try {
    stream.write(`${head}\r\nConnection: close\r\n\r\n`)
    if (body !== undefined) stream.write(body)
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (firstByte === 0) firstByte = performance.now() - started
      length += chunk.length
      if (length > MAX_RESPONSE) throw new Error('response too large')
      chunks.push(chunk)
    }
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
  const response = Buffer.concat(chunks)
  const end = response.indexOf('\r\n\r\n')
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(response.subarray(0, 16).toString('latin1'))?.[1] ?? 0)
  return { status, body: response.subarray(end + 4), firstByte, total: performance.now() - started }
}

export async function fetchThroughProxy (socket: Socket, url: string, timeout: number): Promise<Page> {
  return await fetchOver(socket, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}`, timeout)
}

async function openProxy (hops: number): Promise<Socket> {
  const socket = connect({ host: '10.77.0.1', port: 4440 + hops })
  await once(socket, 'connect')
  return socket
}

async function wait (run: string, hops: number, site: string, seconds: number): Promise<boolean> {
  const started = Number(readFileSync(`${run}/started`, 'latin1'))
  while (Date.now() < started + seconds * 1000) {
    try {
      const page = await fetchThroughProxy(await openProxy(hops), `http://${site}/bytes/1024`, 5000)
      if (page.status === 200) {
        console.log(`${hops} hops: first page ${((Date.now() - started) / 1000).toFixed(1)} s after the start of the routers`)
        return true
      }
    } catch {}
    await sleep(250)
  }
  console.log(`${hops} hops: no page within ${seconds} s`)
  return false
}

async function bench (hops: number, site: string, count: number, sizes: number[]): Promise<void> {
  for (const kilobytes of sizes) {
    const times: number[] = []
    let failed = 0
    for (let n = 0; n < count; n++) {
      try {
        const page = await fetchThroughProxy(await openProxy(hops), `http://${site}/bytes/${kilobytes * 1024}?seed=${n}`, 60_000)
        if (page.status === 200 && page.body.length === kilobytes * 1024) times.push(page.total)
        else failed++
      } catch { failed++ }
    }
    times.sort((a, b) => a - b)
    const at = (share: number): string => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN).toFixed(0)
    console.log(
      `${hops} hops ${kilobytes} KB: n=${times.length} min=${at(0)} p50=${at(0.5)} p95=${at(0.95)} max=${at(1)} ms, failed ${failed}`
    )
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [action = '', hops = '1', amount = '20', sizes = '1,10,32,64,128'] = process.argv.slice(2)
  const run = process.env.RUN ?? ''
  const site = readFileSync(`${run}/web.b32`, 'latin1').split('\n').find(line => line.startsWith(`${hops} `))?.split(' ')[1] ?? ''
  if (action === 'wait') process.exitCode = await wait(run, Number(hops), site, Number(amount)) ? 0 : 1
  else if (action === 'bench') await bench(Number(hops), site, Number(amount), sizes.split(',').map(Number))
  else throw new Error('usage: fetch.ts wait HOPS SECONDS | bench HOPS COUNT [KB,KB]')
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp'
import { keys, startProxy, type Fixture, type Site } from './proxy-support.ts'
import type { ProxyOptions } from '../src/index.ts'

/** Stands for I2P: streams to a Destination are TCP connections to the server that has its hash. */
export class FakeStreams {
  readonly ports = new Map<string, number>()
  readonly connected: string[] = []
  readonly sockets: Duplex[] = []
  connect ({ destination, port }: { destination: Destination, port?: number }): Duplex {
    this.connected.push(`${destination.b32}:${port}`)
    const socket = connect(this.ports.get(destination.b32) ?? 1, '127.0.0.1')
    this.sockets.push(socket)
    return socket
  }
}

export interface Exit {
  server: Server
  seen: Array<{ method: string; url: string; headers: string[]; body: string }>
  keys: ReturnType<typeof keys>
}

/** An exit's or a site's HTTP server on I2P port 80. */
export async function startPeer (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Exit> {
  const seen: Exit['seen'] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => { body += chunk })
    request.on('end', () => {
      seen.push({ method: request.method!, url: request.url!, headers: request.rawHeaders, body })
      answer(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, seen, keys: keys() }
}

export const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port

export async function withExits (
  exits: Exit[],
  site: Site,
  options: Partial<ProxyOptions> = {}
): Promise<Fixture & { streams: FakeStreams; end: () => Promise<void> }> {
  const streams = new FakeStreams()
  for (const exit of exits) streams.ports.set(exit.keys.destination.b32, portOf(exit.server))
  const fixture = await startProxy(site, {
    streams,
    exits: exits.map((exit, i) => ({ id: `exit${i}`, destination: exit.keys.destination })),
    ...options
  })
  const end = async (): Promise<void> => {
    await fixture.proxy.close()
    for (const { server } of exits) {
      server.closeAllConnections()
      server.close()
    }
  }
  return { ...fixture, streams, end }
}

export const echo = (_request: IncomingMessage, response: ServerResponse): void => {
  response.setHeader('X-A', ['1', '2'])
  response.end('from the exit')
}

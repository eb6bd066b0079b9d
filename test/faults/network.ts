import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { startService, type Service, type Surroundings } from '../e2e/harness.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A web site on loopback: /N is N bytes, the rest says hello, unless `handler` answers. */
export async function startSite (t: Test, handler?: Handler): Promise<string> {
  const server = createServer(handler ?? ((request, response) => {
    const size = Number(/^\/(\d+)/.exec(request.url ?? '')?.[1] ?? 0)
    response.end(size > 0 ? Buffer.alloc(size, 'abcdefghi') : 'hello')
  }))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Network { router: Service, i2cp: string, exit: Service, proxy: Service, address: string }

export interface NetworkOptions {
  site: string
  router?: string[]
  exit?: string[]
  proxy?: string[]
  around?: { exit?: Surroundings, proxy?: Surroundings }
}

/** A router, one exit that serves `http://site.i2p/`, and a proxy, as processes of their own. */
export async function startNetwork (
  t: Test, { site, router: routerArgs = [], exit: exitArgs = [], proxy: proxyArgs = [], around = {} }: NetworkOptions
): Promise<Network> {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '10', ...routerArgs])
  const i2cp = router.json.i2cp as string
  const exit = await startService(t, ['exit', '--router', i2cp, '--site', `site.i2p=${site}`, ...exitArgs], around.exit)
  const proxy = await startService(
    t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination as string, ...proxyArgs], around.proxy
  )
  return { router, i2cp, exit, proxy, address: proxy.json.proxy as string }
}

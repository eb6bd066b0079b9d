import fastify from 'fastify'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { addConsole, type ConsoleProxy } from '../console/console.ts'
import type { ConsoleSource } from '../console/snapshot.ts'
import { addLocalPages, type LocalPages } from '../front/local-pages.ts'

export interface LocalApp {
  handle: (request: IncomingMessage, response: ServerResponse) => void
  /** Ends the event streams of consoles; connections are the listener's. */
  close: () => Promise<void>
}

/**
 * The proxy's own pages, on a server that somebody else has. A module of its own, loaded once the proxy listens: what it
 * stands on takes as long to load as all the rest.
 */
export async function createLocalApp (
  server: Server,
  pages: LocalPages,
  source: ConsoleSource & { proxy: ConsoleProxy }
): Promise<LocalApp> {
  let handle: LocalApp['handle'] = () => {}
  const app = fastify({
    logger: false,
    bodyLimit: 65_536,
    serverFactory: handler => {
      handle = handler
      return server
    }
  })
  addLocalPages(app, pages)
  addConsole(app, source)
  await app.ready()
  return {
    handle,
    close: async () => {
      await app.close()
    }
  }
}

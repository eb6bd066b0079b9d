import type { Session } from '@minwww/i2cp'
import { formatHostPort, parseHostPort } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { readExits } from '../exits.ts'
import { runService, type Closers } from '../lifecycle.ts'
import { openSession } from '../router-options.ts'
import { openProxy } from '../services.ts'

export async function runProxy (context: Context<Settings<'proxy'>>): Promise<void> {
  const { settings, logger, reporter } = context
  parseHostPort(settings.proxy, '--proxy')
  const exits = readExits(settings.exit, settings.exits)
  await runService(logger, async closers => {
    // Where there is only one exit, a retry goes from a second Destination: the same pair would meet the same dead path.
    const sessions = openSessions(context, closers, exits.length === 1 ? 2 : 1)
    const proxy = await openProxy(closers, sessions, exits, settings, logger)
    const address = formatHostPort(proxy.address)
    reporter.progress(`listening on ${address}; it answers 503 until the tunnels are built`)
    await sessions
    reporter.ready({ proxy: `http://${address}` }, [`proxy ready: set your browser's HTTP proxy to ${address}`])
    process.on('SIGHUP', () => { reloadExits(context, proxy) })
  })
}

function openSessions ({ settings, logger, reporter }: Context<Settings<'proxy'>>, closers: Closers, count: number): Promise<readonly Session[]> {
  const sessions = Promise.all(Array.from({ length: count }, async () => {
    return closers.add(await openSession(settings, undefined, logger, reporter, 'proxy'), session => session.close())
  }))
  // Whoever awaits it sees the error; until then it must not count as unhandled.
  sessions.catch(() => {})
  return sessions
}

/** SIGHUP reads the exits file again: new exits come in, those that are gone finish what they have and leave. */
function reloadExits ({ settings, logger }: Context<Settings<'proxy'>>, proxy: Awaited<ReturnType<typeof openProxy>>): void {
  try {
    const named = readExits(settings.exit, settings.exits)
    const before = new Set(proxy.exits().map(exit => exit.id))
    const now = new Set(named.map(exit => proxy.addExit(exit)))
    for (const id of before) if (!now.has(id)) proxy.removeExit(id)
    logger.info({ exits: now.size }, 'exits read again')
  } catch (error) {
    logger.error({ reason: (error as Error).message }, 'reload failed; the exits in force stay')
  }
}

import { parseAddress, type Session } from '@minwww/i2cp'
import { formatHostPort } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { readExits } from '../exits.ts'
import type { Closers } from '@minwww/ground/node'
import { runService, takeHangups } from '../lifecycle.ts'
import type { Reporter } from '../output.ts'
import { openSession, renewSession } from '../router-options.ts'
import { openProxy, type ProxySessions } from '../services.ts'

export async function runProxy (context: Context<Settings<'proxy'>>): Promise<void> {
  const { settings, logger, reporter } = context
  const onHangup = takeHangups()
  const exits = exitsOf(settings)
  await runService(logger, async closers => {
    // Where there is only one exit, a retry goes from a second Destination: the same pair would meet the same dead path.
    const open = (): Required<ProxySessions> => openSessions(context, closers, exits.length === 1 ? 2 : 1)
    const { sessions, renew } = open()
    // Without sessions this command ends with a line of its own: the proxy need not say it too.
    const opened = new Promise<readonly Session[]>(resolve => { sessions.then(resolve, () => {}) })
    const proxy = await openProxy(closers, { sessions: opened, renew, exits, openUser: open }, settings, logger)
    onHangup(() => { reloadExits(context, proxy).catch(() => {}) })
    const address = formatHostPort(proxy.address)
    reporter.progress(`listening on ${address}; it answers 503 until the tunnels are built`)
    const [session] = await sessions
    const missing = session === undefined ? [] : await findMissing(session, exits)
    reporter.ready(...announcement(address, settings, exits, missing))
  })
}

/** What a program and a person are told when pages can come. */
function announcement (
  address: string, { i2pOnly }: Settings<'proxy'>, exits: readonly string[], missing: readonly string[]
): [json: Record<string, unknown>, lines: string[]] {
  const mode = i2pOnly ? ' (I2P only: nothing goes to an exit)' : ''
  const isWithout = exits.length > 0 && missing.length === exits.length
  const json = { proxy: `http://${address}`, ...(i2pOnly && { i2pOnly }), ...(missing.length > 0 && { exitsNotFound: missing }) }
  return [json, [
    `proxy ready: set your browser's HTTP proxy to ${address}${mode}`,
    `  ${isWithout ? 'but no page of the web will come yet: ' : ''}open http://${address}/ for how to set a ` +
    `browser, http://${address}/console for the state of the exits`,
    ...missing.map(exit => `  exit not found: ${exit} (it is offline or misspelt); the proxy goes on looking for it`)
  ]]
}

const exitsOf = ({ exit, exits, exitList, i2pOnly }: Pick<Settings<'proxy'>, 'exit' | 'exits' | 'exitList' | 'i2pOnly'>): string[] =>
  readExits(exit, exits, { mayBeNone: i2pOnly || exitList.length > 0 })

/** Longest that the ready line waits for the look-ups of the exits, ms. */
const LOOKUP_PATIENCE = 5_000
const SILENT: Reporter = { progress: () => {}, ready: () => {} }

/** The exits that the router does not find now; a whole Destination needs no look-up. */
async function findMissing (session: Session, exits: readonly string[]): Promise<string[]> {
  const found = await Promise.all(exits.map(async exit => parseAddress(exit).kind === 'destination' ||
    await session.lookup(exit, { timeout: LOOKUP_PATIENCE }).then(() => true, () => false)))
  return exits.filter((_, index) => found[index] !== true)
}

/** The sessions of the proxy. One that loses its router is followed by one with a Destination of its own. */
function openSessions (
  { settings, logger, reporter }: Context<Settings<'proxy'>>, closers: Closers, count: number
): Required<ProxySessions> {
  const open = closers.add(
    new Set<Session>(), async sessions => { await Promise.all([...sessions].map(async session => { await session.close() })) }
  )
  const keep = (session: Session): void => { open.add(session.once('close', () => open.delete(session))) }
  const sessions = Promise.all(Array.from({ length: count }, async (_, source) => {
    // A retry's second session is nothing to tell people of.
    const session = await openSession(settings, undefined, logger, source === 0 ? reporter : SILENT, 'proxy')
    keep(session)
    return session
  }))
  // Whoever awaits it sees the error; until then it must not count as unhandled.
  sessions.catch(() => {})
  // The proxy closes the session that another one has replaced.
  const renew = (source: number): Session => {
    reporter.progress(`proxy: building tunnels for a new Destination over the router at ${settings.router}`)
    const session = renewSession(settings, logger, source >= count)
    keep(session)
    return session
  }
  return { sessions, renew }
}

/** SIGHUP reads the exits file again: new exits come in, those that are gone finish what they have and leave. */
async function reloadExits (
  { settings, reread, logger }: Context<Settings<'proxy'>>, proxy: Awaited<ReturnType<typeof openProxy>>
): Promise<void> {
  try {
    const named = exitsOf(await reread?.() ?? settings)
    const before = new Set(proxy.exits().map(exit => exit.id).filter(id => !proxy.isListed(id)))
    const now = new Set(named.map(exit => proxy.addExit(exit)))
    for (const id of before) if (!now.has(id)) proxy.removeExit(id)
    logger.info({ exits: now.size }, 'exits read again')
  } catch (error) {
    logger.error({ reason: (error as Error).message }, 'reload failed; the exits in force stay')
  }
}

import type { Exit } from '@minwww/server'
import { formatHostPort, parseOrigin } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { explain } from '../errors.ts'
import { reloadableOptions, type ExitSettings } from '../exit-options.ts'
import { readOrMakeKeys } from '../key-file.ts'
import { runService, takeHangups } from '../lifecycle.ts'
import type { Logger } from '../output.ts'
import { openSession } from '../router-options.ts'
import { openExit } from '../services.ts'

/** Streams of every I2P port: clients differ in the one that they ask for. */
const EVERY_PORT = 0

export async function runSite ({ settings, logger, reporter, reread = async () => settings }: Context<Settings<'site'>>): Promise<void> {
  const onHangup = takeHangups()
  const { keys: file = '', target = '', host } = settings
  const url = parseOrigin(target, '--target')
  const keys = await readOrMakeKeys(file, '--keys')
  await runService(logger, async closers => {
    const session = closers.add(await openSession(settings, keys, logger, reporter, 'site'), session => session.close())
    const ownSites = { '*': host === undefined ? url : { url, host } }
    const exit = await openExit(closers, session, exitSettings(settings), logger, { ownSites, streamPort: EVERY_PORT })
    onHangup(() => { reload(exit, reread, logger).catch(() => {}) })
    reporter.ready(...announcement(exit, url, settings))
  }, settings.drainTime * 1000)
}

/** An exit that serves one site to whoever asks, under whatever name, and nothing else. */
function exitSettings (settings: Settings<'site'>): ExitSettings {
  return { ...settings, site: [], allowAddress: [], quotaDay: 0, quotaMonth: 0, ownSitesOnly: true }
}

function announcement (exit: Exit, origin: string, { host }: Settings<'site'>): [json: Record<string, unknown>, lines: string[]] {
  const { base64, b32 } = exit.destination
  const console = exit.console === undefined ? undefined : `http://${formatHostPort(exit.console)}/`
  return [{ destination: base64, b32, target: origin, ...(console !== undefined && { console }) }, [
    `site ready: http://${b32}/`,
    `  destination  ${base64}`,
    `  from         ${origin}, which sees ${host === undefined ? 'the name that the visitor asked for' : host} as Host`,
    '  visitors     by streams: everybody; by messages: those who have a MinWWW proxy, from their second request on',
    `  console      ${console ?? 'none; --console 127.0.0.1:4490 opens one'}`
  ]]
}

/** SIGHUP reads file, environment and lists again; what is wrong leaves everything as it was. */
async function reload (exit: Exit, reread: () => Promise<Settings<'site'>>, logger: Logger): Promise<void> {
  try {
    await exit.reload(reloadableOptions(exitSettings(await reread())))
    logger.info('limits and lists read again')
  } catch (error) {
    logger.error({ reason: explain(error).message }, 'reload failed; what was in force stays')
  }
}

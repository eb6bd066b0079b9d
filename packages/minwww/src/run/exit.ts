import { join } from 'node:path'
import { FileSaver, type Closers } from '@minwww/ground/node'
import type { Exit } from '@minwww/server'
import { formatHostPort, parseSites } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { explain } from '../errors.ts'
import { reloadableOptions } from '../exit-options.ts'
import { readOrMakeKeys } from '../key-file.ts'
import { runService, takeHangups } from '../lifecycle.ts'
import type { Logger } from '../output.ts'
import { openSession } from '../router-options.ts'
import { openExit } from '../services.ts'

export async function runExit ({ settings, logger, reporter, reread = async () => settings }: Context<Settings<'exit'>>): Promise<void> {
  const onHangup = takeHangups()
  const { keys: file } = settings
  const keys = file === undefined ? undefined : await readOrMakeKeys(file, '--keys')
  await runService(logger, async closers => {
    const session = closers.add(await openSession(settings, keys, logger, reporter, 'exit'), session => session.close())
    const exit = await openExit(closers, session, settings, logger)
    if (settings.state !== undefined) await keepDescriptor(closers, exit, settings.state, logger)
    onHangup(() => { reload(exit, reread, logger).catch(() => {}) })
    reporter.ready(...announcement(exit, settings))
  }, settings.drainTime * 1000)
}

/** How often the file with the descriptor is written, ms. What it says holds for a week. */
const DAY = 86_400_000

/** Keeps what the exit says of itself in a file, for publishers of lists who cannot ask it. */
async function keepDescriptor (closers: Closers, exit: Exit, directory: string, logger: Logger): Promise<void> {
  const saver = new FileSaver(join(directory, `descriptor-${exit.destination.b32.slice(0, 16)}.txt`))
  const save = async (): Promise<void> => {
    await saver.save(() => `${exit.descriptor}\n`).catch((error: unknown) => {
      logger.warn({ err: error }, 'what this exit says of itself was not written to the state directory')
    })
  }
  await save()
  closers.add(setInterval(() => { save().catch(() => {}) }, DAY), timer => { clearInterval(timer) })
}

/** What an operator wants to know at the start, and the line to hand on. */
function announcement (exit: Exit, settings: Settings<'exit'>): [json: Record<string, unknown>, lines: string[]] {
  const { base64, b32 } = exit.destination
  const sites = parseSites(settings.site)
  const ports = settings.ports.length > 0 ? settings.ports : [80, 443]
  const web = settings.ownSitesOnly
    ? 'refused: own sites only'
    : `fetched for everybody who has the Destination, ports ${ports.join(' and ')}`
  const console = exit.console === undefined ? undefined : `http://${formatHostPort(exit.console)}/`
  const about = { destination: base64, b32, descriptor: exit.descriptor }
  const json = { ...about, sites, web: !settings.ownSitesOnly, ...(console !== undefined && { console }) }
  return [json, [
    `exit ready: ${b32}`,
    `  destination  ${base64}`,
    `  web          ${web}`,
    ...Object.entries(sites).map(([name, origin]) => `  site         http://${name}/ from ${origin}`),
    `  limits       ${limitsText(settings)}`,
    `  console      ${console ?? 'none; --console 127.0.0.1:4490 opens one'}`,
    `  to use it    minwww proxy --exit ${b32}`,
    `  what it says minwww exits show ${b32}`
  ]]
}

function limitsText ({ limitOut, limitIn, quotaDay, quotaMonth, clientRequests }: Settings<'exit'>): string {
  const limits = [
    ...(limitOut > 0 ? [`${limitOut} KB/s out`] : []), ...(limitIn > 0 ? [`${limitIn} KB/s in`] : []),
    ...(quotaDay > 0 ? [`${quotaDay} MB a day`] : []), ...(quotaMonth > 0 ? [`${quotaMonth} MB a month`] : [])
  ]
  const requests = clientRequests > 0 ? `${clientRequests} requests a minute and client` : 'no limit on requests'
  return `${limits.length > 0 ? limits.join(', ') : 'none on bytes (--limit-out, --quota-day)'}; ${requests}`
}

/** SIGHUP reads file, environment and lists again; what is wrong leaves everything as it was. */
async function reload (exit: Exit, reread: () => Promise<Settings<'exit'>>, logger: Logger): Promise<void> {
  try {
    await exit.reload(reloadableOptions(await reread()))
    logger.info('limits, rules and lists read again')
  } catch (error) {
    logger.error({ reason: explain(error).message }, 'reload failed; what was in force stays')
  }
}

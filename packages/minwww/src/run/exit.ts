import type { Exit } from '@minwww/server'
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
    onHangup(() => { reload(exit, reread, logger).catch(() => {}) })
    const { base64, b32 } = exit.destination
    reporter.ready({ destination: base64, b32 }, [`exit ready: ${b32}`, `destination: ${base64}`])
  }, settings.drainTime * 1000)
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

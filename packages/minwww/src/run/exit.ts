import { loadOrCreateKeys } from '@minwww/i2cp'
import type { Exit } from '@minwww/server'
import { parseSites } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { explain } from '../errors.ts'
import { runService } from '../lifecycle.ts'
import type { Logger } from '../output.ts'
import { openSession } from '../router-options.ts'
import { openExit } from '../services.ts'

export async function runExit ({ settings, logger, reporter }: Context<Settings<'exit'>>): Promise<void> {
  parseSites(settings.site)
  const { keys: file } = settings
  const keys = file === undefined ? undefined : await loadOrCreateKeys(file).catch((error: unknown) => { throw explain(error, file) })
  await runService(logger, async closers => {
    const session = closers.add(await openSession(settings, keys, logger, reporter, 'exit'), session => session.close())
    const exit = await openExit(closers, session, settings, logger)
    reloadOnHangup(exit, logger)
    const { base64, b32 } = exit.destination
    reporter.ready({ destination: base64, b32 }, [`exit ready: ${b32}`, `destination: ${base64}`])
  })
}

/** SIGHUP reads the policy's list files again; a list that cannot be read leaves everything as it was. */
function reloadOnHangup (exit: Exit, logger: Logger): void {
  process.on('SIGHUP', () => {
    exit.reload().then(
      () => logger.info('lists read again'),
      (error: unknown) => logger.error({ reason: explain(error).message }, 'reload failed; the lists in force stay')
    )
  })
}

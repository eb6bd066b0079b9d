import { createLocalRouter } from '@minwww/local-router'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { formatHostPort, parseHostPort } from '../address.ts'
import { explain } from '../errors.ts'
import { runService } from '../lifecycle.ts'
import { modelOptions } from '../model.ts'

export async function runRouter ({ settings, logger, reporter }: Context<Settings<'router'>>): Promise<void> {
  const listen = parseHostPort(settings.i2cp, '--i2cp')
  await runService(logger, async closers => {
    const router = closers.add(createLocalRouter({ ...modelOptions(settings), logger }), router => router.close())
    const address = await router.listen(listen).catch((error: unknown) => { throw explain(error, settings.i2cp, '--i2cp') })
    const i2cp = formatHostPort(address)
    reporter.ready({ i2cp }, [`I2CP router ready at ${i2cp}`])
  })
}

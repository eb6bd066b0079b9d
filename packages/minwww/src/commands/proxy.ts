import type { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { createProxy } from '@minwww/client'
import { createStreamManager } from '@minwww/streaming'
import { addServiceCommand, type Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { formatHostPort, parseHostPort } from '../address.ts'
import { explain } from '../errors.ts'
import { readExits } from '../exits.ts'
import { runService } from '../lifecycle.ts'
import { openSession } from '../router-options.ts'

export function addProxy (program: Command): void {
  addServiceCommand(program, 'proxy', "the browser's HTTP proxy, over a pool of exits", runProxy)
}

async function runProxy ({ settings, logger, reporter }: Context<Settings<'proxy'>>): Promise<void> {
  const listen = parseHostPort(settings.proxy, '--proxy')
  const exits = readExits(settings.exit, settings.exits)
  await runService(logger, async closers => {
    const session = closers.add(await openSession(settings, undefined, logger, reporter, 'proxy'), session => session.close())
    const streams = closers.add(createStreamManager(session), streams => streams.close())
    const proxy = await createProxy({ sessions: [session], streams, exits, listen, logger, strategy: settings.strategy, replyMode: settings.replyMode })
      .catch((error: unknown) => { throw explain(error, settings.proxy) })
    closers.add(proxy, proxy => proxy.close())
    const address = `http://${formatHostPort(proxy.address)}`
    reporter.ready({ proxy: address }, [`proxy ready: set your browser's HTTP proxy to ${address.slice('http://'.length)}`])
  })
}

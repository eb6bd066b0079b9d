import type { Command } from 'commander'
import { loadOrCreateKeys } from '@minwww/i2cp'
import { createStreamManager, tunnelClient, tunnelServer } from '@minwww/streaming'
import { formatHostPort, parseHostPort } from '../address.ts'
import { contextOf } from '../command.ts'
import { explain, UsageError } from '../errors.ts'
import { runService } from '../lifecycle.ts'
import { openSession } from '../router-options.ts'

interface RouterFlags { router: string, allowPlainRemote?: boolean, port: string }

export async function runTunnelServer (command: Command): Promise<void> {
  const { keys: file, target: text, ...flags } = command.opts<RouterFlags & { keys?: string, target: string }>()
  const target = parseHostPort(text, '--target')
  const port = portOf(flags.port)
  const { logger, reporter } = await contextOf(command, {})
  const keys = file === undefined ? undefined : await loadOrCreateKeys(file).catch((error: unknown) => { throw explain(error, file) })
  await runService(logger, async closers => {
    const session = closers.add(await openSession(plain(flags), keys, logger, reporter, 'tunnel'), session => session.close())
    const manager = closers.add(createStreamManager(session, {}, { logger }), manager => manager.close())
    closers.add(tunnelServer({ manager, target, port }), tunnel => tunnel.close())
    const { base64, b32 } = session.destination
    reporter.ready({ destination: base64, b32 }, [`${b32} is forwarded to ${text}`, `destination: ${base64}`])
  })
}

export async function runTunnelClient (command: Command): Promise<void> {
  const { destination: name, listen: text, ...flags } = command.opts<RouterFlags & { destination: string, listen: string }>()
  const listen = parseHostPort(text, '--listen')
  const port = portOf(flags.port)
  const { logger, reporter } = await contextOf(command, {})
  await runService(logger, async closers => {
    const session = closers.add(await openSession(plain(flags), undefined, logger, reporter, 'tunnel'), session => session.close())
    const manager = closers.add(createStreamManager(session, {}, { logger }), manager => manager.close())
    const tunnel = await tunnelClient({ manager, destination: name, port, listen }).catch((error: unknown) => { throw explain(error, text) })
    closers.add(tunnel, tunnel => tunnel.close())
    const address = formatHostPort(tunnel.address)
    reporter.ready({ listen: address }, [`${address} is forwarded to ${name.slice(0, 60)}`])
  })
}

function plain ({ router, allowPlainRemote = false }: RouterFlags): { router: string, allowPlainRemote: boolean } {
  return { router, allowPlainRemote }
}

function portOf (text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`--port: '${text}' is not a port from 0 to 65535`)
  return port
}

import type { Command } from 'commander'
import { encodeB33, type Destination, type LocalDestination, type Session } from '@minwww/i2cp'
import {
  OPTION_TABLE, createStreamManager, forwardFromTcp, forwardToTcp, parseOptions, type StreamManager, type StreamingOptions
} from '@minwww/streaming'
import { formatHostPort, parseHostPort } from '../address.ts'
import { contextOf } from '../command.ts'
import { checkPortIsFree } from '../config/places.ts'
import { explain, UsageError } from '../errors.ts'
import { checkExitName } from '../exits.ts'
import { HostHeader } from '../host-header.ts'
import { readOrMakeKeys } from '../key-file.ts'
import type { Closers } from '@minwww/ground/node'
import { runService } from '../lifecycle.ts'
import type { Logger, Reporter } from '../output.ts'
import { openSession, parseI2cpOptions } from '../router-options.ts'

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:\d{1,5})?$/

interface RouterFlags { router: string, allowPlainRemote?: boolean, i2cpOption?: string[], port: string }

export async function runTunnelServer (command: Command): Promise<void> {
  const { keys: file, target: text, ...flags } = command.opts<RouterFlags & { keys?: string, target: string }>()
  const target = parseHostPort(text, '--target')
  const port = portOf(flags.port)
  const { logger, reporter } = await contextOf(command, {})
  const keys = file === undefined ? undefined : await readOrMakeKeys(file, '--keys')
  await runService(logger, async closers => {
    const { session, manager } = await openStreams(closers, flags, keys, logger, reporter)
    closers.add(forwardToTcp({ manager, target, port }), forwarding => forwarding.close())
    const { base64, b32 } = session.destination
    const b33 = b33Of(session.destination, flags)
    reporter.ready({ destination: base64, b32, ...(b33 !== undefined && { b33 }) }, [
      `${b33 ?? b32} is forwarded to ${text}`, `destination: ${base64}`
    ])
  })
}

export async function runTunnelClient (command: Command): Promise<void> {
  const {
    destination: name, listen: text, hostHeader, ...flags
  } = command.opts<RouterFlags & { destination: string, listen: string, hostHeader?: string }>()
  const listen = parseHostPort(text, '--listen')
  checkExitName(name, '--destination')
  if (hostHeader !== undefined && !HOST.test(hostHeader)) {
    throw new UsageError(`--host-header: '${hostHeader}' is not NAME or NAME:PORT, for example site.i2p`)
  }
  const port = portOf(flags.port)
  await checkPortIsFree(text, { kind: 'flag', flag: '--listen' })
  const { logger, reporter } = await contextOf(command, {})
  await runService(logger, async closers => {
    const { manager } = await openStreams(closers, flags, undefined, logger, reporter)
    const forwarding = await forwardFromTcp({
      manager, destination: name, port, listen, ...(hostHeader !== undefined && { outbound: () => new HostHeader(hostHeader) })
    }).catch((error: unknown) => { throw explain(error, text, '--listen') })
    closers.add(forwarding, forwarding => forwarding.close())
    const address = formatHostPort(forwarding.address)
    reporter.ready({ listen: address }, [`${address} is forwarded to ${name.slice(0, 60)}`])
  })
}

/** The only name under which it is found, if its LeaseSet is encrypted. */
function b33Of ({ signingType, signingPublicKey }: Destination, { i2cpOption = [] }: RouterFlags): string | undefined {
  const options = parseI2cpOptions(i2cpOption)
  if (options['i2cp.leaseSetType'] !== '5') return undefined
  const secretRequired = (options['i2cp.leaseSetSecret'] ?? '') !== ''
  const clientKeyRequired = Number(options['i2cp.leaseSetAuthType'] ?? 0) > 0
  return encodeB33({ signingType, signingPublicKey, secretRequired, clientKeyRequired })
}

/** The session, and its streams with those of the options that are theirs. */
async function openStreams (
  closers: Closers, flags: RouterFlags, keys: LocalDestination | undefined, logger: Logger, reporter: Reporter
): Promise<{ session: Session, manager: StreamManager }> {
  const { router, allowPlainRemote = false, i2cpOption = [] } = flags
  const ofStreams = (entry: string): boolean => OPTION_TABLE.some(({ name }) => entry.startsWith(`${name}=`))
  const streaming = optionsOf(i2cpOption.filter(ofStreams))
  const settings = { router, allowPlainRemote, i2cpOption: i2cpOption.filter(entry => !ofStreams(entry)) }
  const session = closers.add(await openSession(settings, keys, logger, reporter, 'tunnel'), session => session.close())
  return { session, manager: closers.add(createStreamManager(session, streaming, { logger }), manager => manager.close()) }
}

function optionsOf (entries: string[]): Partial<StreamingOptions> {
  try {
    return parseOptions(parseI2cpOptions(entries))
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`--i2cp-option: ${(error as Error).message}`)
  }
}

function portOf (text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`--port: '${text}' is not a port from 0 to 65535`)
  return port
}

import type { Command } from 'commander'
import { addCommonOptions, addRouterOptions } from '../command.ts'

export function addTunnel (program: Command): void {
  const tunnel = program.command('tunnel').description('TCP over I2P streams, as I2PTunnel does it')
  addServer(tunnel)
  addClient(tunnel)
}

function addServer (tunnel: Command): void {
  const command = addCommonOptions(
    routerFlags(
      tunnel.command('server').description('forward streams that come to our Destination to a TCP address'),
      'I2P port that is served; 0 is every one'
    )
  )
    .option('--keys <FILE>', "file with the tunnel's Destination and private keys; created if missing")
    .requiredOption('--target <HOST:PORT>', 'where streams are forwarded to')
  command.action(async () => {
    const { runTunnelServer } = await import('../run/tunnel.ts')
    await runTunnelServer(command)
  })
}

function addClient (tunnel: Command): void {
  const command = addCommonOptions(
    routerFlags(tunnel.command('client').description('forward TCP connections to a Destination'), "the peer's I2P port")
  )
    .requiredOption('--destination <DEST>', 'base64 Destination, b32 address or name')
    .requiredOption('--listen <HOST:PORT>', 'where TCP connections are taken')
    .option('--host-header <NAME>', 'for HTTP: the Host field of requests, instead of our own address')
  command.action(async () => {
    const { runTunnelClient } = await import('../run/tunnel.ts')
    await runTunnelClient(command)
  })
}

function routerFlags (command: Command, port: string): Command {
  return addRouterOptions(command)
    .option('--port <PORT>', port, '0')
    .option('--i2cp-option <NAME=VALUE...>', 'option of the session or of its streams, for example inbound.length=1 or ' +
      'i2p.streaming.maxWindowSize=64 (repeatable)')
}

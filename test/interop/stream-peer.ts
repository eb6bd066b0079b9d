/**
 * Our counterpart of java/.../StreamServer and StreamClient: a TCP tunnel in a process of its own, so that what it costs can be told.
 *   stream-peer.ts server --i2cp H:P --target H:P
 *   stream-peer.ts client --i2cp H:P --destination BASE64
 */
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { Destination, createSession } from '@minwww/i2cp'
import { createStreamManager, forwardFromTcp, forwardToTcp } from '@minwww/streaming'

const { positionals: [role], values: { i2cp = '', target = '', destination = '' } } = parseArgs({
  allowPositionals: true,
  options: { i2cp: { type: 'string' }, target: { type: 'string' }, destination: { type: 'string' } }
})

const address = (text: string): { host: string, port: number } => ({
  host: text.slice(0, text.lastIndexOf(':')), port: Number(text.slice(text.lastIndexOf(':') + 1))
})

const session = await createSession({ connect: () => connect({ ...address(i2cp), noDelay: true }) })
const manager = createStreamManager(session)
const ready: Record<string, unknown> = { event: 'ready', destination: session.destination.base64 }
if (role === 'server') forwardToTcp({ manager, target: address(target) })
else {
  ready.port = (await forwardFromTcp(
    { manager, destination: Destination.fromBase64(destination), listen: { host: '127.0.0.1', port: 0 } }
  )).address.port
}
console.log(JSON.stringify(ready))

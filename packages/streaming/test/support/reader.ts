/**
 * A process that reads and does nothing else, to be suspended: `reader.ts tcp HOST PORT`, or `reader.ts i2p HOST PORT DESTINATION`
 * with the address of a router. Prints a line at the first byte, and the SHA-256 of all at the end.
 */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { Destination, createSession } from '@minwww/i2cp'
import { createStreamManager } from '../../src/index.ts'

const [kind, host, port, name = ''] = process.argv.slice(2)
const tcp = (): Duplex => connect(Number(port), host)

async function open (): Promise<Duplex> {
  if (kind === 'tcp') return tcp()
  return createStreamManager(await createSession({ connect: tcp })).connect({ destination: Destination.fromBase64(name) })
}

const source = await open()
source.write('go') // I2P streams begin with what the client sends
const digest = createHash('sha256')
let started = false
for await (const chunk of source) {
  if (!started) console.log('started')
  started = true
  digest.update(chunk as Buffer)
}
console.log(digest.digest('hex'))
process.exit(0)

// A door into the clients' namespace: relay.mjs SOCKET. A Unix socket is not bound to a network namespace, so a process
// outside connects to it, sends one line "HOST PORT\n", and its bytes are then relayed to that TCP address inside.
import { createServer, connect } from 'node:net'

const MAX_LINE = 128

createServer({ allowHalfOpen: true, noDelay: true }, client => {
  let head = Buffer.alloc(0)
  client.on('error', () => client.destroy())
  const readHead = chunk => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(10)
    if (end < 0 && head.length < MAX_LINE) return
    client.off('data', readHead)
    client.pause()
    const [host, port] = head.subarray(0, end).toString('latin1').split(' ')
    const target = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
    target.on('error', () => client.destroy())
    client.on('close', () => target.destroy())
    target.on('close', () => client.destroy())
    target.write(head.subarray(end + 1))
    client.pipe(target).pipe(client)
  }
  client.on('data', readHead)
}).listen(process.argv[2])

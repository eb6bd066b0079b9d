import { once } from 'node:events'
import { Duplex } from 'node:stream'
import t from 'tap'
import type { StreamSocket } from '@minwww/streaming'
import { Dialer, type DialerInit } from '../src/dialer.ts'

/** Opens a stream that is there already. */
class Opened extends Dialer {
  readonly stream = new Duplex({ read () {}, write (_chunk, _encoding, callback) { callback() } })

  constructor () {
    super({} as DialerInit)
  }

  override async open (): Promise<StreamSocket> {
    return await Promise.resolve(this.stream as StreamSocket)
  }
}

t.test('a stream that is reset in the moment in which it is taken ends no process', async t => {
  const dialer = new Opened()
  const opening = dialer.connect({ host: 'a.i2p', port: 80 })
  setImmediate(() => {
    dialer.stream.emit('connect')
    dialer.stream.destroy(new Error('the peer reset the stream'))
  })
  const socket = await opening
  t.ok(socket.destroyed)
  t.match(socket.errored, { message: 'the peer reset the stream' })
})

t.test('later errors are the caller\'s', async t => {
  const dialer = new Opened()
  const opening = dialer.connect({ host: 'a.i2p', port: 80 })
  setImmediate(() => dialer.stream.emit('connect'))
  const socket = await opening
  await new Promise(resolve => setImmediate(resolve))
  t.equal(socket.listenerCount('error'), 0)
  const failed = once(socket, 'error')
  socket.destroy(new Error('later'))
  t.match(await failed, [{ message: 'later' }])
})

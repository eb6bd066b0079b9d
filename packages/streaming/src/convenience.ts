import type { StreamSession } from './environment.ts'
import { StreamManager, createStreamManager } from './stream-manager.ts'
import type { ConnectOptions } from './stream-manager.ts'
import type { StreamServer } from './stream-server.ts'
import type { StreamSocket, StreamSocketOptions } from './stream-socket.ts'

/** The manager of a session that was made by connect or createServer below. */
const managers = new WeakMap<StreamSession, StreamManager>()

/** Opens a stream over a session, whose manager is made with default options when there is none. */
export function connect (over: StreamSession | StreamManager, request: ConnectOptions): StreamSocket {
  return managerOf(over).connect(request)
}

/** A server over a session, whose manager is made with default options when there is none. */
export function createServer (
  over: StreamSession | StreamManager, options: StreamSocketOptions = {}, onConnection?: (socket: StreamSocket) => void
): StreamServer {
  return managerOf(over).createServer(options, onConnection)
}

function managerOf (over: StreamSession | StreamManager): StreamManager {
  if (over instanceof StreamManager) return over
  let manager = managers.get(over)
  if (manager === undefined) {
    manager = createStreamManager(over)
    managers.set(over, manager)
    manager.once('close', () => managers.delete(over))
  }
  return manager
}

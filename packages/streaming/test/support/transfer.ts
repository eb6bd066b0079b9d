import type { Connection, StreamingEvent } from '../../src/core.ts'
import type { Endpoint, World } from './world.ts'

/** Reads everything that a connection has, and hands it on. */
export function drain (world: World, connection: Connection): Buffer[] {
  const chunks: Buffer[] = []
  for (let chunk = connection.read(world.now); chunk !== undefined; chunk = connection.read(world.now)) chunks.push(chunk)
  return chunks
}

/** Writes `data` as there is room, then ends. */
export function send (world: World, connection: Connection, data: Buffer): () => void {
  let offset = 0
  const pump = (): void => {
    offset += connection.write(world.now, data.subarray(offset))
    if (offset === data.length) connection.end(world.now)
  }
  pump()
  return pump
}

/** Gives each connection's events to its own handler. */
export function dispatch (
  endpoint: Endpoint, accept: (connection: Connection) => void = () => {}
): (connection: Connection, handler: (event: StreamingEvent) => void) => void {
  const handlers = new Map<Connection, (event: StreamingEvent) => void>()
  endpoint.onEvent = event => {
    if (event.type === 'accept') accept(event.connection)
    else if ('connection' in event) handlers.get(event.connection)?.(event)
  }
  return (connection, handler) => { handlers.set(connection, handler) }
}

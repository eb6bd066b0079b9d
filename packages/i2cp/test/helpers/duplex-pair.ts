import { Duplex } from 'node:stream'

/** Two ends of an in-process connection. */
export function duplexPair (): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const make = (other: () => Duplex) => new Duplex({
    read () {},
    write (chunk, _encoding, done) { other().push(chunk); done() },
    final (done) { other().push(null); done() },
    destroy (error, done) { queueMicrotask(() => { if (!other().destroyed) other().push(null) }); done(error) }
  })
  ends.push(make(() => ends[1]!), make(() => ends[0]!))
  return [ends[0]!, ends[1]!]
}

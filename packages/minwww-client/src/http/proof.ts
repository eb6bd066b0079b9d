import { createHmac, randomBytes } from 'node:crypto'

const KEY = randomBytes(32)

/** Shows that this process saw a link to `name` on a page of `from`: a page of somebody else's cannot claim it in an address. */
export const proofOf = (name: string, from: string): string => createHmac('sha256', KEY).update(`${name}\n${from}`).digest('hex')

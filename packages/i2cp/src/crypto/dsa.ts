import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** I2P's DSA parameters. Cryptography specification, "DSA". */
const P = '9c05b2aa960d9b97b8931963c9cc9e8c3026e9b8ed92fad0a69cc886d5bf8015fcadae31a0ad18fab3f01b00a358de237655c4964afaa2b3' +
  '37e96ad316b9fb1cc564b5aec5b69a9ff6c3e4548707fef8503d91dd8602e867e6d35d2235c1869ce2479c3b9d5401de04e0727fb33d6511285d4cf2' +
  '9538d9e3b6051f5b22cc1c93'
const Q = 'a5dfc28fef4ca1e286744cd8eed9d29d684046b7'
const G = '0c1f4d27d40093b429e962d7223824e0bbc47e7c832a39236fc683af84889581075ff9082ed32353d4374d7301cda1d23c431f4698599dda' +
  '02451824ff369752593647cc3ddc197de985e43d136cdcfc6bd5409cd2f450821142a5e6f8eb1c3ab5d0484b8129fcf17bce4f7f33321c3cb3dbb14a' +
  '905e7b2b3e93be4708cbcc82'

const INTEGER = 0x02
const BIT_STRING = 0x03
const SEQUENCE = 0x30
const DSA_OID = Buffer.from('06072a8648ce380401', 'hex')

/** An SPKI key object from the 128 bytes of y. */
export function dsaPublicKey (y: Buffer): KeyObject {
  const parameters = der(SEQUENCE, integer(Buffer.from(P, 'hex')), integer(Buffer.from(Q, 'hex')), integer(Buffer.from(G, 'hex')))
  const key = der(BIT_STRING, Buffer.of(0), integer(y))
  return createPublicKey({ key: der(SEQUENCE, der(SEQUENCE, DSA_OID, parameters), key), format: 'der', type: 'spki' })
}

function integer (bytes: Buffer): Buffer {
  const start = bytes.findIndex(byte => byte !== 0)
  const bare = start < 0 ? Buffer.of(0) : bytes.subarray(start)
  return der(INTEGER, bare[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bare]) : bare)
}

function der (tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length = body.length < 0x80
    ? Buffer.of(body.length)
    : body.length < 0x100 ? Buffer.of(0x81, body.length) : Buffer.of(0x82, body.length >>> 8, body.length & 0xff)
  return Buffer.concat([Buffer.of(tag), length, body])
}

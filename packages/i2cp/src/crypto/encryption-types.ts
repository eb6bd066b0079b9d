/** Lengths of encryption keys in Destinations and LeaseSets, bytes. Common structures, "Crypto Public Key types". */
export interface EncryptionType {
  readonly code: number
  readonly name: string
  readonly publicKeyLength: number
  readonly privateKeyLength: number
}

export const ELGAMAL = 0
export const X25519 = 4

export const ENCRYPTION_TYPES: ReadonlyMap<number, EncryptionType> = new Map(([
  [0, 'ElGamal', 256, 256],
  [1, 'P256', 64, 32],
  [2, 'P384', 96, 48],
  [3, 'P521', 132, 66],
  [4, 'X25519', 32, 32],
  // The hybrids: in a LeaseSet their key is the X25519 one, the ML-KEM keys are ephemeral.
  [5, 'MLKEM512_X25519', 32, 32],
  [6, 'MLKEM768_X25519', 32, 32],
  [7, 'MLKEM1024_X25519', 32, 32]
] as const).map(([code, name, publicKeyLength, privateKeyLength]) => [code, { code, name, publicKeyLength, privateKeyLength }]))

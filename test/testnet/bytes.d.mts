/** Reproducible, incompressible bytes: SHA-256 in counter mode over a seed. */
export declare function reproducibleBytes (length: number, seed?: number): Buffer

import { crc32, deflateSync } from 'node:zlib'
import { seededRandom } from './seeded-random.ts'

/** Pictures of the page that is loaded in two ways, and their width and height, px: some 2 to 25 KB each. */
export const PICTURES = 12
const SIDES = [64, 96, 128, 80, 112, 144, 72, 104, 136, 88, 120, 160]
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** How much the last bits of each pixel differ, as in a photograph: what makes it so large. */
const GRAIN = 12

/** A picture of hills in fog, always the same one for a number: PNG, which no coding makes smaller. */
export function picture (number: number): Buffer {
  const side = SIDES[number % SIDES.length] ?? 96
  const grain = seededRandom(number + 1)(side * side)
  const rows = Array.from({ length: side }, (_, y) => {
    const row = Buffer.alloc(1 + side * 3)
    for (let x = 0; x < side; x++) paint(row, 1 + x * 3, hills(number, x / side, y / side), (grain[y * side + x] ?? 0) % GRAIN)
    return row
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 2, 0, 0, 0], 8) // 8 bits a colour, three colours
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))])
}

/** The nearest of five ridges at a place, 0 for the sky. */
function hills (number: number, x: number, y: number): number {
  for (let ridge = 5; ridge > 0; ridge--) {
    const wave = 0.07 * Math.sin(x * (4 + ridge) + number * 1.7 + ridge * 2) + 0.03 * Math.sin(x * 17 + number + ridge)
    if (y > 0.3 + ridge * 0.12 + wave) return ridge
  }
  return 0
}

function paint (row: Buffer, at: number, ridge: number, grain: number): void {
  const dark = ridge * 34
  row.set([228 - dark + grain, 232 - dark * 0.8 + grain, 226 - dark * 0.75 + grain], at)
}

function chunk (type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Nine undefined integers at the end. */
const RESERVED = 9 * 4

/** In KB/s, `burstTime` in seconds. Router limits may be 0. */
export interface Bandwidth {
  readonly clientInbound: number
  readonly clientOutbound: number
  readonly routerInbound: number
  readonly routerInboundBurst: number
  readonly routerOutbound: number
  readonly routerOutboundBurst: number
  readonly burstTime: number
}

/** Router to client. I2CP, "BandwidthLimitsMessage". */
export interface BandwidthLimits {
  readonly type: typeof TYPE.BandwidthLimits
  readonly limits: Bandwidth
}

const FIELDS = [
  'clientInbound', 'clientOutbound', 'routerInbound', 'routerInboundBurst', 'routerOutbound', 'routerOutboundBurst', 'burstTime'
] as const

export const bandwidthLimitsCodec: MessageCodec<BandwidthLimits> = {
  type: TYPE.BandwidthLimits,
  name: 'BandwidthLimits',
  write (message, writer) {
    for (const field of FIELDS) writer.u32(message.limits[field])
    writer.zeros(RESERVED)
  },
  read (reader) {
    const values = FIELDS.map(field => [field, reader.u32()] as const)
    reader.slice(RESERVED)
    return { type: TYPE.BandwidthLimits, limits: Object.fromEntries(values) as unknown as Bandwidth }
  }
}

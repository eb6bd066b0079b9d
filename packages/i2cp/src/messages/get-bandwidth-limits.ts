import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router, no body. I2CP, "GetBandwidthLimitsMessage". */
export interface GetBandwidthLimits {
  readonly type: typeof TYPE.GetBandwidthLimits
}

export const getBandwidthLimitsCodec: MessageCodec<GetBandwidthLimits> = {
  type: TYPE.GetBandwidthLimits,
  name: 'GetBandwidthLimits',
  write: () => {},
  read: () => ({ type: TYPE.GetBandwidthLimits })
}

import type { Settings } from './config/schema.ts'

type LimitSettings = Pick<Settings<'exit'>, 'limitOut' | 'limitIn' | 'quotaDay' | 'quotaMonth' | 'state' | 'allowAddress'>

const KILOBYTE = 1024
const MEGABYTE = 1024 * 1024

/** Limits in the operator's units (KB/s, MB) as bytes, for `createExit`. Absent means unlimited. */
export function exitLimits (settings: LimitSettings) {
  const { limitOut, limitIn, quotaDay, quotaMonth, state, allowAddress } = settings
  return {
    bandwidth: {
      ...(limitOut > 0 && { out: limitOut * KILOBYTE }),
      ...(limitIn > 0 && { in: limitIn * KILOBYTE }),
      ...(quotaDay > 0 && { quotaDay: quotaDay * MEGABYTE }),
      ...(quotaMonth > 0 && { quotaMonth: quotaMonth * MEGABYTE })
    },
    ...(state !== undefined && { stateDir: state }),
    allowAddresses: allowAddress
  }
}

import type { Target } from '../target.ts'
import { CORE_TARGETS } from './cores.ts'
import { EXIT_HTTP_TARGETS } from './exit-http.ts'
import { HTTP_TARGETS } from './http.ts'
import { I2CP_TARGETS } from './i2cp.ts'
import { LIST_TARGETS } from './exit-lists.ts'
import { PARITY_TARGETS } from './parity.ts'
import { PROTOCOL_TARGETS } from './protocol.ts'
import { STREAMING_TARGETS } from './streaming.ts'
import { TEXT_TARGETS } from './text.ts'

export const TARGETS: readonly Target[] = [
  ...I2CP_TARGETS, ...STREAMING_TARGETS, ...PROTOCOL_TARGETS, ...PARITY_TARGETS, ...HTTP_TARGETS, ...EXIT_HTTP_TARGETS, ...TEXT_TARGETS,
  ...CORE_TARGETS, ...LIST_TARGETS
]

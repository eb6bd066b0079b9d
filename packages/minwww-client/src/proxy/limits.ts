import { fullest, limitsOf, type Limit, type Load } from '@minwww/i2cp'
import { BOUNDS } from '../bounds.ts'
import type { ActivityLog } from '../route/activity.ts'
import type { AltSvcMemory } from '../route/alt-svc.ts'
import type { ExitLists } from '../lists/exit-lists.ts'
import type { NameService } from '../route/names.ts'
import type { Settings } from '../http/settings.ts'
import type { Seat, Users } from '../sessions/users.ts'

export interface LimitSources {
  settings: Settings
  decoders: { used: number, most: number }
  activity: ActivityLog
  names: NameService
  altSvc: AltSvcMemory
  users: Users
  lists: ExitLists | undefined
}

/** How full everything of a proxy is, its sessions and streams included. */
export function proxyLimits ({ settings, decoders, activity, names, altSvc, users, lists }: LimitSources): Limit[] {
  const common = limitsOf(BOUNDS, {
    inFlight: { used: activity.inFlightCount, most: settings.maxInFlight },
    connections: { used: users.waiting + (lists?.waiting ?? 0), most: settings.maxConnections },
    ...names.known,
    decoders,
    announced: altSvc.size,
    ...(lists !== undefined && { lists: lists.subscriptions.length, ...lists.directory.load })
  })
  return fullest([...common, ...users.seats.flatMap(limitsOfSeat)])
}

function limitsOfSeat ({ backend, cache }: Seat): Limit[] {
  const { load, config } = backend.driver.core
  const core: Load<typeof BOUNDS> = load === undefined || config === undefined
    ? {}
    : { ...load, requests: { used: load.requests, most: config.maxRequests }, sites: { used: load.sites, most: config.maxSites } }
  const disk = cache?.disk
  return [
    ...limitsOf(BOUNDS, { ...core, ...cache?.load, ways: backend.sessionStreams.known }),
    ...limitsOf(BOUNDS, disk === undefined ? {} : { disk: { used: disk.bytes, most: disk.maxBytes }, writes: disk.waiting }),
    ...backend.sessions.flatMap(({ limits }) => limits),
    ...backend.streams?.limits ?? []
  ]
}

import { systemClock } from '@minwww/ground/node'
import { ExitLists, type ExitListsOptions } from '../lists/exit-lists.ts'
import type { Backend } from '../sessions/backend.ts'
import type { Users } from '../sessions/users.ts'
import type { ProxyOptions } from './options.ts'

/** The subscriptions of a proxy, tied to the pool that all its users share; undefined without any. */
export function listsOf (
  { lists, stateDirectory, logger }: ProxyOptions, users: Users, fetchList: ExitListsOptions['fetchList'], ask: ExitListsOptions['ask']
): ExitLists | undefined {
  if (lists === undefined || lists.urls.length === 0) return undefined
  const backend = (): Backend | undefined => users.common?.backend
  return new ExitLists({
    urls: lists.urls,
    agree: lists.agree,
    own: lists.never,
    stateDirectory,
    logger,
    clock: systemClock,
    fetchList,
    ask,
    pool: {
      get ready () { return users.ready },
      own: () => backend()?.sessions.map(({ destination }) => destination.b32) ?? [],
      has: b32 => users.hasExit(b32),
      add: (b32, destination) => { users.addExit({ id: b32, destination }) },
      remove: b32 => { users.removeExit(b32) },
      silences: () => backend()?.driver.exits().map(({ id, silentSince }) => ({ id, silentSince })) ?? [],
      clockOffset: () => backend()?.sessions[0]?.clockOffset ?? 0
    }
  })
}

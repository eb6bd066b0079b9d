import type { ExitDescriptor } from '@minwww/protocol'
import type { ExitLists, Subscription } from '../lists/exit-lists.ts'
import type { ExitSayings } from '../lists/exit-sayings.ts'
import type { Backend } from '../sessions/backend.ts'
import { exitRow, type ExitRow } from './snapshot.ts'

/** What an exit says of itself, without what identifies it. */
type Said = Omit<ExitDescriptor, 'kind' | 'b32' | 'destination'>

export interface ListedExit extends ExitRow {
  /** Named by the user. */
  isYours: boolean
  /** Lists that name it now. */
  lists: string[]
  isPinned: boolean
  says?: Said
  /** Why it is not known what it says. */
  silence?: string
}

export interface ExitsSnapshot {
  now: number
  mayChange: boolean
  /** Publishers that must name an exit. */
  agree: number
  /** Exits that could be used, by what the lists say. */
  candidates: number
  lists: Array<Pick<Subscription, 'url' | 'state' | 'exits' | 'refused' | 'readAt' | 'problem'>>
  exits: ListedExit[]
  banned: string[]
}

export interface ExitsSource {
  lists: ExitLists | undefined
  sayings: ExitSayings
}

/** Everything that the page of the exits shows. Nothing in it is of what anybody browses. */
export function exitsSnapshot (
  { lists, sayings }: ExitsSource, backend: Backend | undefined, now: number, mayChange: boolean
): ExitsSnapshot {
  const pool = backend?.exits() ?? []
  const known = new Map(pool.flatMap(({ destination }) => destination === undefined ? [] : [[destination.b32, destination] as const]))
  sayings.look(now, known)
  const rows = pool.map((exit): ListedExit => {
    const b32 = exit.destination?.b32 ?? exit.id
    return rowOf(exitRow(exit), b32, exit.id, { lists, sayings })
  })
  const newcomers = [...lists?.directory.chosen.values() ?? []].filter(({ b32, state }) => state === 'newcomer' && !known.has(b32))
    .map(({ b32 }) => rowOf({ id: b32, b32, state: 'asked what it is' }, b32, b32, { lists, sayings }))
  return {
    now,
    mayChange,
    agree: lists?.directory.agree ?? 0,
    candidates: lists?.directory.candidates(now).length ?? 0,
    lists: (lists?.subscriptions ?? []).map(({ url, state, exits, refused, readAt, problem }) =>
      ({ url, state, exits, refused, ...(readAt !== undefined && { readAt }), ...(problem !== undefined && { problem }) })),
    exits: [...rows, ...newcomers],
    banned: [...lists?.directory.banned ?? []]
  }
}

function rowOf (row: ExitRow, b32: string, id: string, { lists, sayings }: ExitsSource): ListedExit {
  const saying = sayings.of(b32)
  const said = saying?.said ?? lists?.directory.chosen.get(b32)?.descriptor.statement
  return {
    ...row,
    isYours: lists?.isListed(id) !== true && row.state !== 'asked what it is',
    lists: (lists?.directory.publishers ?? []).filter(({ named }) => named.has(b32)).map(({ url }) => url),
    isPinned: lists?.directory.pinned.has(b32) ?? false,
    ...(said !== undefined && { says: sayingOf(said) }),
    ...(said === undefined && saying?.problem !== undefined && { silence: saying.problem })
  }
}

function sayingOf ({ kind: _kind, b32: _b32, destination: _destination, ...said }: ExitDescriptor): Said { return said }

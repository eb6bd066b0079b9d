/** What bounds something that input from the network or from a user can make grow, and what happens there. */
export interface Bound {
  /** What is counted. */
  readonly name: string
  /** Most of it; where it can be set, as long as it is not. */
  readonly most: number
  readonly unit: string
  /** What happens to what is more. */
  readonly full: string
  /** The files, below src, and the containers in them that this bounds: `file #field #field; file variable`. */
  readonly kept: string
}

/** A bound, and how much there is now. */
export interface Limit extends Pick<Bound, 'name' | 'most' | 'unit' | 'full'> {
  readonly used: number
}

type Level = number | { readonly used: number, readonly most: number }

/** How much there is now of what a table of bounds counts; `most` where it was set. */
export type Load<Bounds> = Partial<Record<keyof Bounds, Level>>

/** The rows of a console. */
export function limitsOf<Bounds extends Readonly<Record<string, Bound>>> (bounds: Bounds, load: Load<Bounds>): Limit[] {
  return Object.entries(bounds).flatMap(([key, { name, most, unit, full }]) => {
    const level: Level | undefined = load[key]
    if (level === undefined) return []
    return { name, unit, full, ...(typeof level === 'number' ? { used: level, most } : level) }
  })
}

/** One row for each name: of several sessions or users, that which has the least room. */
export function fullest (limits: readonly Limit[]): Limit[] {
  const rows = new Map<string, Limit>()
  for (const limit of limits) {
    const other = rows.get(limit.name)
    if (other === undefined || limit.used / limit.most > other.used / other.most) rows.set(limit.name, limit)
  }
  return [...rows.values()]
}

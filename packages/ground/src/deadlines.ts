interface Item<T> { readonly at: number, readonly owner: T }

/** Stale items are swept when they are more than this many times the live ones. */
const SLACK = 4
const MIN_SWEEP = 64

/** The earliest deadline of many owners, each with at most one: a binary heap with lazy removal. Size: O(owners). */
export class Deadlines<T> {
  #heap: Array<Item<T>> = []
  readonly #current = new Map<T, number>()

  /** Undefined: the owner has none. */
  set (owner: T, at: number | undefined): void {
    if (this.#current.get(owner) === at) return
    if (at === undefined) {
      this.#current.delete(owner)
      return
    }
    this.#current.set(owner, at)
    this.#push({ at, owner })
    if (this.#heap.length > MIN_SWEEP && this.#heap.length > SLACK * this.#current.size) this.#sweep()
  }

  next (): number | undefined {
    this.#dropStale()
    return this.#heap[0]?.at
  }

  /** Takes out one owner whose time has come. */
  takeDue (now: number): T | undefined {
    this.#dropStale()
    const head = this.#heap[0]
    if (head === undefined || head.at > now) return undefined
    this.#pop()
    this.#current.delete(head.owner)
    return head.owner
  }

  #dropStale (): void {
    for (let head = this.#heap[0]; head !== undefined && this.#current.get(head.owner) !== head.at; head = this.#heap[0]) this.#pop()
  }

  #sweep (): void {
    const live = [...this.#current].map(([owner, at]) => ({ at, owner }))
    this.#heap = live.sort((left, right) => left.at - right.at) // a sorted array is a heap
  }

  #push (item: Item<T>): void {
    const heap = this.#heap
    let index = heap.push(item) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.at <= item.at) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = item
  }

  #pop (): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child += 1
      if (heap[child]!.at >= last.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

/** What waits for its time in an {@link EventQueue}. The queue writes both fields. */
export interface Timed {
  /** ms */
  time: number
  /** Order among equal times. */
  order: number
}

/** A binary heap of events by time; events of one time leave in the order in which they came. */
export class EventQueue<E extends Timed> {
  readonly #heap: E[] = []
  #order = 0

  get size (): number {
    return this.#heap.length
  }

  /** Time of the earliest event, or Infinity. */
  get nextTime (): number {
    return this.#heap.length > 0 ? (this.#heap[0] as E).time : Infinity
  }

  /** @param order its place among events of the same time, if not the order in which they come */
  push (time: number, event: E, order = this.#order++): void {
    event.time = time
    event.order = order
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as E
      if (!before(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  /** Takes the earliest event; the queue must not be empty. */
  pop (): E {
    const heap = this.#heap
    const first = heap[0] as E
    const last = heap.pop() as E
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink (event: E): void {
    const heap = this.#heap
    const size = heap.length
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && before(heap[child + 1] as E, heap[child] as E)) child++
      const below = heap[child] as E
      if (!before(below, event)) break
      heap[at] = below
      at = child
    }
    heap[at] = event
  }
}

function before (a: Timed, b: Timed): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}

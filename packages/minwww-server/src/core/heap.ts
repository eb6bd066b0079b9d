interface Entry<T> {
  readonly item: T
  readonly key: number
  index: number
}

/** Binary min-heap that finds its items again: add, remove and take the first in O(log n). Ties in any order. */
export class Heap<T> {
  readonly #entries: Array<Entry<T>> = []
  readonly #byItem = new Map<T, Entry<T>>()

  get size (): number {
    return this.#entries.length
  }

  get first (): T | undefined {
    return this.#entries[0]?.item
  }

  get firstKey (): number | undefined {
    return this.#entries[0]?.key
  }

  /** The item must not be in the heap. */
  add (item: T, key: number): void {
    const entry = { item, key, index: this.#entries.length }
    this.#byItem.set(item, entry)
    this.#entries.push(entry)
    this.#rise(entry)
  }

  /** False if it is not here. */
  remove (item: T): boolean {
    const entry = this.#byItem.get(item)
    if (entry === undefined) return false
    this.#byItem.delete(item)
    const last = this.#entries.pop()!
    if (last === entry) return true
    this.#place(last, entry.index)
    this.#rise(last)
    this.#sink(last)
    return true
  }

  #rise (entry: Entry<T>): void {
    while (entry.index > 0) {
      const parent = this.#entries[(entry.index - 1) >> 1]!
      if (parent.key <= entry.key) return
      this.#swap(parent, entry)
    }
  }

  #sink (entry: Entry<T>): void {
    for (;;) {
      const left = this.#entries[2 * entry.index + 1]
      const right = this.#entries[2 * entry.index + 2]
      const child = right !== undefined && right.key < left!.key ? right : left
      if (child === undefined || child.key >= entry.key) return
      this.#swap(entry, child)
    }
  }

  #swap (upper: Entry<T>, lower: Entry<T>): void {
    const { index } = upper
    this.#place(upper, lower.index)
    this.#place(lower, index)
  }

  #place (entry: Entry<T>, index: number): void {
    entry.index = index
    this.#entries[index] = entry
  }
}

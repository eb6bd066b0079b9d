/** Things to close, the newest first. Who opens something adds it at once. */
export class Closers {
  readonly #closers: Array<() => unknown> = []
  #closed = false

  /** `close` was called. */
  get closed (): boolean { return this.#closed }

  /** Adds a closer, and returns what it closes. */
  add<T> (resource: T, close: (resource: T) => unknown): T {
    this.#closers.push(() => close(resource))
    return resource
  }

  /**
   * Closes everything that was added, even when one of the closers fails. `failed` is told of each that does, at once.
   * @throws AggregateError of what failed, without `failed`
   */
  async close (failed?: (error: unknown) => void): Promise<void> {
    this.#closed = true
    const errors: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        if (failed === undefined) errors.push(error)
        else failed(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'closing failed')
  }
}

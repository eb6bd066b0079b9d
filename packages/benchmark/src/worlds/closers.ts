/** Closes what was opened, the newest first, even when one of the closers fails. */
export class Closers {
  readonly #closers: Array<() => unknown> = []

  add<T> (resource: T, close: (resource: T) => unknown): T {
    this.#closers.push(() => close(resource))
    return resource
  }

  async close (): Promise<void> {
    const errors: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'closing failed')
  }
}

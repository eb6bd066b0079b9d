/**
 * Host rules: `example.com` is that host and everything below it, `=example.com` that host alone. Looked up by walking
 * the labels, so the length of the list does not matter.
 */
export class HostList {
  readonly #suffixes = new Set<string>()
  readonly #exact = new Set<string>()

  constructor (rules: Iterable<string>) {
    for (const rule of rules) {
      const host = rule.trim().toLowerCase().replace(/\.$/, '')
      if (host.startsWith('=')) this.#exact.add(host.slice(1))
      else if (host !== '') this.#suffixes.add(host.replace(/^(\*\.|\.)/, ''))
    }
  }

  get size (): number {
    return this.#suffixes.size + this.#exact.size
  }

  /** `host` in lower case, without a trailing dot. */
  matches (host: string): boolean {
    if (this.#exact.has(host)) return true
    for (let start = 0; start !== -1; start = nextLabel(host, start)) {
      if (this.#suffixes.has(host.slice(start))) return true
    }
    return false
  }
}

function nextLabel (host: string, start: number): number {
  const dot = host.indexOf('.', start)
  return dot === -1 ? -1 : dot + 1
}

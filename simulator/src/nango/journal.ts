// Requests to the simulator: a journal, and a count for each route.

export interface JournalEntry {
  at: string
  method: string
  /** Path and query. */
  url: string
  /** The route's pattern, `null` for a path that has none. */
  route: string | null
  body: unknown
  /** `null` while the request runs, or when the connection was cut. */
  status: number | null
}

const MAX_ENTRIES = 10_000

export class Journal {
  #entries: JournalEntry[] = []
  #counts = new Map<string, number>()

  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  /** Requests for each `METHOD /route/:pattern`. */
  get counts(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  reset(): void {
    this.#entries = []
    this.#counts.clear()
  }

  record(entry: JournalEntry): void {
    if (this.#entries.length >= MAX_ENTRIES) this.#entries.shift()
    this.#entries.push(entry)
    const key = `${entry.method} ${entry.route ?? entry.url}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }
}

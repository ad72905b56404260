// Row locks. Salesforce: a save locks its rows, and their parents, until its transaction ends; another
// save waits up to 10 seconds and then returns UNABLE_TO_LOCK_ROW ("Record Locking Cheat Sheet"; issue
// threads of API clients).

interface Waiter {
  owner: object
  wake: (got: boolean) => void
}

interface Held {
  owner: object
  waiters: Waiter[]
}

export class LockTable {
  readonly #held = new Map<string, Held>()

  /** True once `owner` has the lock; false if it did not get it within `waitMs`. */
  acquire(key: string, owner: object, waitMs: number): boolean | Promise<boolean> {
    const held = this.#held.get(key)
    if (held === undefined) {
      this.#held.set(key, { owner, waiters: [] })
      return true
    }
    if (held.owner === owner) return true
    if (waitMs <= 0) return false
    return new Promise((resolve) => {
      const waiter: Waiter = {
        owner,
        wake: (got) => {
          clearTimeout(timer)
          resolve(got)
        },
      }
      const timer = setTimeout(() => {
        held.waiters = held.waiters.filter((other) => other !== waiter)
        resolve(false)
      }, waitMs)
      held.waiters.push(waiter)
    })
  }

  /** Passes the lock to the owner that has waited longest. */
  release(key: string, owner: object): void {
    const held = this.#held.get(key)
    if (held?.owner !== owner) return
    const next = held.waiters.shift()
    if (next === undefined) {
      this.#held.delete(key)
      return
    }
    held.owner = next.owner
    next.wake(true)
  }

  get size(): number {
    return this.#held.size
  }
}

/**
 * Locks and changes that belong together: they are committed or rolled back together. A composite with
 * allOrNone, a tree and a graph each span several saves with one of these.
 */
export class Transaction {
  readonly #locks: LockTable
  readonly #keys = new Set<string>()
  #undo: (() => void)[] = []

  constructor(locks: LockTable) {
    this.#locks = locks
  }

  /**
   * Takes the locks, one after the other in the same order everywhere, and returns those it did not get.
   */
  async lock(keys: Iterable<string>, waitMs: number): Promise<Set<string>> {
    const missed = new Set<string>()
    const until = performance.now() + waitMs
    for (const key of [...new Set(keys)].sort()) {
      if (this.#keys.has(key)) continue
      const answer = this.#locks.acquire(key, this, Math.max(0, until - performance.now()))
      if (answer === true || (answer !== false && (await answer))) this.#keys.add(key)
      else missed.add(key)
    }
    return missed
  }

  /** How to roll back a change that was just made. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo)
  }

  savepoint(): number {
    return this.#undo.length
  }

  rollback(savepoint = 0): void {
    for (const undo of this.#undo.splice(savepoint).reverse()) undo()
  }

  /** Ends it: releases the locks and keeps the changes. */
  release(): void {
    for (const key of this.#keys) this.#locks.release(key, this)
    this.#keys.clear()
    this.#undo = []
  }
}

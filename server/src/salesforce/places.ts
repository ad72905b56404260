// A counting gate per key: at most `max` holders at once, the rest in the order they came.

export interface Places {
  /** Resolves to the function that releases the place (once, however often it is called). */
  take(key: string, signal: AbortSignal | undefined): Promise<() => void>
}

interface Gate {
  held: number
  waiting: (() => void)[]
}

/**
 * Keys cost nothing while nobody holds or awaits them. An aborted waiter rejects with the signal's
 * reason.
 */
export const createPlaces = (max: number): Places => {
  const gates = new Map<string, Gate>()

  const giveBack = (key: string, gate: Gate): void => {
    const next = gate.waiting.shift()
    // The place is passed on without being free in between, so nobody can jump the queue.
    if (next !== undefined) return next()
    gate.held -= 1
    if (gate.held === 0) gates.delete(key)
  }

  const holding = (key: string, gate: Gate): (() => void) => {
    let given = false
    return () => {
      if (given) return
      given = true
      giveBack(key, gate)
    }
  }

  return {
    async take(key, signal) {
      signal?.throwIfAborted()
      const gate = gates.get(key) ?? { held: 0, waiting: [] }
      gates.set(key, gate)
      if (gate.held < max) {
        gate.held += 1
        return holding(key, gate)
      }
      await new Promise<void>((resolve, reject) => {
        const enter = (): void => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
        const leave = (): void => {
          gate.waiting = gate.waiting.filter((waiter) => waiter !== enter)
          reject(signal?.reason as Error)
        }
        gate.waiting.push(enter)
        signal?.addEventListener('abort', leave, { once: true })
      })
      return holding(key, gate)
    },
  }
}

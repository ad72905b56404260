// Time: how long a peer may be silent, and pauses that a caller can end.

/** Aborts when it has run for too long without being started anew. */
export class IdleClock {
  readonly #aborting = new AbortController()
  readonly #ms: number
  readonly #caller: AbortSignal | undefined
  readonly #onAbort = () => this.#aborting.abort(this.#caller?.reason)
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  constructor(ms: number, caller: AbortSignal | undefined) {
    this.#ms = ms
    this.#caller = caller
    caller?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborted by silence, or with the caller's own signal. */
  get signal(): AbortSignal {
    return this.#aborting.signal
  }

  get isAbortedByCaller(): boolean {
    return this.#caller?.aborted === true
  }

  start(): void {
    clearTimeout(this.#timer)
    if (this.#isStopped) return // rows of an upload that has ended may still arrive
    this.#timer = setTimeout(
      () => this.#aborting.abort(new Error(`no sign of the server for ${this.#ms} ms`)),
      this.#ms,
    )
  }

  pause(): void {
    clearTimeout(this.#timer)
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true
    this.pause()
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }
}

/** Resolves after `ms`, or rejects with the reason of the signal. */
export const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason, as fetch does
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })

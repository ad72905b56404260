// A receiver of webhooks: what a customer of the API runs, and what goes wrong there. It can be slow, fail,
// redirect, hang, break the connection and say that it is gone, and shows what came. It verifies nothing:
// whoever looks at what came does that, with a library that the sender does not use.

export interface Received {
  path: string
  /** Milliseconds since 1970. */
  at: number
  headers: Record<string, string>
  text: string
  /** Its JSON; null if it is none. */
  body: unknown
  /** With what it was answered; null: not at all, or not yet. */
  status: number | null
}

/** What a path does with a request: a status, more headers, a delay; or no answer, ever or by a broken connection. */
export type Behaviour =
  | {
      status: number
      headers?: Record<string, string> | undefined
      afterMs?: number | undefined
    }
  | 'hang'
  | 'cut'

/** One after the other, the last one for all that follow; or decided for each request. */
export type Behaviours = Behaviour | readonly Behaviour[] | ((request: Received) => Behaviour)

/** How a request can be answered. */
export interface Answerer {
  answer(status: number, headers: Record<string, string>): void
  cut(): void
}

const DEFAULT: Behaviour = { status: 204 }
/** The oldest are forgotten. */
const KEPT = 10_000

export class WebhookReceiver {
  readonly received: Received[] = []
  readonly #behaviours = new Map<string, { how: Behaviours; used: number }>()
  readonly #timers = new Set<NodeJS.Timeout>()

  /** What came to this path, oldest first. */
  at(path: string): Received[] {
    return this.received.filter((one) => one.path === path)
  }

  /** From now on. A path that nothing was said of answers 204. */
  behave(path: string, how: Behaviours): void {
    this.#behaviours.set(path, { how, used: 0 })
  }

  take({ path, headers, text }: Pick<Received, 'path' | 'headers' | 'text'>, to: Answerer): void {
    const message: Received = {
      ...{ path, at: Date.now(), headers, text, body: jsonOf(text) },
      status: null,
    }
    const how = this.#chosen(message)
    this.received.push(message)
    if (this.received.length > KEPT) this.received.splice(0, KEPT / 10)
    if (how === 'hang') return
    if (how === 'cut') return to.cut()
    const answer = () => {
      message.status = how.status
      to.answer(how.status, how.headers ?? {})
    }
    if (how.afterMs === undefined) return answer()
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      answer()
    }, how.afterMs)
    this.#timers.add(timer)
  }

  /** As after the start. */
  clear(): void {
    this.received.length = 0
    this.#behaviours.clear()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #chosen(message: Received): Behaviour {
    const own = this.#behaviours.get(message.path)
    if (own === undefined) return DEFAULT
    const { how } = own
    if (typeof how === 'function') return how(message)
    if (!isList(how)) return how
    const at = Math.min(own.used, how.length - 1)
    own.used += 1
    return how[at] ?? DEFAULT
  }
}

const isList = (how: Behaviour | readonly Behaviour[]): how is readonly Behaviour[] =>
  Array.isArray(how)

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

// What the first page needs from the server is asked for while the code of that page is still on its way.

/** Who comes later wants what is so now. */
const KEPT_MS = 10_000

interface Ahead {
  path: string
  /** Of a POST. */
  body?: string
  /** Whether to ask at all. Default: at once. */
  when?: Promise<boolean>
}

interface Begun {
  answer: Promise<Response | null>
  abort: (reason: unknown) => void
}

const begun = new Map<string, Begun>()

const keyOf = (path: string, body: unknown): string =>
  `${path} ${typeof body === 'string' ? body : ''}`

/** Sends it now, for whoever asks the same with `fetchOnce`. */
export const askAhead = ({
  path,
  body,
  when = Promise.resolve(true),
}: Ahead): Promise<Response | null> => {
  const controller = new AbortController()
  const { signal } = controller
  const answer = when.then((isWanted) =>
    !isWanted
      ? null
      : fetch(
          path,
          body === undefined
            ? { signal }
            : { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal },
        ),
  )
  answer.catch(() => undefined) // for whoever takes it
  begun.set(keyOf(path, body), { answer, abort: (reason) => controller.abort(reason) })
  return answer
}

/** `fetch`, but for what was asked ahead: that answer, once. */
export const fetchOnce: typeof fetch = async (input, init) => {
  const path = typeof input === 'string' ? input.replace(location.origin, '') : ''
  const key = keyOf(path, init?.body)
  const ahead = begun.get(key)
  begun.delete(key)
  if (ahead === undefined || performance.now() > KEPT_MS) return fetch(input, init)
  init?.signal?.throwIfAborted()
  init?.signal?.addEventListener('abort', ({ currentTarget }) =>
    ahead.abort((currentTarget as AbortSignal).reason),
  )
  return (await ahead.answer) ?? fetch(input, init)
}

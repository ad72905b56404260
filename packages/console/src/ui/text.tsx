// Texts: of others, of times, of numbers, of code.

import { type PointerEvent, type ReactNode, useEffect, useState, useSyncExternalStore } from 'react'

/**
 * A text that somebody else wrote: a client's name, a label, what Salesforce said. Always as text, and isolated,
 * so that its direction changes nothing around it.
 */
export const Foreign = ({ children, mono = false }: { children: string; mono?: boolean }) => (
  <bdi className={mono ? 'mono' : undefined}>{children}</bdi>
)

/** Made when something is first written with it: each takes as long as a dozen rows of a table. */
const once = <Made,>(make: () => Made): (() => Made) => {
  let made: Made | undefined
  return () => (made ??= make())
}
const full = once(
  () => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }),
)
const short = once(() => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }))
const ago = once(() => new Intl.RelativeTimeFormat(undefined, { style: 'short' }))
const whole = once(() => new Intl.NumberFormat())
const TICK_MS = 30_000
const DAYS_RELATIVE = 30

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** `3 min. ago`; a date for what is older than a month. */
export const relativeTime = (iso: string, nowMs: number): string => {
  const seconds = (Date.parse(iso) - nowMs) / 1_000
  if (Math.abs(seconds) > DAYS_RELATIVE * 86_400) return short().format(new Date(iso))
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return unit === 'second' && Math.abs(seconds) < 45
    ? 'just now'
    : ago().format(Math.trunc(seconds / size), unit)
}

// One clock for all: a table has dozens of times.
let nowMs = Date.now()
const listeners = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined
const tick = () => {
  nowMs = Date.now()
  for (const listener of listeners) listener()
}
const listen = (listener: () => void) => {
  listeners.add(listener)
  ticking ??= setInterval(tick, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}
const readClock = (): number => {
  // Stood still while nobody looked.
  if (Date.now() - nowMs > TICK_MS) nowMs = Date.now()
  return nowMs
}

/** Not before somebody asks: a table has dozens of times. */
const tellInFull = ({ currentTarget: time }: PointerEvent<HTMLTimeElement>) => {
  time.title = full().format(new Date(time.dateTime))
}

/** How long ago, with the whole time on hover; null reads as a dash. */
export const RelativeTime = ({ at }: { at: string | null }) =>
  at === null ? <Absent /> : <Ago at={at} />

const Ago = ({ at }: { at: string }) => {
  const now = useSyncExternalStore(listen, readClock)
  return (
    <time dateTime={at} onPointerMove={tellInFull}>
      {relativeTime(at, now)}
    </time>
  )
}

/** A moment in full. */
export const Moment = ({ at }: { at: string | null }) =>
  at === null ? <Absent /> : <time dateTime={at}>{full().format(new Date(at))}</time>

/** Where there is nothing to show. */
export const Absent = ({ children = 'none' }: { children?: string }) => (
  <span className="absent">{children}</span>
)

/** Languages whose numbers below a thousand read as in JavaScript: there the first page needs no format. */
const PLAIN_DIGITS = /^(cs|da|de|en|es|fi|fr|hu|it|ja|ko|nb|nl|no|pl|pt|ro|sk|sv|tr|uk|zh)\b/

/** A count in the reader's own digits and groups. */
export const count = (value: number): string =>
  value < 1_000 && PLAIN_DIGITS.test(navigator.language) ? String(value) : whole().format(value)

/** `1 object`, `2 objects`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** Code, XML or JSON as it is, with a button that copies it. */
export const CodeBlock = ({ code, label }: { code: string; label: string }) => (
  <figure className="code-block">
    <figcaption className="row">
      <span className="muted small">{label}</span>
      <CopyButton text={code} />
    </figcaption>
    {/* Scrolls, so it takes the focus: the keyboard scrolls it too. */}
    <pre tabIndex={0} aria-label={label}>
      <code>{code}</code>
    </pre>
  </figure>
)

const COPIED_MS = 2_000

export const CopyButton = ({ text, children = 'Copy' }: { text: string; children?: ReactNode }) => {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), COPIED_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => setCopied(true))
  }
  return (
    <button type="button" className="button quiet" onClick={copy}>
      <span aria-live="polite">{copied ? 'Copied' : children}</span>
    </button>
  )
}

// Which rows of a table are drawn: those in sight and a few beyond, however many there are. All are equally high.

import { type RefObject, startTransition, useCallback, useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

/** `--row` in tokens.css. */
export const ROW_PX = 34
/** Rows beyond each edge, so that a wheel finds some there. */
const BEYOND = 4
/** After a jump, before these are drawn: whoever pages presses the key again before that. */
const PAUSE_MS = 400
/** What is above and below a table, at first; then it is measured. */
const AROUND_PX = 290

export interface View {
  /** The uppermost row in sight. */
  top: number
  /** So many fit. */
  fit: number
  /** So many are drawn beyond each edge. None at first and after a jump: they come a moment later. */
  beyond: number
  /** Of places against rows: see `placeOf`. */
  offset: number
}

const clamp = (value: number, max: number): number => Math.max(0, Math.min(max, value))

/** How many rows are drawn of so many. */
export const sizeOf = ({ fit, beyond }: View, count: number): number =>
  Math.min(count, fit + 1 + 2 * beyond)

export const firstOf = (view: View, count: number): number =>
  clamp(view.top - view.beyond, count - sizeOf(view, count))

/**
 * Where a row is drawn, of as many places as there are rows at most. A short way keeps the place of each row that
 * stays. A jump keeps the places in their order: each shows a different row then, and nothing has to be moved.
 */
export const placeOf = ({ fit, offset }: View, index: number): number => {
  const places = fit + 1 + 2 * BEYOND
  return (((index + offset) % places) + places) % places
}

export const movedTo = (view: View, top: number): View => {
  if (top === view.top) return view
  return Math.abs(top - view.top) > BEYOND
    ? { ...view, top, beyond: 0, offset: view.offset + view.top - top }
    : { ...view, top, beyond: BEYOND }
}

const completed = (view: View): View =>
  view.beyond === BEYOND ? view : { ...view, beyond: BEYOND }

interface VisibleRows {
  scroller: RefObject<HTMLDivElement | null>
  head: RefObject<HTMLDivElement | null>
  view: View
  onScroll: () => void
  /** Scrolls no further than needed to see the row. */
  reveal: (index: number) => void
}

export const useVisibleRows = (): VisibleRows => {
  const scroller = useRef<HTMLDivElement>(null)
  const head = useRef<HTMLDivElement>(null)
  const heightPx = useRef(Math.max(ROW_PX, innerHeight - AROUND_PX))
  const [view, setView] = useState<View>(() => ({
    top: 0,
    fit: fitOf(heightPx.current),
    beyond: 0,
    offset: 0,
  }))

  useEffect(() => {
    const table = scroller.current
    if (table === null) return
    const observer = new ResizeObserver(() => {
      heightPx.current = table.clientHeight - (head.current?.offsetHeight ?? 0)
      const fit = fitOf(heightPx.current)
      setView((before) => (before.fit === fit ? before : { ...before, fit }))
    })
    observer.observe(table)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    if (view.beyond > 0) return
    // Out of sight: a key that comes meanwhile goes first.
    const timer = setTimeout(() => startTransition(() => setView(completed)), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [view])

  const latest = useRef(view)
  latest.current = view
  const go = useCallback((scrollTop: number, isLate: boolean) => {
    const after = movedTo(latest.current, Math.floor(scrollTop / ROW_PX))
    if (after === latest.current) return
    // In the same frame, so that nobody sees a gap.
    if (isLate) flushSync(() => setView(after))
    else setView(after)
  }, [])
  const onScroll = useCallback(() => go(scroller.current?.scrollTop ?? 0, true), [go])
  const reveal = useCallback(
    (index: number) => {
      const table = scroller.current
      if (table === null) return
      const [start, end] = [index * ROW_PX, (index + 1) * ROW_PX]
      const to = Math.min(start, Math.max(table.scrollTop, end - heightPx.current))
      if (to === table.scrollTop) return
      table.scrollTop = to
      go(to, false)
    },
    [go],
  )
  return { scroller, head, view, onScroll, reveal }
}

const fitOf = (px: number): number => Math.max(1, Math.ceil(px / ROW_PX))

// A table of any length: only the rows in sight are in the document. One stop for the keyboard, and then what can be
// pressed in the current row: arrows, Page Up and Down, Home and End move through the rows, Enter opens one.

import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { firstOf, placeOf, ROW_PX, sizeOf, useVisibleRows } from './visible-rows.ts'
import './data-table.css'

export interface Column<Row> {
  id: string
  header: string
  cell: (row: Row) => ReactNode
  /** A track of the grid: `12rem`, `minmax(8rem, 2fr)`. Default: `minmax(6rem, 1fr)`. */
  width?: string
  /** The same where there is little room. */
  narrow?: string
  align?: 'end'
  /** Left out where there is no room. */
  wideOnly?: boolean
  /** With `sort` and `onSort` of the table: the header is a button. */
  sortable?: boolean
}

export interface Sort {
  column: string
  descending: boolean
}

export interface TableProps<Row> {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  /** Enter or a click. The first column should hold a link to the same place. */
  onOpen?: (row: Row) => void
  /** Marked as the one that is open beside the table. */
  chosenKey?: string | null
  sort?: Sort
  onSort?: (sort: Sort) => void
  /** Called when the end comes into sight. */
  onEnd?: () => void
  /** Of all rows, where not all are loaded. */
  total?: number
  /** In place of rows. */
  empty?: ReactNode
  /**
   * Whoever jumps sees the same elements with different texts, which takes a third of the time. For cells that keep
   * nothing of their row: no input, no state, no button that shows what became of it.
   */
  reuses?: boolean
}

export const DataTable = <Row,>(props: TableProps<Row>) => {
  const { label, rows, columns, rowKey, onOpen, onEnd, empty, total, reuses = false } = props
  const id = useId()
  const [chosen, setCurrent] = useState(0)
  // There may be fewer rows now.
  const current = Math.max(0, Math.min(chosen, rows.length - 1))
  const { scroller, head, view, onScroll, reveal } = useVisibleRows()
  const first = firstOf(view, rows.length)
  const end = first + sizeOf(view, rows.length)
  const isDrawn = first <= current && current < end
  useEffect(() => {
    if (end > 0 && end === rows.length) onEnd?.()
  }, [end, rows.length, onEnd])

  // The same function at each render, for rows that are not drawn again.
  const latest = useRef({ rows, onOpen })
  latest.current = { rows, onOpen }
  const pick = useCallback((index: number, opens: boolean) => {
    setCurrent(index)
    const row = latest.current.rows[index]
    if (opens && row !== undefined) latest.current.onOpen?.(row)
  }, [])

  const move = (to: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, to))
    setCurrent(at)
    reveal(at)
  }
  // End of a list whose length is known leads to the very last row, which may be many pages away.
  const isOnWayToEnd = useRef(false)
  useEffect(() => {
    if (isOnWayToEnd.current) move(rows.length - 1)
    if (rows.length >= (total ?? 0)) isOnWayToEnd.current = false
  }, [rows.length, total])
  const onKeyDown = (event: KeyboardEvent) => {
    if (isTypedIn(event.target)) return
    const to = targetOf(event.key, current, Math.max(1, view.fit - 2), rows.length)
    const row = rows[current]
    isOnWayToEnd.current = event.key === 'End' && rows.length < (total ?? 0)
    if (to !== null) {
      // From a link in a row: it goes out of sight, and the table is what moves.
      scroller.current?.focus({ preventScroll: true })
      move(to)
    } else if (event.key === 'Enter' && event.target === event.currentTarget && row !== undefined) {
      onOpen?.(row)
    } else return
    event.preventDefault()
  }
  const classes = useMemo(() => columns.map(cellClass), [columns])
  const tracks = columns.map(({ width = 'minmax(6rem, 1fr)' }) => width).join(' ')
  const narrow = columns
    .filter(({ wideOnly }) => wideOnly !== true)
    .map(({ width = 'minmax(6rem, 1fr)', narrow: less = width }) => less)
    .join(' ')

  return (
    <div
      ref={scroller}
      className="table"
      role="grid"
      aria-label={label}
      aria-rowcount={(total ?? rows.length) + 1}
      aria-activedescendant={isDrawn ? `${id}-${current}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={() => (isOnWayToEnd.current = false)}
      onWheel={() => (isOnWayToEnd.current = false)}
      onScroll={onScroll}
      style={{ '--tracks': tracks, '--tracks-narrow': narrow }}
    >
      <HeadRow ref={head} {...props} />
      {rows.length === 0 && empty !== undefined && (
        <div role="row">
          <div role="gridcell" className="table-empty">
            {empty}
          </div>
        </div>
      )}
      <div
        role="rowgroup"
        className="table-body"
        style={{ height: rows.length * ROW_PX, paddingTop: first * ROW_PX }}
      >
        {rows.slice(first, end).map((row, at) => {
          const index = first + at
          const key = rowKey(row)
          return (
            <BodyRow
              key={reuses ? placeOf(view, index) : key}
              id={`${id}-${index}`}
              rowKey={key}
              row={row}
              columns={columns as readonly Column<unknown>[]}
              classes={classes}
              index={index}
              isCurrent={index === current}
              isChosen={props.chosenKey === undefined ? undefined : props.chosenKey === key}
              opens={onOpen !== undefined}
              onPick={pick}
            />
          )
        })}
      </div>
    </div>
  )
}

interface RowProps {
  id: string
  rowKey: string
  row: unknown
  columns: readonly Column<unknown>[]
  /** Of the cells, in the order of the columns. */
  classes: readonly string[]
  index: number
  isCurrent: boolean
  isChosen: boolean | undefined
  opens: boolean
  onPick: (index: number, opens: boolean) => void
}

/** Drawn again only if something about this row changes: an arrow key touches two rows, not all. */
const BodyRow = memo(
  ({ id, rowKey, row, columns, classes, index, isCurrent, isChosen, opens, onPick }: RowProps) => {
    const element = useRef<HTMLDivElement>(null)
    // Each row's own stops would make the table one that Tab does not get out of.
    useLayoutEffect(() => {
      const wanted = isCurrent ? 0 : -1
      for (const control of element.current?.querySelectorAll<HTMLElement>(CONTROLS) ?? []) {
        if (control.tabIndex !== wanted) control.tabIndex = wanted
      }
    })
    useLayoutEffect(() => {
      const { current: shown } = element
      // Gone with a focus inside: the table has it then, not the row that comes in its place.
      return () => {
        if (shown?.contains(document.activeElement) !== true) return
        shown.closest<HTMLElement>('[role=grid]')?.focus({ preventScroll: true })
      }
    }, [rowKey])
    return (
      <div
        ref={element}
        id={id}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={isChosen}
        className={rowClass(isCurrent, opens)}
        onClick={({ target }) => onPick(index, !isOnControl(target))}
      >
        {columns.map((column, at) => (
          <div key={column.id} role="gridcell" className={classes[at]}>
            {column.cell(row)}
          </div>
        ))}
      </div>
    )
  },
)

const HeadRow = <Row,>({
  ref,
  columns,
  sort,
  onSort,
}: TableProps<Row> & { ref: Ref<HTMLDivElement> }) => (
  <div ref={ref} role="row" className="table-head" aria-rowindex={1}>
    {columns.map((column) => {
      const direction =
        sort?.column !== column.id ? undefined : sort.descending ? 'descending' : 'ascending'
      return (
        <div
          key={column.id}
          role="columnheader"
          aria-sort={direction}
          className={cellClass(column)}
        >
          {column.sortable === true && onSort !== undefined ? (
            <button
              type="button"
              onClick={() => onSort({ column: column.id, descending: direction === 'ascending' })}
            >
              {column.header}
              <span aria-hidden className={`sort-mark ${direction ?? ''}`} />
            </button>
          ) : (
            column.header
          )}
        </div>
      )
    })}
  </div>
)

/** Where a key leads; null for keys that move nothing. */
const targetOf = (key: string, current: number, page: number, count: number): number | null => {
  switch (key) {
    case 'ArrowDown':
      return current + 1
    case 'ArrowUp':
      return current - 1
    case 'PageDown':
      return current + page
    case 'PageUp':
      return current - page
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return null
  }
}

const CONTROLS = 'a, button, input, select'

const isOnControl = (target: EventTarget): boolean =>
  target instanceof Element && target.closest(`${CONTROLS}, label`) !== null

/** The keys belong to the field. */
const isTypedIn = (target: EventTarget): boolean =>
  target instanceof Element && target.matches('input:not([type="checkbox"]), select, textarea')

const rowClass = (isCurrent: boolean, opens: boolean): string =>
  ['table-row', isCurrent ? 'current' : '', opens ? 'opens' : ''].join(' ').trim()

const cellClass = <Row,>({ align, wideOnly }: Column<Row>): string =>
  ['cell', align ?? '', wideOnly === true ? 'wide-only' : ''].join(' ').trim()

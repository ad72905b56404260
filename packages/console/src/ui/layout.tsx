// The parts that pages are made of.

import { type ReactNode } from 'react'
import { Button } from './button.tsx'
import './layout.css'

/** Title, what can be done, and the content of a page. */
export const Page = ({
  title,
  lead,
  actions,
  children,
}: {
  title: ReactNode
  /** One sentence, where the title does not say enough. */
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) => (
  <div className="page">
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {lead !== undefined && <p className="muted">{lead}</p>}
      </div>
      {actions !== undefined && <div className="row">{actions}</div>}
    </header>
    {children}
  </div>
)

/** A part of a page with its heading, set apart by a line and space, not by a box. */
export const Section = ({
  title,
  actions,
  children,
}: {
  title: string
  actions?: ReactNode
  children: ReactNode
}) => (
  <section className="section">
    <header className="section-head">
      <h2>{title}</h2>
      {actions !== undefined && <div className="row">{actions}</div>}
    </header>
    {children}
  </section>
)

/** Filters and the like, in one line above what they are about. */
export const Toolbar = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className="toolbar" role="group" aria-label={label}>
    {children}
  </div>
)

/** `<Tabs label="…"><Link to="…" className="tab">…</Link></Tabs>`: tabs are links, so they can be shared. */
export const Tabs = ({ label, children }: { label: string; children: ReactNode }) => (
  <nav className="tabs" aria-label={label} ref={showCurrent}>
    {children}
  </nav>
)

/** On a narrow screen the current tab is brought into sight, also when it becomes a different one. */
const showCurrent = (tabs: HTMLElement | null) => {
  if (tabs === null) return
  const show = () => {
    const current = tabs.querySelector<HTMLElement>('[data-status="active"], [aria-current]')
    if (current === null) return
    const before = current.offsetLeft - tabs.offsetLeft
    const after = before + current.offsetWidth
    if (before < tabs.scrollLeft) tabs.scrollLeft = before
    else if (after > tabs.scrollLeft + tabs.clientWidth) tabs.scrollLeft = after - tabs.clientWidth
  }
  const observer = new MutationObserver(show)
  observer.observe(tabs, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['aria-current', 'data-status'],
  })
  show()
  return () => observer.disconnect()
}

/** Names and values. */
export const KeyValue = ({ items }: { items: readonly (readonly [string, ReactNode])[] }) => (
  <dl className="key-value">
    {items.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

export interface TimelineItem {
  key: string
  /** When, as a RelativeTime or Moment; null: not yet. */
  when: ReactNode
  title: ReactNode
  detail?: ReactNode
  state: 'done' | 'running' | 'failed' | 'ahead'
}

/** What happened one after the other, and what comes. */
export const Timeline = ({ label, items }: { label: string; items: readonly TimelineItem[] }) => (
  <ol className="timeline" aria-label={label}>
    {items.map(({ key, when, title, detail, state }) => (
      <li key={key} className={state} aria-current={state === 'running' ? 'step' : undefined}>
        <div className="timeline-title">
          {title}
          {state === 'failed' && <span className="visually-hidden">failed</span>}
        </div>
        <div className="timeline-when">{when}</div>
        {detail !== undefined && <div className="timeline-detail">{detail}</div>}
      </li>
    ))}
  </ol>
)

/** The rest of a list: `<LoadMore query={list} />` with what `useList` returns. */
export const LoadMore = ({
  query,
}: {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }
}) =>
  query.hasNextPage ? (
    <div className="load-more">
      <Button pending={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        {query.isFetchingNextPage ? 'Loading' : 'Load more'}
      </Button>
    </div>
  ) : null

/** How far work is. Without a total only that it goes on. */
export const ProgressBar = ({
  label,
  done,
  total,
}: {
  label: string
  done: number
  total: number
}) => (
  <div className="progress">
    <span className="small">{label}</span>
    <progress
      aria-label={label}
      value={total === 0 ? undefined : done}
      max={total === 0 ? 1 : total}
    />
  </div>
)

// What a screen shows when it has nothing to show: not yet, nothing there, failed, not allowed.

import { type ReactNode } from 'react'
import { problemOf, type ReadableProblem } from '../api/problems.ts'
import { inConsoleWords } from '../api/words.ts'
import { Button } from './button.tsx'
import { CopyButton } from './text.tsx'

/** Nothing there: why, and what to do about it. */
export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <section className="state">
    <h2>{title}</h2>
    {children}
  </section>
)

/** Lines where the content will be. Shown after a moment only: most answers come sooner. */
export const Loading = ({ label = 'Loading', lines = 6 }: { label?: string; lines?: number }) => (
  <div className="loading" role="status" aria-label={label}>
    {Array.from({ length: lines }, (_, at) => (
      <div key={at} className="skeleton" />
    ))}
  </div>
)

/** An error as a person can use it: what happened, what to do, and what to tell support. */
export const Problem = ({ error, retry }: { error: unknown; retry?: () => void }) => {
  const problem = problemOf(error)
  return (
    <section className="problem" role="alert">
      <p className="problem-message">
        <bdi>{problem.message}</bdi>
      </p>
      {problem.upstream !== null && (
        <p className="mono small">
          <bdi>{problem.upstream}</bdi>
        </p>
      )}
      {problem.members.length > 0 && (
        <ul className="problem-members">
          {problem.members.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              {path !== '' && <bdi className="mono">{path}</bdi>} <bdi>{message}</bdi>
            </li>
          ))}
        </ul>
      )}
      {problem.remedy !== null && <p>{inConsoleWords(problem.remedy)}</p>}
      {problem.approvalId !== null && (
        <p>
          <a href={`/console/approvals/${problem.approvalId}`}>Open the approval</a>
        </p>
      )}
      <Reference problem={problem} />
      {retry !== undefined && (
        <div className="row">
          <Button onClick={retry}>Try again</Button>
        </div>
      )}
    </section>
  )
}

const Reference = ({ problem: { code, requestId, docUrl } }: { problem: ReadableProblem }) =>
  code === null && requestId === null ? null : (
    <p className="muted small row">
      {code !== null && (docUrl === null ? <code>{code}</code> : <a href={docUrl}>{code}</a>)}
      {requestId !== null && (
        <span>
          request <code>{requestId}</code>
        </span>
      )}
      {requestId !== null && <CopyButton text={requestId}>Copy id</CopyButton>}
    </p>
  )

export const Forbidden = ({ error }: { error?: unknown }) => (
  <section className="state">
    <h2>You may not see this</h2>
    <p>
      {error === undefined
        ? 'Your role does not include it.'
        : problemOf(error).message.replace('This needs', 'It needs')}{' '}
      An administrator of your organization can give you a role that does.
    </p>
  </section>
)

export const NotFound = () => (
  <section className="state">
    <h2>Not found, or not yours</h2>
    <p>It does not exist, or it belongs to a different organization or client.</p>
  </section>
)

/** Whatever a query threw, in the form that it needs. */
export const Failed = ({ error, retry }: { error: unknown; retry?: () => void }) => {
  switch (problemOf(error).kind) {
    case 'forbidden':
      return <Forbidden error={error} />
    case 'not_found':
      return <NotFound />
    default:
      return <Problem error={error} retry={retry} />
  }
}

interface Query<Data> {
  data: Data | undefined
  error: unknown
  isPending: boolean
  refetch: () => unknown
}

/** A query's content, or its loading, failed or forbidden state. Content that is there stays there. */
export const Loaded = <Data,>({
  query,
  children,
  loading = <Loading />,
}: {
  query: Query<Data>
  children: (data: Data) => ReactNode
  loading?: ReactNode
}) => {
  if (query.data !== undefined) return children(query.data)
  if (query.error !== null) {
    return <Failed error={query.error} retry={() => void query.refetch()} />
  }
  return loading
}

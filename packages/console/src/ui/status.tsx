// Verdicts have a colour; nothing else has. A shape and a word say the same, for whoever sees no colours.

import { type ReactNode } from 'react'
import { type ConflictSeverity, type Environment } from '@sfdc-engine-x/client'
import './status.css'

const SHAPES: Readonly<Record<ConflictSeverity, ReactNode>> = {
  green: <circle cx="5" cy="5" r="4" />,
  yellow: <path d="M5 1 9.4 9H.6z" />,
  red: <rect x="1" y="1" width="8" height="8" />,
}

const WORDS: Readonly<Record<ConflictSeverity, string>> = {
  green: 'Green',
  yellow: 'Yellow',
  red: 'Red',
}

const Shape = ({ severity }: { severity: ConflictSeverity }) => (
  <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden>
    {SHAPES[severity]}
  </svg>
)

/** The verdict of a check; null: not judged. With a number: so many of these. */
export const Verdict = ({
  severity,
  count,
}: {
  severity: ConflictSeverity | null
  count?: number
}) =>
  severity === null ? (
    <span className="verdict none">Not checked</span>
  ) : (
    <span className={`verdict ${severity}`}>
      <Shape severity={severity} />
      {count === undefined ? (
        WORDS[severity]
      ) : (
        <>
          <span className="number">{count}</span>
          <span className="visually-hidden">{WORDS[severity]}</span>
        </>
      )}
    </span>
  )

export type StatusTone = 'idle' | 'running' | 'done' | 'stopped' | 'attention'

/** How something stands: a mark and the word for it. `attention`: a person has to do something. */
export const Status = ({
  tone,
  title,
  children,
}: {
  tone: StatusTone
  title?: string
  children: ReactNode
}) => (
  <span className={`status ${tone}`} title={title}>
    {children}
  </span>
)

const ENVIRONMENTS: Readonly<Record<Environment, string>> = {
  production: 'Production',
  sandbox: 'Sandbox',
}

/** Solid for production, outlined for a sandbox: to be told apart at a glance, without a colour. */
export const EnvironmentTag = ({ environment }: { environment: Environment }) => (
  <span className={`environment ${environment}`}>{ENVIRONMENTS[environment]}</span>
)

export const Tag = ({ children }: { children: ReactNode }) => (
  <span className="tag">{children}</span>
)

// The findings of a check, the worst first: what it is about, what to do, and where in the plan it is.

import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type ConflictFinding, type ConflictSeverity } from '@sfdc-engine-x/client'
import { inConsoleWords } from '../../api/words.ts'
import { Button } from '../../ui/button.tsx'
import { Verdict } from '../../ui/status.tsx'
import { counted, Foreign } from '../../ui/text.tsx'

const SHOWN = 50

const GROUPS: readonly { severity: ConflictSeverity; title: string; lead: string }[] = [
  { severity: 'red', title: 'Will fail or destroy data', lead: 'Nothing is deployed with these.' },
  { severity: 'yellow', title: 'Needs attention', lead: 'Each has to be accepted.' },
  { severity: 'green', title: 'Safe', lead: 'Each says why.' },
]

interface Props {
  clientId: string
  findings: readonly ConflictFinding[]
  /** Yellow findings that were accepted, by their place in `findings`; null: they cannot be. */
  accepted: ReadonlySet<number> | null
  onAccept: (at: number, isAccepted: boolean) => void
  /** The line of a path in the text; null where the text is a different one. */
  lineOf: ((path: string) => number) | null
  onGoTo: (line: number) => void
}

export const Findings = (props: Props) => (
  <>
    {GROUPS.map((group) => (
      <Group key={group.severity} {...props} {...group} />
    ))}
  </>
)

const Group = ({ findings, severity, title, lead, ...rest }: Props & (typeof GROUPS)[number]) => {
  const [shown, setShown] = useState(SHOWN)
  const [isOpen, setOpen] = useState(severity !== 'green')
  const own = findings.flatMap((finding, at) =>
    finding.severity === severity ? [{ finding, at }] : [],
  )
  if (own.length === 0) return null
  return (
    <section className="plan-findings" aria-label={title}>
      <header className="section-head">
        <h3 className="row">
          <Verdict severity={severity} count={own.length} />
          {title}
        </h3>
        <Button look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide' : 'Show'}
        </Button>
      </header>
      {isOpen && (
        <>
          <p className="muted small">{lead}</p>
          <ul>
            {own.slice(0, shown).map(({ finding, at }) => (
              <Finding key={at} finding={finding} at={at} {...rest} />
            ))}
          </ul>
          {own.length > shown && (
            <Button onClick={() => setShown(shown + 4 * SHOWN)}>
              Show more of {counted(own.length, 'finding')}
            </Button>
          )}
        </>
      )}
    </section>
  )
}

const Finding = ({
  finding,
  at,
  clientId,
  accepted,
  onAccept,
  lineOf,
  onGoTo,
}: Omit<Props, 'findings'> & { finding: ConflictFinding; at: number }) => {
  const { message, remedy, component, code, path, severity } = finding
  const line = lineOf?.(path) ?? null
  return (
    <li className="plan-finding">
      <p>
        <Foreign>{message}</Foreign>
      </p>
      {remedy !== null && (
        <p className="muted">
          <Foreign>{inConsoleWords(remedy)}</Foreign>
        </p>
      )}
      <p className="row small">
        <ComponentLink clientId={clientId} {...component} />
        <a href={`/docs/errors#${code}`}>{code}</a>
        {line !== null && (
          <Button look="quiet" onClick={() => onGoTo(line)}>
            Line {line}
          </Button>
        )}
        {severity === 'yellow' && accepted !== null && (
          <label className="plan-accept">
            <input
              type="checkbox"
              checked={accepted.has(at)}
              onChange={({ target }) => onAccept(at, target.checked)}
            />
            Accept
          </label>
        )}
      </p>
    </li>
  )
}

const IN_SCHEMA = new Set(['CustomObject', 'CustomField'])

/** What the finding is about; objects and fields lead to the schema. */
const ComponentLink = ({
  clientId,
  type,
  full_name: name,
}: {
  clientId: string
  type: string
  full_name: string
}) => {
  const [object = '', field] = name.split('.')
  if (!IN_SCHEMA.has(type)) {
    return (
      <span>
        {type} <Foreign mono>{name}</Foreign>
      </span>
    )
  }
  return (
    <Link
      to="/clients/$clientId/schema"
      params={{ clientId }}
      search={{ object, ...(field === undefined ? {} : { field }) }}
    >
      <Foreign mono>{name}</Foreign>
    </Link>
  )
}

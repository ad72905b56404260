import { type ErrorGroup, type PushErrors } from '@sfdc-engine-x/client'
import { type ReactNode } from 'react'
import { inConsoleWords } from '../api/words.ts'
import { count, counted, Foreign } from '../ui/text.tsx'
import './error-groups.css'

/** What went wrong with the rows of a push, the most frequent first, each with what to do about it. */
export const ErrorGroups = ({
  errors: { items, complete, rows_counted: counted_ },
  children,
}: {
  errors: PushErrors
  /** What leads to the rows of a group. */
  children: (group: ErrorGroup) => ReactNode
}) => (
  <>
    <ul className="error-groups">
      {items.map((group) => (
        <li key={[group.code, ...group.fields].join('\n')}>
          <span className="number error-groups-count">{count(group.count)}</span>
          <div>
            <p className="row">
              {children(group)}
              {group.fields.map((field) => (
                <Foreign key={field} mono>
                  {field}
                </Foreign>
              ))}
            </p>
            <p className="small">
              <Foreign>{group.message}</Foreign>
            </p>
            <p className="small muted">
              <Foreign>{inConsoleWords(group.remedy)}</Foreign>
            </p>
          </div>
        </li>
      ))}
    </ul>
    {!complete && (
      <p className="muted small">
        Counted from the first {counted(counted_, 'failed row')}; there are more.
      </p>
    )}
  </>
)

import { type MappingFinding } from '@sfdc-engine-x/client'
import { Foreign } from '../../ui/text.tsx'
import { Status } from '../../ui/status.tsx'

/** Of the schema, or what the API refused at once. */
export type FieldFinding = Omit<MappingFinding, 'code'> & { code: string }

/** The index of the field that a finding is about; null for the mapping as a whole. */
export const fieldOf = ({ path }: Pick<FieldFinding, 'path'>): number | null => {
  const [, at] = /^fields\.(\d+)(?:\.|$)/.exec(path) ?? []
  return at === undefined ? null : Number(at)
}

/** Findings about the mapping as a whole; those of a field stand at the field. */
export const Findings = ({ findings }: { findings: readonly MappingFinding[] }) => {
  const own = findings.filter((finding) => fieldOf(finding) === null)
  return <FindingList findings={own} />
}

export const FindingList = ({ findings }: { findings: readonly FieldFinding[] }) =>
  findings.length === 0 ? null : (
    <ul className="mapping-findings">
      {findings.map(({ severity, code, path, message, remedy }) => (
        <li key={`${code} ${path} ${message}`}>
          <Status tone={severity === 'error' ? 'stopped' : 'attention'}>
            {severity === 'error' ? 'Error' : 'Note'}
          </Status>
          <div>
            <p>
              <Foreign>{message}</Foreign>
            </p>
            {remedy !== '' && (
              <p className="muted small">
                <Foreign>{remedy}</Foreign>
              </p>
            )}
          </div>
        </li>
      ))}
    </ul>
  )

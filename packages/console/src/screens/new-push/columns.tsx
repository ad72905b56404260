import { type MappedField } from '@sfdc-engine-x/client'
import { OWN_COLUMNS, type RowsFile } from '../../app/rows-file.ts'
import { Select } from '../../ui/field.tsx'
import { Absent, Foreign } from '../../ui/text.tsx'
import { type Assignment, doubledFields, missingFields } from './columns.ts'

const SAMPLES = 3

interface Props {
  file: RowsFile
  fields: readonly MappedField[]
  assignment: Assignment
  onChange: (assignment: Assignment) => void
}

/** Each column with some of its values, and the field that it becomes. */
export const Columns = ({ file, fields, assignment, onChange }: Props) => {
  const missing = missingFields(assignment, fields)
  const doubled = doubledFields(assignment)
  return (
    <>
      <ul className="new-push-columns">
        {file.columns.map((column) => (
          <li key={column}>
            <span className="new-push-column">
              <Foreign>{column}</Foreign>
            </span>
            <span className="muted small new-push-samples">
              <Samples file={file} column={column} />
            </span>
            {OWN_COLUMNS.includes(column) ? (
              <span className="muted small">of a file of failed rows; not sent</span>
            ) : (
              <Select
                label={`Field for the column ${column}`}
                hideLabel
                value={assignment[column] ?? ''}
                options={[
                  { value: '', label: 'Is not sent' },
                  ...fields.map(({ canonical_field: name, sfdc_field: to, required }) => ({
                    value: name,
                    label: `${name} → ${to}${required ? ', required' : ''}`,
                  })),
                ]}
                onChange={(field) =>
                  onChange({ ...assignment, [column]: field === '' ? null : field })
                }
              />
            )}
          </li>
        ))}
      </ul>
      {missing.length > 0 && (
        <p className="new-push-note" role="status">
          No column fills {missing.length === 1 ? 'a required field' : 'required fields'}:{' '}
          {missing.map((name) => (
            <Foreign key={name} mono>{`${name} `}</Foreign>
          ))}
        </p>
      )}
      {doubled.length > 0 && (
        <p className="new-push-note" role="alert">
          Two columns fill the same field:{' '}
          {doubled.map((name) => (
            <Foreign key={name} mono>{`${name} `}</Foreign>
          ))}
        </p>
      )}
    </>
  )
}

const Samples = ({ file, column }: { file: RowsFile; column: string }) => {
  const values = new Set<string>()
  for (const row of file.sample) {
    const value = row[column]
    if (value === null || value === undefined) continue
    values.add(typeof value === 'string' ? value : JSON.stringify(value))
    if (values.size === SAMPLES) break
  }
  return values.size === 0 ? <Absent>empty</Absent> : <Foreign>{[...values].join(', ')}</Foreign>
}

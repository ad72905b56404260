import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { counted } from '../../ui/text.tsx'
import { type Draft, type DraftField, newField } from './draft.ts'
import { type FieldFinding, FindingList, fieldOf } from './findings.tsx'

const OFFERED = 200

interface Props {
  clientId: string
  draft: Draft
  onChange: (draft: Draft) => void
  findings: readonly FieldFinding[]
}

export const Fields = ({ clientId, draft, onChange, findings }: Props) => {
  const listId = useId()
  const object = draft.sfdc_object.trim()
  const { data } = useQuery({
    queryKey: clientKey(clientId, 'field names', object),
    queryFn: ({ signal }) =>
      engine.topology.fields({ client_id: clientId, object, limit: OFFERED }, { signal }).page(),
    enabled: object !== '',
  })
  const change = (key: number, next: Partial<DraftField>) =>
    onChange({
      ...draft,
      fields: draft.fields.map((field) => (field.key === key ? { ...field, ...next } : field)),
    })
  return (
    <>
      <datalist id={listId}>
        {(data?.items ?? []).map(({ api_name: name, label }) => (
          <option key={name} value={name} label={label ?? undefined} />
        ))}
      </datalist>
      {draft.fields.length === 0 ? (
        <p className="muted">No field yet. Add them one by one, or take suggestions below.</p>
      ) : (
        <ol className="mapping-fields">
          {draft.fields.map((field, at) => (
            <li key={field.key}>
              <OneField
                field={field}
                listId={listId}
                onChange={(next) => change(field.key, next)}
                onRemove={() =>
                  onChange({
                    ...draft,
                    fields: draft.fields.filter(({ key }) => key !== field.key),
                  })
                }
              />
              <FindingList findings={findings.filter((finding) => fieldOf(finding) === at)} />
            </li>
          ))}
        </ol>
      )}
      <div className="row">
        <Button onClick={() => onChange({ ...draft, fields: [...draft.fields, newField(draft)] })}>
          Add a field
        </Button>
      </div>
    </>
  )
}

const OneField = ({
  field,
  listId,
  onChange,
  onRemove,
}: {
  field: DraftField
  listId: string
  onChange: (next: Partial<DraftField>) => void
  onRemove: () => void
}) => (
  <>
    <div className="mapping-field">
      <TextField
        label="Your field"
        value={field.canonical_field}
        onChange={({ target }) => onChange({ canonical_field: target.value })}
      />
      <TextField
        label="Salesforce field"
        value={field.sfdc_field}
        list={listId}
        onChange={({ target }) => onChange({ sfdc_field: target.value })}
      />
      <TextField
        label="If empty, send"
        value={field.default.text}
        onChange={({ target }) => onChange({ default: { ...field.default, text: target.value } })}
      />
      <Checkbox
        label="Required"
        checked={field.required}
        onChange={({ target }) => onChange({ required: target.checked })}
      />
      <Button look="quiet" aria-label={`Remove ${field.canonical_field}`} onClick={onRemove}>
        Remove
      </Button>
    </div>
    <Values field={field} onChange={onChange} />
  </>
)

/** What is sent in place of single values. */
const Values = ({
  field: { values, canonical_field: name },
  onChange,
}: {
  field: DraftField
  onChange: (next: Partial<DraftField>) => void
}) => (
  <details className="mapping-values">
    <summary>
      {values.length === 0
        ? 'Send other values'
        : `${counted(values.length, 'value')} sent as another`}
    </summary>
    {values.map(({ from, to }, at) => (
      <div key={at} className="mapping-value">
        <TextField
          label={`In ${name}`}
          value={from}
          onChange={({ target }) =>
            onChange({ values: values.with(at, { from: target.value, to }) })
          }
        />
        <TextField
          label="Is sent as"
          value={to.text}
          onChange={({ target }) =>
            onChange({ values: values.with(at, { from, to: { ...to, text: target.value } }) })
          }
        />
        <Button
          look="quiet"
          aria-label={`Remove the value ${from}`}
          onClick={() => onChange({ values: values.toSpliced(at, 1) })}
        >
          Remove
        </Button>
      </div>
    ))}
    <Button
      onClick={() =>
        onChange({ values: [...values, { from: '', to: { text: '', before: null } }] })
      }
    >
      Add a value
    </Button>
  </details>
)

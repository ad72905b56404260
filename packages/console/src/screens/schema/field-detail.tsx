import { type FieldDescribe, type ObjectDescribe, type PicklistEntry } from '@sfdc-engine-x/client'
import { Button } from '../../ui/button.tsx'
import { KeyValue } from '../../ui/layout.tsx'
import { Loaded, Loading, NotFound } from '../../ui/states.tsx'
import { CodeBlock, counted, Foreign } from '../../ui/text.tsx'

interface Props {
  describe: {
    data: ObjectDescribe | null | undefined
    error: unknown
    isPending: boolean
    refetch: () => unknown
  }
  field: string
  onClose: () => void
}

/** Everything that Salesforce says about one field. */
export const FieldDetail = ({ describe, field, onClose }: Props) => (
  <section className="schema-field" aria-label={`Field ${field}`}>
    <header className="section-head">
      <h3>
        <Foreign mono>{field}</Foreign>
      </h3>
      <Button look="quiet" onClick={onClose}>
        Close
      </Button>
    </header>
    <Loaded query={describe} loading={<Loading lines={3} />}>
      {(object) => {
        const found = object?.fields?.find(({ name }) => name.toLowerCase() === field.toLowerCase())
        return found === undefined ? <NotFound /> : <Described field={found} />
      }}
    </Loaded>
  </section>
)

const Described = ({ field }: { field: FieldDescribe }) => (
  <>
    <KeyValue
      items={[
        ['Label', <Foreign key="label">{field.label ?? field.name}</Foreign>],
        ['Type', typeOf(field)],
        ...optional('Refers to', field.referenceTo?.join(', ')),
        ...optional('Relationship', field.relationshipName),
        ['Required', field.nillable === false && field.defaultedOnCreate !== true ? 'Yes' : 'No'],
        [
          'The connected user may',
          [field.createable && 'set it on create', field.updateable && 'change it']
            .filter(Boolean)
            .join(', ') || 'only read it',
        ],
        ...optional('Identity', identityOf(field)),
        ...optional('Depends on', field.controllerName),
        ...optional('Help text', field.inlineHelpText),
      ]}
    />
    {field.calculatedFormula != null && (
      <CodeBlock label="Formula" code={field.calculatedFormula} />
    )}
    {field.picklistValues !== undefined && field.picklistValues.length > 0 && (
      <Values values={field.picklistValues} restricted={field.restrictedPicklist === true} />
    )}
    <details>
      <summary className="small">Everything that Salesforce says about it</summary>
      <CodeBlock label="Describe" code={JSON.stringify(field, null, 2)} />
    </details>
  </>
)

const optional = (name: string, value: string | null | undefined) =>
  value == null || value === '' ? [] : [[name, <Foreign key={name}>{value}</Foreign>] as const]

const typeOf = ({ type, length, precision, scale }: FieldDescribe): string => {
  if (precision !== undefined && precision > 0) {
    return `${type}, ${counted(precision, 'digit')}, ${scale ?? 0} after the point`
  }
  return length !== undefined && length > 0 ? `${type}, ${counted(length, 'character')}` : type
}

const identityOf = ({ externalId, unique, idLookup }: FieldDescribe): string =>
  [externalId && 'external id', unique && 'unique', idLookup && 'records are found by it']
    .filter(Boolean)
    .join(', ')

const Values = ({
  values,
  restricted,
}: {
  values: readonly PicklistEntry[]
  restricted: boolean
}) => (
  <div>
    <p className="small muted">
      {counted(values.length, 'value')}
      {restricted ? '; no other is accepted' : ''}
    </p>
    <ul className="schema-values">
      {values.map(({ value, label, active, defaultValue }) => (
        <li key={value}>
          <Foreign mono>{value}</Foreign>
          {label !== null && label !== value && (
            <span className="muted">
              {' '}
              <Foreign>{label}</Foreign>
            </span>
          )}
          {defaultValue && <span className="muted"> · default</span>}
          {!active && <span className="muted"> · inactive</span>}
        </li>
      ))}
    </ul>
  </div>
)

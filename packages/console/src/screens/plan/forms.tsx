// The two most common things of a plan, as forms: a new object, a new field. What they make is text in the plan.

import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { type PlanField, type PlanObject } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Checkbox, Select, TextArea, TextField } from '../../ui/field.tsx'
import {
  type Attribute,
  ATTRIBUTES,
  emptyField,
  faultsOf,
  fieldOf,
  FIELD_TYPES,
  type FieldValues,
} from './new-field.ts'
import { apiNameOf } from './plan-text.ts'

interface ObjectProps {
  open: boolean
  onClose: () => void
  onAdd: (object: PlanObject) => void
}

export const NewObjectDialog = ({ open, onClose, onAdd }: ObjectProps) => (
  <Dialog open={open} onClose={onClose} title="New object">
    <NewObject onClose={onClose} onAdd={onAdd} />
  </Dialog>
)

type NameType = 'Text' | 'AutoNumber'

const NewObject = ({ onClose, onAdd }: Omit<ObjectProps, 'open'>) => {
  const [label, setLabel] = useState('')
  const [plural, setPlural] = useState<string | null>(null)
  const [name, setName] = useState<string | null>(null)
  const [nameType, setNameType] = useState<NameType>('Text')
  const [format, setFormat] = useState('')
  const [isTried, setTried] = useState(false)
  const apiName = name ?? apiNameOf(label)
  const pluralLabel = plural ?? (label.trim() === '' ? '' : `${label.trim()}s`)
  const missing = (value: string, what: string) =>
    isTried && value.trim() === '' ? `Write ${what}.` : null
  const add = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    const needed = [label, pluralLabel, apiName, ...(nameType === 'AutoNumber' ? [format] : [])]
    if (needed.some((value) => value.trim() === '')) return
    const nameLabel = `${label.trim()} Name`
    onAdd({
      api_name: apiName.trim(),
      label: label.trim(),
      plural_label: pluralLabel.trim(),
      name_field:
        nameType === 'Text'
          ? { label: nameLabel, type: 'Text' }
          : { label: nameLabel, type: 'AutoNumber', display_format: format.trim() },
      fields: [],
    })
  }
  return (
    <form className="stack" onSubmit={add}>
      <TextField
        label="Label"
        value={label}
        error={missing(label, 'a label')}
        onChange={({ target }) => setLabel(target.value)}
      />
      <TextField
        label="Plural label"
        value={pluralLabel}
        error={missing(pluralLabel, 'the plural')}
        onChange={({ target }) => setPlural(target.value)}
      />
      <TextField
        label="API name"
        hint="Ends with __c. It cannot be changed later."
        value={apiName}
        error={missing(apiName, 'an API name')}
        onChange={({ target }) => setName(target.value)}
      />
      <Select<NameType>
        label="Name of a record"
        value={nameType}
        onChange={setNameType}
        options={[
          { value: 'Text', label: 'Typed by users' },
          { value: 'AutoNumber', label: 'Numbered by Salesforce' },
        ]}
      />
      {nameType === 'AutoNumber' && (
        <TextField
          label="Format of the number"
          hint="With the number between braces: JP-{00000}"
          value={format}
          error={missing(format, 'the format')}
          onChange={({ target }) => setFormat(target.value)}
        />
      )}
      <Buttons action="Add the object to the plan" onClose={onClose} />
    </form>
  )
}

interface FieldProps {
  clientId: string
  open: boolean
  /** Where the field goes unless something else is written. */
  object: string
  onClose: () => void
  onAdd: (object: string, field: PlanField) => void
}

export const NewFieldDialog = ({ open, onClose, ...rest }: FieldProps) => (
  <Dialog open={open} onClose={onClose} title="New field">
    <NewField onClose={onClose} {...rest} />
  </Dialog>
)

const NewField = ({ clientId, object, onClose, onAdd }: Omit<FieldProps, 'open'>) => {
  const [typed, setTyped] = useState(() => emptyField(object))
  const [isNameTyped, setNameTyped] = useState(false)
  const [isTried, setTried] = useState(false)
  const values = isNameTyped ? typed : { ...typed, api_name: apiNameOf(typed.label) }
  const faults = isTried ? faultsOf(values) : {}
  const set = (change: Partial<FieldValues>) => setTyped({ ...values, ...change })
  const add = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(faultsOf(values)).length > 0) return
    onAdd(values.object.trim(), fieldOf(values))
  }
  return (
    <form className="stack" onSubmit={add}>
      <ObjectField
        clientId={clientId}
        label="Object"
        hint="API name: Lead, Job_Posting__c"
        value={values.object}
        error={faults.object ?? null}
        onChange={(value) => set({ object: value })}
      />
      <TextField
        label="Label"
        value={values.label}
        error={faults.label ?? null}
        onChange={({ target }) => set({ label: target.value })}
      />
      <TextField
        label="API name"
        hint="Ends with __c. It cannot be changed later."
        value={values.api_name}
        error={faults.api_name ?? null}
        onChange={({ target }) => {
          setNameTyped(true)
          set({ api_name: target.value })
        }}
      />
      <Select
        label="Type"
        value={values.type}
        onChange={(type) => set({ type })}
        options={FIELD_TYPES.map((type) => ({ value: type, label: type }))}
      />
      {(ATTRIBUTES[values.type] ?? []).map((attribute) => (
        <AttributeField key={attribute} {...{ clientId, attribute, values, faults, set }} />
      ))}
      <TextField
        label="Help for users"
        value={values.help_text}
        onChange={({ target }) => set({ help_text: target.value })}
      />
      <Buttons action="Add the field to the plan" onClose={onClose} />
    </form>
  )
}

const WORDS: Readonly<Record<Attribute, { label: string; hint?: string }>> = {
  length: { label: 'Length', hint: 'In characters. Nothing: the default of the type' },
  precision: { label: 'Digits in total', hint: 'Decimal places included. Nothing: 18' },
  scale: { label: 'Decimal places' },
  values: { label: 'Values', hint: 'One a line, in their order' },
  restricted: { label: 'Only these values can be saved' },
  reference_to: { label: 'Refers to', hint: 'API name of the object' },
  relationship_name: {
    label: 'Relationship name',
    hint: 'From the other object to these records, without __r: Job_Postings',
  },
  display_format: { label: 'Format', hint: 'With the number between braces: JP-{00000}' },
  required: { label: 'Required' },
  unique: { label: 'Unique' },
  external_id: { label: 'External id', hint: 'Records can be found and pushed by it' },
}

const AttributeField = ({
  clientId,
  attribute,
  values,
  faults,
  set,
}: {
  clientId: string
  attribute: Attribute
  values: FieldValues
  faults: Partial<Record<keyof FieldValues, string>>
  set: (change: Partial<FieldValues>) => void
}) => {
  const value = values[attribute]
  const { label, hint } = WORDS[attribute]
  const error = faults[attribute] ?? null
  if (typeof value === 'boolean') {
    return (
      <Checkbox
        label={label}
        hint={hint}
        checked={value}
        onChange={({ target }) => set({ [attribute]: target.checked })}
      />
    )
  }
  const change = (text: string) => set({ [attribute]: text })
  if (attribute === 'reference_to') {
    return <ObjectField {...{ clientId, label, hint, value, error }} onChange={change} />
  }
  const Control = attribute === 'values' ? TextArea : TextField
  return (
    <Control
      {...{ label, hint, error, value }}
      onChange={({ target }: { target: { value: string } }) => change(target.value)}
    />
  )
}

const SUGGESTED = 20

/** The name of an object, with those of the newest snapshot to choose from. */
const ObjectField = ({
  clientId,
  value,
  onChange,
  ...rest
}: {
  clientId: string
  label: string
  hint?: string
  value: string
  error: string | null
  onChange: (value: string) => void
}) => {
  const listId = useId()
  const query = value.trim()
  const { data } = useQuery({
    queryKey: clientKey(clientId, 'object names', query),
    queryFn: ({ signal }) =>
      engine.topology
        .objects(
          { client_id: clientId, limit: SUGGESTED, ...(query === '' ? {} : { query }) },
          { signal },
        )
        .page(),
    // Without a snapshot there is nothing to choose from, and the field works all the same.
    retry: false,
    placeholderData: (before) => before,
  })
  return (
    <>
      <TextField
        {...rest}
        value={value}
        list={listId}
        onChange={({ target }) => onChange(target.value)}
      />
      <datalist id={listId}>
        {(data?.items ?? []).map(({ api_name: name, label }) => (
          <option key={name} value={name} label={label ?? undefined} />
        ))}
      </datalist>
    </>
  )
}

const Buttons = ({ action, onClose }: { action: string; onClose: () => void }) => (
  <div className="row end">
    <Button onClick={onClose}>Cancel</Button>
    <Button look="primary" type="submit">
      {action}
    </Button>
  </div>
)

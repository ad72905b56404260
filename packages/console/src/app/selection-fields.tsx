// The fields that choose clients, wherever something is done for several.

import { Select, TextField } from '../ui/field.tsx'
import { ClientPicker } from './client-picker.tsx'
import { type Selection, type SelectionKind } from './selection.ts'

const KINDS: Readonly<Record<SelectionKind, string>> = {
  bound: 'Bound to the blueprint',
  drifted: 'Bound, and drifted',
  tags: 'With these tags',
  clients: 'These clients',
  all: 'Every active client',
}

const ENVIRONMENTS = [
  { value: '', label: 'Production and sandbox' },
  { value: 'production', label: 'Production only' },
  { value: 'sandbox', label: 'Sandboxes only' },
] as const

export const SelectionFields = ({
  value,
  onChange,
  kinds,
  error,
}: {
  value: Selection
  onChange: (selection: Selection) => void
  kinds: readonly SelectionKind[]
  error: string | null
}) => (
  <>
    <div className="fields">
      <Select
        label="Clients"
        options={kinds.map((kind) => ({ value: kind, label: KINDS[kind] }))}
        value={value.by}
        onChange={(by) => onChange({ ...value, by })}
        error={value.by === 'tags' ? null : error}
      />
      <Select
        label="Environment"
        options={ENVIRONMENTS}
        value={value.environment}
        onChange={(environment) => onChange({ ...value, environment })}
      />
    </div>
    {value.by === 'tags' && (
      <TextField
        label="Tags"
        hint="A key and a value each, all of which a client has to have: plan=premium, region=eu"
        value={value.tags}
        error={error}
        onChange={({ target }) => onChange({ ...value, tags: target.value })}
      />
    )}
    {value.by === 'clients' && (
      <ClientPicker
        label="Which clients"
        chosen={value.clientIds}
        onChange={(clientIds) => onChange({ ...value, clientIds })}
      />
    )}
  </>
)

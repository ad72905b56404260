// The filters that lists of the organization share: the client and the days.

import { useQuery } from '@tanstack/react-query'
import { clientsQuery } from '../api/directory.ts'
import { Select, TextField } from '../ui/field.tsx'
import { type PeriodSearch } from './period.ts'

export const ClientFilter = ({
  value,
  onChange,
}: {
  value: string | undefined
  onChange: (clientId: string | undefined) => void
}) => {
  const clients = useQuery(clientsQuery)
  const known = clients.data ?? []
  return (
    <Select
      label="Client"
      options={[
        { value: '', label: 'All' },
        ...known.map(({ id, name }) => ({ value: id, label: name })),
        // From a link, before the names are there, or of a client that is gone.
        ...(value === undefined || known.some(({ id }) => id === value)
          ? []
          : [{ value, label: value }]),
      ]}
      value={value ?? ''}
      onChange={(id) => onChange(id === '' ? undefined : id)}
    />
  )
}

export const PeriodFilter = ({
  value,
  onChange,
}: {
  value: PeriodSearch
  onChange: (period: PeriodSearch) => void
}) => (
  <>
    <TextField
      label="From"
      type="date"
      value={value.from ?? ''}
      max={value.to}
      onChange={({ target }) => onChange({ ...value, from: target.value })}
    />
    <TextField
      label="To"
      type="date"
      value={value.to ?? ''}
      min={value.from}
      onChange={({ target }) => onChange({ ...value, to: target.value })}
    />
  </>
)

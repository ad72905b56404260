// The filters above lists. Each is in the address; without a value it is not.

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type Client } from '@sfdc-engine-x/client'
import { clientsQuery, marksOf } from '../api/directory.ts'
import { Select, TextField } from '../ui/field.tsx'
import { type PeriodSearch } from './period.ts'

const NONE: readonly Client[] = []

export const ClientFilter = ({
  value,
  onChange,
}: {
  value: string | undefined
  onChange: (clientId: string | undefined) => void
}) => {
  const clients = useQuery(clientsQuery)
  const known = clients.data ?? NONE
  const marks = useMemo(() => marksOf(known), [known])
  return (
    <Select
      label="Client"
      options={[
        { value: '', label: 'All' },
        ...known.map(({ id, name }) => {
          const mark = marks.get(id)
          return { value: id, label: mark === undefined ? name : `${name} (${mark})` }
        }),
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

/** One of a few values, by their words; or all. */
export const ChoiceFilter = <Value extends string>({
  label,
  words,
  value,
  onChange,
}: {
  label: string
  /** A word for each value, alone or behind its tone. */
  words: Readonly<Record<Value, string | readonly [unknown, string]>>
  value: Value | undefined
  onChange: (value: Value | undefined) => void
}) => {
  const values = Object.keys(words) as Value[]
  return (
    <Select
      label={label}
      options={[
        { value: '', label: 'All' },
        ...values.map((one) => {
          const word = words[one]
          return { value: one, label: typeof word === 'string' ? word : word[1] }
        }),
      ]}
      value={value ?? ''}
      onChange={(chosen) => onChange(values.find((one) => one === chosen))}
    />
  )
}

import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { engine } from '../api/engine.ts'
import { clientKey } from '../api/queries.ts'
import { TextField } from '../ui/field.tsx'

const SUGGESTED = 20

/** The name of an object, with those of the newest snapshot to choose from. */
export const ObjectField = ({
  clientId,
  value,
  onChange,
  ...rest
}: {
  clientId: string
  label: string
  hint?: string
  value: string
  error?: string | null
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

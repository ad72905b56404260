import { type Snapshot } from '@sfdc-engine-x/client'
import { engine } from '../api/engine.ts'
import { clientKey, useList } from '../api/queries.ts'
import { Select } from '../ui/field.tsx'
import { relativeTime } from '../ui/text.tsx'

interface Props {
  clientId: string
  label: string
  /** Undefined: `unset`. */
  value: number | undefined
  onChange: (version: number | undefined) => void
  /** What no choice means. */
  unset?: string
}

/** The complete snapshots of a client, newest first. */
export const useVersions = (clientId: string) => {
  const list = useList<Snapshot>(
    clientKey(clientId, 'versions'),
    (page, options) =>
      engine.topology.history({ client_id: clientId, status: 'complete', ...page }, options),
    { limit: 200 },
  )
  return {
    ...list,
    versions: list.items.flatMap(({ version, completed_at: at }) =>
      version === null || at === null ? [] : [{ version, at }],
    ),
  }
}

/** Which version of the schema; the last 200, and whichever the address names. */
export const VersionSelect = ({ clientId, label, value, onChange, unset = 'Newest' }: Props) => {
  const { versions } = useVersions(clientId)
  const known = versions.map(({ version, at }) => ({
    value: String(version),
    label: `Version ${version}, ${relativeTime(at, Date.now())}`,
  }))
  const isKnown = value === undefined || versions.some(({ version }) => version === value)
  return (
    <Select
      label={label}
      value={value === undefined ? '' : String(value)}
      options={[
        { value: '', label: unset },
        ...(isKnown ? [] : [{ value: String(value), label: `Version ${value}` }]),
        ...known,
      ]}
      onChange={(chosen) => onChange(chosen === '' ? undefined : Number(chosen))}
    />
  )
}

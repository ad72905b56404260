import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useCallback } from 'react'
import { type ListedField, type SnapshotFields } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Loaded, Loading } from '../../ui/states.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'
import { FieldDetail } from './field-detail.tsx'

const PAGE = 200

interface Props {
  clientId: string
  version: number | undefined
  object: string
  query: string
  field: string | null
  onQuery: (query: string) => void
  onField: (field: string | null) => void
}

export const ObjectPane = ({
  clientId,
  version,
  object,
  query,
  field,
  onQuery,
  onField,
}: Props) => {
  const fields = useList<ListedField, SnapshotFields>(
    clientKey(clientId, 'fields', version, object, query),
    (page, options) =>
      engine.topology.fields(
        {
          client_id: clientId,
          object,
          ...(version === undefined ? {} : { version }),
          ...(query === '' ? {} : { query }),
          ...page,
        },
        options,
      ),
    { limit: PAGE },
  )
  // Whole, with everything that Salesforce says about it: one object, and only when it is open.
  const describe = useQuery({
    queryKey: clientKey(clientId, 'describe', version, object),
    queryFn: async ({ signal }) => {
      const { objects } = await engine.topology.get(
        {
          client_id: clientId,
          objects: [object],
          include: ['objects', 'fields', 'record_types'],
          ...(version === undefined ? {} : { version }),
        },
        { signal },
      )
      return Object.values(objects ?? {})[0] ?? null
    },
  })
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = fields
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const changeQuery = useCallback((text: string) => onQuery(text), [onQuery])
  return (
    <section className="schema-object" aria-label={object}>
      <header>
        <Link
          from="/clients/$clientId/schema"
          to="."
          search={({ object: _, field: __, fq: ___, ...rest }) => rest}
          className="schema-back small"
        >
          ← All objects
        </Link>
        <h2>
          <Foreign>{describe.data?.label ?? object}</Foreign>{' '}
          <span className="muted">
            <Foreign mono>{object}</Foreign>
          </span>
        </h2>
        <p className="small muted">
          {describe.data === undefined || describe.data === null
            ? ' '
            : [
                describe.data.custom === true ? 'Custom object' : 'Standard object',
                describe.data.keyPrefix && `key prefix ${describe.data.keyPrefix}`,
                recordTypesOf(describe.data.recordTypeInfos),
              ]
                .filter(Boolean)
                .join(' · ')}
        </p>
      </header>
      {field !== null && (
        <FieldDetail describe={describe} field={field} onClose={() => onField(null)} />
      )}
      <SearchField label="Find a field of this object" value={query} onChange={changeQuery} />
      <Loaded query={fields} loading={<Loading lines={10} />}>
        {({ pages: [first] }) =>
          fields.items.length === 0 ? (
            <Empty title="No such field">
              <p>No field has that in its API name or label.</p>
            </Empty>
          ) : (
            <>
              <p className="small muted" role="status">
                {counted(first?.total ?? 0, 'field')}
              </p>
              <DataTable
                label={`Fields of ${object}`}
                rows={fields.items}
                columns={COLUMNS}
                rowKey={({ api_name: name }) => name}
                chosenKey={field}
                total={first?.total}
                onOpen={({ api_name: name }) => onField(name)}
                onEnd={more}
              />
            </>
          )
        }
      </Loaded>
    </section>
  )
}

/** Every object has a master record type, which nobody made. */
const recordTypesOf = (
  infos: readonly { master?: boolean; name: string }[] = [],
): string | null => {
  const names = infos.filter(({ master }) => master !== true).map(({ name }) => name)
  return names.length === 0 ? null : `${counted(names.length, 'record type')}: ${names.join(', ')}`
}

const Marks = ({ required, unique, external_id: external, calculated }: ListedField) =>
  [required && 'required', unique && 'unique', external && 'external id', calculated && 'formula']
    .filter(Boolean)
    .join(', ')

const Type = ({
  type,
  length,
  reference_to: targets,
  picklist_values_count: values,
}: ListedField) => {
  const more =
    targets.length > 0
      ? `→ ${targets.join(', ')}`
      : values > 0
        ? counted(values, 'value')
        : length !== null && length > 0
          ? count(length)
          : ''
  return (
    <span title={more}>
      {type} <span className="muted">{more}</span>
    </span>
  )
}

const COLUMNS: readonly Column<ListedField>[] = [
  {
    id: 'name',
    header: 'API name',
    width: 'minmax(8rem, 1.3fr)',
    cell: ({ api_name: name, label }) => (
      <span title={label ?? undefined}>
        <Foreign mono>{name}</Foreign>
      </span>
    ),
  },
  {
    id: 'label',
    header: 'Label',
    width: 'minmax(7rem, 1fr)',
    wideOnly: true,
    cell: ({ label }) => label !== null && <Foreign>{label}</Foreign>,
  },
  { id: 'type', header: 'Type', width: 'minmax(8rem, 1.1fr)', cell: Type },
  {
    id: 'marks',
    header: '',
    width: 'minmax(6rem, 0.8fr)',
    wideOnly: true,
    cell: (field) => (
      <span className="muted">
        <Marks {...field} />
      </span>
    ),
  },
]

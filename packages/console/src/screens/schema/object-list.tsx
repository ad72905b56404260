import { useCallback } from 'react'
import { type ListedObject, type SnapshotObjects } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { problemOf } from '../../api/problems.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Empty, Loaded, Loading } from '../../ui/states.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'

const PAGE = 200

interface Props {
  clientId: string
  version: number | undefined
  query: string
  chosen: string | null
  onOpen: (object: string) => void
}

export const ObjectList = ({ clientId, version, query, chosen, onOpen }: Props) => {
  const objects = useList<ListedObject, SnapshotObjects>(
    clientKey(clientId, 'objects', version, query),
    (page, options) =>
      engine.topology.objects(
        {
          client_id: clientId,
          ...(version === undefined ? {} : { version }),
          ...(query === '' ? {} : { query }),
          ...page,
        },
        options,
      ),
    { limit: PAGE },
  )
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = objects
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  if (objects.error !== null && problemOf(objects.error).code === 'no_snapshot') {
    return (
      <Empty title="Nothing captured yet">
        <p>Capture the schema on the overview of this client first.</p>
      </Empty>
    )
  }
  return (
    <Loaded query={objects} loading={<Loading lines={10} />}>
      {({ pages: [first] }) =>
        objects.items.length === 0 ? (
          <Empty title="No such object">
            <p>No object has that in its API name.</p>
          </Empty>
        ) : (
          <>
            <p className="small muted" role="status">
              {counted(first?.total ?? 0, 'object')}
            </p>
            <DataTable
              label="Objects"
              rows={objects.items}
              columns={COLUMNS}
              rowKey={({ api_name: name }) => name}
              chosenKey={chosen}
              total={first?.total}
              onOpen={({ api_name: name }) => onOpen(name)}
              onEnd={more}
            />
          </>
        )
      }
    </Loaded>
  )
}

const COLUMNS: readonly Column<ListedObject>[] = [
  {
    id: 'name',
    header: 'Object',
    width: 'minmax(8rem, 1fr)',
    cell: ({ api_name: name, label }) => (
      <span title={label ?? undefined}>
        <Foreign mono>{name}</Foreign>
      </span>
    ),
  },
  {
    id: 'fields',
    header: 'Fields',
    width: '4rem',
    align: 'end',
    cell: ({ fields_count: fields }) => count(fields),
  },
]

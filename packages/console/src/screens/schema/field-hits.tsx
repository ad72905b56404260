import { useCallback } from 'react'
import { type ClientHits, type SearchHit, type SearchResult } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Empty, Loaded, Loading } from '../../ui/states.tsx'
import { counted, Foreign } from '../../ui/text.tsx'

const PAGE = 200
/** With less, nearly every field of the org would be a hit. */
const LEAST = 2

interface Props {
  clientId: string
  query: string
  onOpen: (object: string, field: string) => void
}

/** Fields of all objects whose API name has the text in it. */
export const FieldHits = ({ clientId, query, onOpen }: Props) => {
  const isLongEnough = query.length >= LEAST
  const found = useList<ClientHits, SearchResult>(
    clientKey(clientId, 'field hits', query),
    (page, options) =>
      engine.fleet.search(
        { kind: 'field', name: `*${query}*`, selector: { client_ids: [clientId] }, ...page },
        options,
      ),
    { limit: PAGE, enabled: isLongEnough },
  )
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  if (!isLongEnough) return <p className="hint">At least two letters of the API name.</p>
  const hits = found.items.flatMap((client) => client.hits)
  return (
    <Loaded query={found} loading={<Loading lines={10} />}>
      {({ pages: [first] }) =>
        hits.length === 0 ? (
          <Empty title="No such field">
            <p>No field has that in its API name.</p>
          </Empty>
        ) : (
          <>
            <p className="small muted" role="status">
              {counted(first?.totals.hits ?? 0, 'field')}
            </p>
            <DataTable
              label="Fields found"
              rows={hits}
              columns={COLUMNS}
              rowKey={({ object, name }) => `${object} ${name}`}
              total={first?.totals.hits}
              onOpen={({ object, name }) => onOpen(object ?? '', name)}
              onEnd={more}
            />
          </>
        )
      }
    </Loaded>
  )
}

const COLUMNS: readonly Column<SearchHit>[] = [
  {
    id: 'field',
    header: 'Field',
    width: 'minmax(8rem, 1fr)',
    cell: ({ object, name, label }) => (
      <span title={label ?? undefined}>
        <Foreign mono>{`${object}.${name}`}</Foreign>
      </span>
    ),
  },
]

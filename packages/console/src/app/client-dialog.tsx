import { type Client } from '@sfdc-engine-x/client'
import { useCallback, useState } from 'react'
import { engine } from '../api/engine.ts'
import { useList } from '../api/queries.ts'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Empty, Loaded } from '../ui/states.tsx'
import { Absent, Foreign } from '../ui/text.tsx'
import { textOfTags } from './tags.ts'

const PAGE = 100

/** A dialog to choose one of many clients by name or domain. */
export const ClientDialog = ({
  open,
  onClose,
  title,
  onChoose,
}: {
  open: boolean
  onClose: () => void
  title: string
  onChoose: (client: Client) => void
}) => (
  <Dialog open={open} onClose={onClose} title={title}>
    <Choice
      onChoose={(client) => {
        onChoose(client)
        onClose()
      }}
    />
  </Dialog>
)

const Choice = ({ onChoose }: { onChoose: (client: Client) => void }) => {
  const [query, setQuery] = useState('')
  const clients = useList<Client>(
    ['clients', query],
    (page, options) =>
      engine.clients.list({ ...(query === '' ? {} : { query }), ...page }, options),
    { limit: PAGE },
  )
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = clients
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  return (
    <div className="stack choose-client">
      <SearchField label="Name or domain" value={query} onChange={setQuery} />
      <Loaded query={clients}>
        {() =>
          clients.items.length === 0 ? (
            <Empty title="No such client" />
          ) : (
            <DataTable
              label="Clients; Enter chooses"
              rows={clients.items}
              columns={COLUMNS}
              rowKey={({ id }) => id}
              onOpen={onChoose}
              onEnd={more}
            />
          )
        }
      </Loaded>
    </div>
  )
}

const COLUMNS: readonly Column<Client>[] = [
  {
    id: 'name',
    header: 'Client',
    width: 'minmax(8rem, 1.5fr)',
    cell: ({ name }) => (
      <span title={name}>
        <Foreign>{name}</Foreign>
      </span>
    ),
  },
  {
    id: 'domain',
    header: 'Domain, or id',
    width: 'minmax(7rem, 1fr)',
    cell: ({ domain, id }) => (
      <span className="muted" title={id}>
        <Foreign mono={domain === null}>{domain ?? id.slice(-12)}</Foreign>
      </span>
    ),
  },
  {
    id: 'tags',
    header: 'Tags',
    width: 'minmax(6rem, 1fr)',
    cell: ({ tags }) => {
      const text = textOfTags(tags)
      return text === '' ? (
        <Absent />
      ) : (
        <span className="muted">
          <Foreign>{text}</Foreign>
        </span>
      )
    },
  },
]

import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type Event } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { allowed } from '../../app/allowed.tsx'
import { ChoiceFilter, ClientFilter, PeriodFilter } from '../../app/list-filters.tsx'
import { ClientName } from '../../app/names.tsx'
import { filled } from '../../app/params.ts'
import { timeRangeOf } from '../../app/period.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Section } from '../../ui/layout.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { CodeBlock, Moment } from '../../ui/text.tsx'
import { eventInWords, EVENT_TYPES } from '../webhooks/words.ts'
import { type EventsSearch } from './search.ts'

const route = getRouteApi('/_app/events')
const LOOK_MS = 10_000

const COLUMNS: readonly Column<Event>[] = [
  {
    id: 'at',
    header: 'When',
    width: '13.5rem',
    cell: ({ timestamp }) => <Moment at={timestamp} />,
  },
  {
    id: 'type',
    header: 'What',
    width: 'minmax(8rem, 2fr)',
    cell: ({ type }) => eventInWords(type),
  },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
]

export const Screen = allowed('events.read', () => {
  const { event: openId, ...search } = route.useSearch()
  const navigate = useNavigate()
  const go = (more: EventsSearch) =>
    void navigate({ to: '/events', search: filled(more), replace: true, resetScroll: false })
  const list = useList(
    ['events', search],
    (page, options) =>
      engine.events.list(
        {
          ...page,
          ...(search.client === undefined ? {} : { client_id: search.client }),
          ...(search.type === undefined ? {} : { types: [search.type] }),
          ...timeRangeOf(search),
        },
        options,
      ),
    { refetchInterval: LOOK_MS },
  )
  const open = list.items.find(({ id }) => id === openId)
  const isFiltered = Object.keys(search).length > 0
  return (
    <ListPage
      title="Events"
      lead="What happened in the last 30 days. Newest first."
      filters={
        <>
          <ClientFilter value={search.client} onChange={(client) => go({ ...search, client })} />
          <ChoiceFilter
            label="What"
            words={EVENT_TYPES}
            value={search.type}
            onChange={(type) => go({ ...search, type })}
          />
          <PeriodFilter value={search} onChange={(period) => go({ ...search, ...period })} />
          {isFiltered && (
            <Button look="quiet" onClick={() => go({})}>
              Show all
            </Button>
          )}
        </>
      }
      query={list}
      label="Events"
      columns={COLUMNS}
      chosenKey={open?.id ?? null}
      onOpen={({ id }) => go({ ...search, event: id })}
      empty={<Empty title={isFiltered ? 'Nothing fits the filters' : 'Nothing happened yet'} />}
    >
      {open !== undefined && (
        <Section title={eventInWords(open.type)}>
          <CodeBlock label={open.type} code={JSON.stringify(open, null, 2)} />
        </Section>
      )}
    </ListPage>
  )
})

import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type Event } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { Allowed } from '../../app/allowed.tsx'
import { ClientFilter, PeriodFilter } from '../../app/list-filters.tsx'
import { ClientName } from '../../app/names.tsx'
import { timeRangeOf } from '../../app/period.ts'
import { Button } from '../../ui/button.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { Page, Section, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { CodeBlock, Moment } from '../../ui/text.tsx'
import { eventInWords, EVENT_TYPES } from '../webhooks/words.ts'
import { type EventsSearch, isEventType } from './search.ts'

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

const TYPES = [
  { value: '', label: 'All' },
  ...Object.entries(EVENT_TYPES).map(([value, label]) => ({ value, label })),
]

export const Screen = () => (
  <Allowed permission="events.read">
    <Content />
  </Allowed>
)

const Content = () => {
  const { event: openId, ...search } = route.useSearch()
  const navigate = useNavigate()
  const go = (more: EventsSearch) => {
    const kept = Object.entries(more).filter(([, value]) => value !== undefined && value !== '')
    void navigate({
      to: '/events',
      search: Object.fromEntries(kept),
      replace: true,
      resetScroll: false,
    })
  }
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
    <Page title="Events" lead="What happened in the last 30 days. Newest first.">
      <Toolbar label="Filters">
        <ClientFilter value={search.client} onChange={(client) => go({ ...search, client })} />
        <Select
          label="What"
          options={TYPES}
          value={search.type ?? ''}
          onChange={(type) => go({ ...search, type: isEventType(type) ? type : undefined })}
        />
        <PeriodFilter value={search} onChange={(period) => go({ ...search, ...period })} />
        {isFiltered && (
          <Button look="quiet" onClick={() => go({})}>
            Show all
          </Button>
        )}
      </Toolbar>
      <Loaded query={list}>
        {() => (
          <DataTable
            label="Events"
            rows={list.items}
            columns={COLUMNS}
            rowKey={({ id }) => id}
            chosenKey={open?.id ?? null}
            onOpen={({ id }) => go({ ...search, event: id })}
            onEnd={() => {
              if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
            }}
            empty={
              <Empty title={isFiltered ? 'Nothing fits the filters' : 'Nothing happened yet'} />
            }
          />
        )}
      </Loaded>
      {open !== undefined && (
        <Section title={eventInWords(open.type)}>
          <CodeBlock label={open.type} code={JSON.stringify(open, null, 2)} />
        </Section>
      )}
    </Page>
  )
}

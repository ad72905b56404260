// How all clients are, the worst first.

import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type QueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { type ClientHealth, type FleetHealth, type RiskLevel } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { listQuery, useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { hrefOf } from '../../app/href.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { Page, Toolbar } from '../../ui/layout.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { count } from '../../ui/text.tsx'
import { COLUMNS } from './columns.tsx'
import { type BoardFilters, filtersOf, requestOf, RISKS } from './filters.ts'
import { LIMIT } from './first.ts'
import './board.css'

const route = getRouteApi('/_app/')
const LOOK_MS = 30_000

const ENVIRONMENTS = [
  { value: '', label: 'All environments' },
  { value: 'production', label: 'Production' },
  { value: 'sandbox', label: 'Sandbox' },
] as const

const CAUSES = [
  { value: '', label: 'Anything' },
  ...Object.entries(RISKS).map(([value, label]) => ({ value, label })),
]

const listOf = (filters: BoardFilters): Parameters<typeof listQuery<ClientHealth, FleetHealth>> => [
  ['board', filters],
  (page, options) => engine.fleet.health({ ...requestOf(filters), ...page }, options),
  { limit: LIMIT, refetchInterval: LOOK_MS },
]

/** Asks for the clients while the page itself is still to come. */
export const begin = (queryClient: QueryClient, filters: BoardFilters): void =>
  void queryClient.prefetchInfiniteQuery(listQuery(...listOf(filters)))

export const Screen = () => {
  const filters = route.useSearch()
  const navigate = useNavigate({ from: '/' })
  const mayCreate = useMay('org.manage')
  const list = useList(...listOf(filters))
  const change = useCallback(
    (changes: { [Name in keyof BoardFilters]: string }) =>
      void navigate({
        search: (before) => filtersOf({ ...before, ...changes }),
        replace: true,
      }),
    [navigate],
  )
  const changeName = useCallback((q: string) => change({ q }), [change])
  const changeTag = useCallback((tag: string) => change({ tag }), [change])
  const open = useCallback(
    ({ client_id: clientId }: ClientHealth) =>
      void navigate({ to: '/clients/$clientId', params: { clientId } }),
    [navigate],
  )
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const totals = list.data?.pages[0]?.totals
  const isFiltered = Object.keys(filters).length > 0

  return (
    <Page
      title="Clients"
      actions={
        mayCreate && (
          <a href={hrefOf('/clients/new', {})} className="button">
            New client
          </a>
        )
      }
    >
      <Levels totals={totals} filters={filters} />
      <Toolbar label="Filters">
        <SearchField label="Name" value={filters.q ?? ''} onChange={changeName} />
        <SearchField
          label="Tag"
          placeholder="tier=gold"
          list="board-tags"
          value={filters.tag ?? ''}
          onChange={changeTag}
        />
        <datalist id="board-tags">
          {tagsOf(list.items).map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
        <Select
          label="Environment"
          options={ENVIRONMENTS}
          value={filters.environment ?? ''}
          onChange={(environment) => change({ environment })}
        />
        <Select
          label="What is wrong"
          options={CAUSES}
          value={filters.code ?? ''}
          onChange={(code) => change({ code })}
        />
        {isFiltered && (
          <Link to="/" search={{}} className="button quiet">
            Clear filters
          </Link>
        )}
      </Toolbar>
      {list.data === undefined ? (
        list.error === null ? (
          <Loading lines={12} />
        ) : (
          <Failed error={list.error} retry={() => void list.refetch()} />
        )
      ) : list.items.length === 0 ? (
        <Nobody isFiltered={isFiltered} mayCreate={mayCreate} />
      ) : (
        <DataTable
          label="Clients"
          rows={list.items}
          columns={COLUMNS}
          rowKey={keyOf}
          onOpen={open}
          onEnd={more}
          reuses
        />
      )}
    </Page>
  )
}

const keyOf = ({ client_id: id }: ClientHealth): string => id

/** Of the clients that are loaded. */
const tagsOf = (clients: readonly ClientHealth[]): string[] =>
  [
    ...new Set(
      clients.flatMap(({ tags }) => Object.entries(tags).map(([key, value]) => `${key}=${value}`)),
    ),
  ].toSorted()

const LEVELS: readonly { risk?: 'critical' | 'warning' | 'notice'; label: string }[] = [
  { label: 'All' },
  { risk: 'critical', label: 'Critical' },
  { risk: 'warning', label: 'Warning or worse' },
  { risk: 'notice', label: 'Anything to do' },
]

/** So many clients are at least as bad. */
const countOf = (totals: Record<RiskLevel, number>, risk?: RiskLevel): number => {
  const { critical, warning, notice, none } = totals
  switch (risk) {
    case 'critical':
      return critical
    case 'warning':
      return critical + warning
    case 'notice':
      return critical + warning + notice
    default:
      return critical + warning + notice + none
  }
}

const Levels = ({
  totals,
  filters,
}: {
  totals: Record<RiskLevel, number> | undefined
  filters: BoardFilters
}) => (
  <nav className="tabs" aria-label="How bad">
    {LEVELS.map(({ risk, label }) => {
      const isCurrent = filters.risk === risk
      const { risk: _, ...rest } = filters
      return (
        <a
          key={label}
          href={hrefOf('/', {}, risk === undefined ? rest : { ...rest, risk })}
          className={isCurrent ? 'board-level current' : 'board-level'}
          aria-current={isCurrent ? 'page' : undefined}
        >
          {label}{' '}
          <span className="number muted">
            {totals === undefined ? '' : count(countOf(totals, risk))}
          </span>
        </a>
      )
    })}
  </nav>
)

const Nobody = ({ isFiltered, mayCreate }: { isFiltered: boolean; mayCreate: boolean }) =>
  isFiltered ? (
    <Empty title="No client is like that">
      <p>Nothing fits all filters at once.</p>
      <Link to="/" search={{}}>
        Clear filters
      </Link>
    </Empty>
  ) : (
    <Empty title="No clients yet">
      <p>A client is a customer whose Salesforce org you work in.</p>
      {mayCreate && <Link to="/clients/new">Create the first one</Link>}
    </Empty>
  )

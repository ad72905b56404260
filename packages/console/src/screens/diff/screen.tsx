// What differs between two moments of a client's Salesforce org, or between the orgs of two clients.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { type TopologyDiff, type TopologyDiffRequest } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, clientQuery } from '../../api/queries.ts'
import { ClientDialog } from '../../app/client-dialog.tsx'
import { useVersions, VersionSelect } from '../../app/version-select.tsx'
import { Button } from '../../ui/button.tsx'
import { Page, Toolbar } from '../../ui/layout.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Loaded, Loading } from '../../ui/states.tsx'
import { Foreign } from '../../ui/text.tsx'
import { DiffTable } from './diff-table.tsx'
import { linesOf, linesWith } from './lines.ts'
import { type DiffSearch } from './address.ts'
import { Summary } from './summary.tsx'
import './diff.css'

const route = getRouteApi('/_app/clients/$clientId/diff')
const PAGE = 1_000

export const Screen = () => {
  const { clientId } = route.useParams()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/clients/$clientId/diff' })
  const [picking, setPicking] = useState(false)
  const versions = useVersions(clientId)
  const otherId = search.with ?? null
  const newest = versions.versions[0]?.version
  const to = otherId === null ? (search.to ?? newest) : search.to
  const from = search.from ?? (otherId === null ? versions.versions[1]?.version : newest)
  const change = useCallback(
    (changes: { [Name in keyof DiffSearch]: DiffSearch[Name] | undefined }) =>
      void navigate({ search: (before) => present({ ...before, ...changes }), replace: true }),
    [navigate],
  )
  const changeQuery = useCallback((q: string) => change({ q: q || undefined }), [change])
  return (
    <Page title="Compare">
      <Toolbar label="What is compared">
        <VersionSelect
          clientId={clientId}
          label="From"
          unset={otherId === null ? 'The one before' : 'Newest'}
          value={search.from}
          onChange={(version) => change({ from: version })}
        />
        <VersionSelect
          key={otherId}
          clientId={otherId ?? clientId}
          label="To"
          value={search.to}
          onChange={(version) => change({ to: version })}
        />
        {otherId === null ? (
          <Button look="quiet" onClick={() => setPicking(true)}>
            Compare with a different client
          </Button>
        ) : (
          <OtherClient
            clientId={otherId}
            onRemove={() => change({ with: undefined, to: undefined })}
          />
        )}
        <div className="diff-search">
          <SearchField label="Find in it" value={search.q ?? ''} onChange={changeQuery} />
        </div>
      </Toolbar>
      <ClientDialog
        open={picking}
        onClose={() => setPicking(false)}
        title="Compare with a different client"
        onChoose={({ id }) => change({ with: id === clientId ? undefined : id, to: undefined })}
      />
      <Loaded query={versions} loading={<Loading lines={8} />}>
        {() =>
          from === undefined ? (
            <TooFew count={versions.versions.length} />
          ) : (
            <Comparison
              request={{
                client_id: clientId,
                from_version: from,
                ...(to === undefined ? {} : { to_version: to }),
                ...(otherId === null ? {} : { to_client_id: otherId }),
              }}
              query={search.q ?? ''}
            />
          )
        }
      </Loaded>
    </Page>
  )
}

const present = (search: { [Name in keyof DiffSearch]: DiffSearch[Name] | undefined }) =>
  Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined),
  ) as DiffSearch

const OtherClient = ({ clientId, onRemove }: { clientId: string; onRemove: () => void }) => {
  const { data } = useQuery(clientQuery(clientId))
  return (
    <p className="diff-other small">
      of <strong>{data === undefined ? '…' : <Foreign>{data.name}</Foreign>}</strong>
      <Button look="quiet" onClick={onRemove}>
        Only this client
      </Button>
    </p>
  )
}

const TooFew = ({ count }: { count: number }) => (
  <Empty title={count === 0 ? 'Nothing captured yet' : 'Only one snapshot so far'}>
    <p>
      {count === 0
        ? 'Capture the schema on the overview of this client first.'
        : 'Capture the schema again, or compare with a different client.'}
    </p>
  </Empty>
)

const Comparison = ({ request, query }: { request: TopologyDiffRequest; query: string }) => {
  const diff = useInfiniteQuery({
    queryKey: clientKey(request.client_id, 'diff', request),
    queryFn: ({ pageParam, signal }): Promise<TopologyDiff> =>
      engine.topology.diff(
        { ...request, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor: next }) => next,
    // Two snapshots never change.
    staleTime: request.to_version === undefined ? 0 : Infinity,
  })
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = diff
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const pages = diff.data?.pages
  const lines = useMemo(() => linesWith((pages ?? []).flatMap(linesOf), query), [pages, query])
  return (
    <Loaded query={diff} loading={<Loading lines={10} />}>
      {({ pages: [first] }) =>
        first === undefined ? null : (
          <>
            <Summary diff={first} />
            {first.objects.length + first.automations.length === 0 ? null : lines.length === 0 ? (
              <Empty title="Nothing fits">
                <p>
                  {hasNextPage
                    ? 'Nothing that is loaded so far has that in its name.'
                    : 'No difference has that in its name.'}
                </p>
                {hasNextPage && (
                  <Button pending={isFetchingNextPage} onClick={more}>
                    Load more
                  </Button>
                )}
              </Empty>
            ) : (
              <DiffTable lines={lines} onEnd={more} />
            )}
          </>
        )
      }
    </Loaded>
  )
}

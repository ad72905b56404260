// What several screens ask. A screen with questions of its own keeps them in its folder, built from
// `useList` and `useWork`.

import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  type QueryKey,
  useInfiniteQuery,
  useQuery,
} from '@tanstack/react-query'
import {
  type CallOptions,
  type OperationKind,
  type Page,
  type Pages,
  type WorkReference,
  type WorkResources,
} from '@sfdc-engine-x/client'
import { engine } from './engine.ts'

/** Everything about a client begins with this key, so that it can be read again after a change. */
export const clientKey = (clientId: string, ...more: readonly unknown[]): QueryKey => [
  'client',
  clientId,
  ...more,
]

export const clientQuery = (clientId: string) =>
  queryOptions({
    queryKey: clientKey(clientId, 'detail'),
    queryFn: ({ signal }) => engine.clients.get({ client_id: clientId }, { signal }),
  })

/** Null: the client has never been connected. */
export const connectionQuery = (clientId: string) =>
  queryOptions({
    queryKey: clientKey(clientId, 'connection'),
    queryFn: async ({ signal }) => {
      const { items } = await engine.connections
        .list({ client_id: clientId, limit: 1 }, { signal })
        .page()
      return items[0] ?? null
    },
  })

/** How often running work is looked at. */
const LOOK_MS = 1_500

interface PageOf {
  limit: number
  cursor?: string
}

/**
 * A list, page after page. While the answer to changed filters is on its way, the former items stay.
 * `list` is a method of the engine with its filters: `(page, options) => engine.push.list({ client_id,
 * ...page }, options)`.
 */
export const useList = <Item, One extends Page<Item> = Page<Item>>(
  ...of: Parameters<typeof listQuery<Item, One>>
) => {
  const query = useInfiniteQuery(listQuery(...of))
  return { ...query, items: query.data?.pages.flatMap(({ items }) => items) ?? [] }
}

/** What `useList` reads, for whoever begins to read it before the page is there. */
export const listQuery = <Item, One extends Page<Item> = Page<Item>>(
  queryKey: QueryKey,
  list: (page: PageOf, options: CallOptions) => Pages<Item, One>,
  { limit = 100, enabled = true, staleTime, refetchInterval, refetchWhile }: ListOptions<Item> = {},
) =>
  infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      list({ limit, ...(pageParam === null ? {} : { cursor: pageParam }) }, { signal }).page(),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor: next }) => next,
    placeholderData: keepPreviousData,
    enabled,
    // Not undefined, which would be none: what was read ahead would be read again.
    ...(staleTime === undefined ? {} : { staleTime }),
    refetchInterval: ({ state: { data } }) =>
      refetchWhile !== undefined && data?.pages.some(({ items }) => items.some(refetchWhile))
        ? LOOK_MS
        : (refetchInterval ?? false),
  })

export interface ListOptions<Item> {
  /** Of one page. */
  limit?: number
  enabled?: boolean
  /** Infinity for what no longer changes: it may be a hundred pages, which would all be read again. */
  staleTime?: number
  /** In milliseconds. */
  refetchInterval?: number
  /** Read again and again while an item is like that: while work in it goes on. */
  refetchWhile?: (item: Item) => boolean
}

/** Work that goes on at the server, looked at until it has ended. `reference` is that of an operation. */
export const useWork = <Kind extends OperationKind>(
  reference: (WorkReference & { readonly kind: Kind }) | null,
) =>
  useQuery({
    queryKey: ['work', reference?.kind, reference?.id],
    queryFn: async ({ signal }): Promise<WorkResources[Kind]> => {
      if (reference === null) throw new Error('no work to look at')
      return (await engine.operation(reference, { signal })).state
    },
    enabled: reference !== null,
    refetchInterval: ({ state: { data } }) => (data?.is_final === true ? false : LOOK_MS),
  })

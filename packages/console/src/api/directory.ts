// Names for the ids that lists show: all clients, and all users, of the organization, read once.

import { queryOptions, useQuery } from '@tanstack/react-query'
import { type Client, type Pages, type User } from '@sfdc-engine-x/client'
import { engine } from './engine.ts'
import { useMay } from './session.ts'

/** Names change rarely. */
const STALE_MS = 60_000
const PAGE = 200

/** All items of a list, whatever its length. */
export const everything = async <Item>(pages: Pages<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of pages) all.push(item)
  return all
}

/** Every client that the user sees, by name. */
export const clientsQuery = queryOptions({
  queryKey: ['clients', 'all'],
  queryFn: async ({ signal }): Promise<readonly Client[]> => {
    const clients = await everything(engine.clients.list({ limit: PAGE }, { signal }))
    return clients.sort((one, other) =>
      one.name.localeCompare(other.name, undefined, { numeric: true }),
    )
  },
  staleTime: STALE_MS,
})

export const usersQuery = queryOptions({
  queryKey: ['users', 'all'],
  queryFn: ({ signal }): Promise<readonly User[]> =>
    everything(engine.users.list({ limit: PAGE }, { signal })),
  staleTime: STALE_MS,
})

const byId =
  <Item extends { id: string }>(nameOf: (item: Item) => string) =>
  (items: readonly Item[]): ReadonlyMap<string, string> =>
    new Map(items.map((item) => [item.id, nameOf(item)]))

// Once, so that a list of names is made once for a list of clients.
const namesOfClients = byId(({ name }: Client) => name)
const namesOfUsers = byId(({ email }: User) => email)

/** What tells clients of one name apart, by their ids: the domain, or else the end of the id. */
export const marksOf = (clients: readonly Client[]): ReadonlyMap<string, string> => {
  const alike = Map.groupBy(clients, ({ name }) => name)
  return new Map(
    [...alike.values()]
      .filter(({ length }) => length > 1)
      .flatMap((namesakes) =>
        namesakes.map(({ id, domain }) => {
          const tells = namesakes.filter((one) => one.domain === domain).length === 1
          return [id, tells && domain !== null ? domain : id.slice(-12)] as const
        }),
      ),
  )
}

/** What tells this client from others of its name; null where there are none, or not known yet. */
export const useClientMark = (id: string | undefined): string | null => {
  const { data } = useQuery({ ...clientsQuery, select: marksOf })
  return (id === undefined ? undefined : data?.get(id)) ?? null
}

/** The name of a client by its id; null while it is not known, or if it no longer exists. */
export const useClientNames = (): ((id: string) => string | null) => {
  const { data } = useQuery({ ...clientsQuery, select: namesOfClients })
  return (id) => data?.get(id) ?? null
}

/** The e-mail address of a user by its id; null while it is not known, or to whoever may not see it. */
export const useUserNames = (): ((id: string) => string | null) => {
  const enabled = useMay('org.manage')
  const { data } = useQuery({ ...usersQuery, select: namesOfUsers, enabled })
  return (id) => data?.get(id) ?? null
}

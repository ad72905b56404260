// Who is signed in, and signing in and out. With plain requests: the page to sign in needs no client library,
// which comes with the first screen.

import { queryOptions, type QueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { fetchOnce } from './ahead.ts'
import { type AuthMeResponse, type Permission, type Problem } from '@sfdc-engine-x/client'

export type Me = AuthMeResponse

/** Null: nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return (await ask('/api/auth/me', { signal })) as Me
    } catch (error) {
      if (error instanceof ServerRefusal && error.problem.status === 401) return null
      throw error
    }
  },
  staleTime: 60_000,
})

/** For everything below the shell, which shows nothing else before it knows. */
export const useMe = (): Me => {
  const { data } = useSuspenseQuery(meQuery)
  if (data === null) throw new Error('nobody is signed in')
  return data
}

/** Whether the user has the permission: without it, a button is not shown. */
export const useMay = (permission: Permission): boolean => useMe().permissions.includes(permission)

/** Refused in the server's own words. */
export class ServerRefusal extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

const ask = async (path: string, init: RequestInit): Promise<unknown> => {
  const answer = await fetchOnce(path, init)
  const type = answer.headers.get('content-type') ?? ''
  if (type.startsWith('application/problem+json')) {
    throw new ServerRefusal((await answer.json()) as Problem)
  }
  if (answer.ok && type.startsWith('application/json')) return answer.json()
  throw new Error(`The server answered ${answer.status} with something that is not of this API.`)
}

export const signIn = async (
  client: QueryClient,
  login: { email: string; password: string } | { session: string },
): Promise<void> => {
  await ask('/console/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(login),
  })
  client.clear() // what a different user may have left
}

export const signOut = async (client: QueryClient): Promise<void> => {
  await ask('/console/session', { method: 'DELETE' })
  client.clear()
  client.setQueryData(meQuery.queryKey, null)
}

const LINK = /^#session=([\w.-]+)$/

/** The session that the link of the demo brings, gone from the address before anything else happens. */
export const takeSessionOfLink = (): string | null => {
  const [, found = null] = LINK.exec(location.hash) ?? []
  if (found !== null) history.replaceState(null, '', location.pathname + location.search)
  return found
}

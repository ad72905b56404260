// Who is signed in, and signing in and out.

import { queryOptions, type QueryClient, useSuspenseQuery } from '@tanstack/react-query'
import {
  type AuthMeResponse,
  type Permission,
  type Problem,
  UnauthenticatedError,
} from '@sfdc-engine-x/client'
import { engine } from './engine.ts'

export type Me = AuthMeResponse

/** Null: nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await engine.auth.me({ signal })
    } catch (error) {
      if (error instanceof UnauthenticatedError) return null
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

/** Whether the user has the permission, so that a button can say why it is not offered. */
export const useMay = (permission: Permission): boolean => useMe().permissions.includes(permission)

/** Refused in the server's own words. */
export class SignInError extends Error {
  readonly remedy: string
  readonly requestId: string
  constructor({ detail, remedy, request_id: requestId }: Problem) {
    super(detail)
    this.remedy = remedy
    this.requestId = requestId
  }
}

const session = async (method: 'POST' | 'DELETE', body?: object): Promise<void> => {
  const answer = await fetch('/console/session', {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (answer.ok) return
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json')
  if (isProblem === true) throw new SignInError((await answer.json()) as Problem)
  throw new Error(`The server answered ${answer.status} with something that is not of this API.`)
}

export const signIn = async (
  client: QueryClient,
  login: { email: string; password: string } | { session: string },
): Promise<void> => {
  await session('POST', login)
  client.clear() // what a different user may have left
}

export const signOut = async (client: QueryClient): Promise<void> => {
  await session('DELETE')
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

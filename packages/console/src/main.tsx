import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { UnauthenticatedError } from '@sfdc-engine-x/client'
import { meQuery, signIn, takeSessionOfLink } from './api/session.ts'
import { createConsoleRouter } from './app/router.tsx'
import { applyTheme, chosenTheme } from './app/theme.ts'
import { ToastArea } from './ui/toast.tsx'

const STALE_MS = 15_000

/** Long enough for a server that is near, and for somebody to see nothing of it. */
const PENDING_MS = 250

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Until no query waits for the server. */
const untilRead = (queryClient: QueryClient): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (queryClient.isFetching() > 0) return
      forget()
      resolve()
    }
    const forget = queryClient.getQueryCache().subscribe(look)
    look()
  })

const start = async (): Promise<void> => {
  const session = takeSessionOfLink()
  applyTheme(chosenTheme())

  // The session may end while a page is open: then back to signing in, and from there to the same page.
  const onError = (error: unknown): void => {
    if (!(error instanceof UnauthenticatedError)) return
    queryClient.setQueryData(meQuery.queryKey, null)
    void router.invalidate()
  }
  const queryClient: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The client library tries again by itself, where that makes sense; and it is what says that nobody
      // answers: a page that waits for the browser to be online says nothing.
      queries: {
        retry: false,
        staleTime: STALE_MS,
        networkMode: 'always',
        refetchOnReconnect: true,
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  // Asked for at once; the router needs it first.
  if (session === null) void queryClient.prefetchQuery(meQuery)
  const router = createConsoleRouter(queryClient)

  // While the server says who is signed in, the code of the page is on its way already.
  const matched = new Set<string>(
    router.matchRoutes(router.latestLocation).map(({ routeId }) => String(routeId)),
  )
  for (const route of Object.values(router.routesById)) {
    if (matched.has(route.id)) void router.loadRouteChunk(route)
  }

  // Refused: the page to sign in follows.
  if (session !== null) await signIn(queryClient, { session }).catch(() => undefined)

  // What was asked ahead is there as a rule by now, so all is drawn at once, and nothing in its place before.
  await Promise.race([router.load().then(() => untilRead(queryClient)), pause(PENDING_MS)])

  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <ToastArea>
          <RouterProvider router={router} />
        </ToastArea>
      </QueryClientProvider>
    </StrictMode>,
  )
}

await start()

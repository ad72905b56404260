import { type QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { Loading, NotFound } from '../ui/states.tsx'
import { Failure } from './failure.tsx'
import { clientRoute, rootRoute, signedInRoute } from './parents.tsx'
import { route as approval } from '../screens/approval/route.ts'
import { route as approvals } from '../screens/approvals/route.ts'
import { route as audit } from '../screens/audit/route.ts'
import { route as automations } from '../screens/automations/route.ts'
import { route as blueprints } from '../screens/blueprints/route.ts'
import { route as blueprint } from '../screens/blueprint/route.ts'
import { route as board } from '../screens/board/route.ts'
import { route as campaign } from '../screens/campaign/route.ts'
import { route as campaigns } from '../screens/campaigns/route.ts'
import { route as client } from '../screens/client/route.ts'
import { route as deployment } from '../screens/deployment/route.ts'
import { route as deployments } from '../screens/deployments/route.ts'
import { route as diff } from '../screens/diff/route.ts'
import { route as drift } from '../screens/drift/route.ts'
import { route as events } from '../screens/events/route.ts'
import { route as leaving } from '../screens/leaving/route.ts'
import { route as leavings } from '../screens/leavings/route.ts'
import { route as mappings } from '../screens/mappings/route.ts'
import { route as newClient } from '../screens/new-client/route.ts'
import { route as newPush } from '../screens/new-push/route.ts'
import { route as newRollout } from '../screens/new-rollout/route.ts'
import { route as plan } from '../screens/plan/route.ts'
import { route as push } from '../screens/push/route.ts'
import { route as pushes } from '../screens/pushes/route.ts'
import { route as rollout } from '../screens/rollout/route.ts'
import { route as rollouts } from '../screens/rollouts/route.ts'
import { route as schema } from '../screens/schema/route.ts'
import { route as search } from '../screens/search/route.ts'
import { route as signIn } from '../screens/sign-in/route.ts'
import { route as tokens } from '../screens/tokens/route.ts'
import { route as users } from '../screens/users/route.ts'
import { route as webhook } from '../screens/webhook/route.ts'
import { route as webhooks } from '../screens/webhooks/route.ts'

const routeTree = rootRoute.addChildren([
  signIn,
  signedInRoute.addChildren([
    board,
    newClient,
    clientRoute.addChildren([
      client,
      schema,
      diff,
      plan,
      deployments,
      deployment,
      pushes,
      newPush,
      push,
      mappings,
      automations,
    ]),
    blueprints,
    blueprint,
    rollouts,
    newRollout,
    rollout,
    drift,
    search,
    campaigns,
    campaign,
    leavings,
    leaving,
    approvals,
    approval,
    audit,
    users,
    tokens,
    webhooks,
    webhook,
    events,
  ]),
])

export const createConsoleRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    basepath: '/console',
    context: { queryClient },
    // A page's code is loaded when somebody is about to open it.
    defaultPreload: 'intent',
    defaultPendingMs: 250,
    // What is there is shown: no wait so that somebody sees the lines that stand for it.
    defaultPendingMinMs: 0,
    defaultPendingComponent: Loading,
    defaultErrorComponent: Failure,
    defaultNotFoundComponent: NotFound,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}

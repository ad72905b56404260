// Every route of an org's host, from the modules that answer them.

import { bulkRoutes } from './bulk/routes.ts'
import { collectionRoutes } from './records/collections.ts'
import { compositeRoutes } from './composite.ts'
import { describeRoutes } from './describe.ts'
import { type RestRoute } from './rest.ts'
import { flowInterviewRoutes } from './flow-interviews.ts'
import { listViewRoutes } from './list-views.ts'
import { deployRoutes } from './metadata/deploy/routes.ts'
import { soapRoutes } from './metadata/routes.ts'
import { assignmentRoutes } from './permission-set-assignments.ts'
import { routes as queryRoutes } from './query/routes.ts'
import { graphRoutes } from './records/graph.ts'
import { treeRoutes } from './records/tree.ts'
import { recordRoutes } from './records/single.ts'
import { resourceRoutes } from './resources.ts'
import { routes as toolingRoutes } from './tooling/routes.ts'

export const REST_ROUTES: readonly RestRoute[] = [
  ...resourceRoutes,
  ...describeRoutes,
  ...compositeRoutes,
  ...queryRoutes,
  ...toolingRoutes,
  ...assignmentRoutes,
  ...flowInterviewRoutes,
  ...listViewRoutes,
  ...recordRoutes,
  ...collectionRoutes,
  ...treeRoutes,
  ...graphRoutes,
  ...bulkRoutes,
  ...deployRoutes,
]

export const SOAP_ROUTES = soapRoutes

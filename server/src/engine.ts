// The composition root: the one place that wires things. Everything else gets what it needs as arguments
// and can exist twice in one process.

import { type FastifyInstance } from 'fastify'
import { type Logger } from 'pino'
import { createWarnOf } from './background-faults.ts'
import { type Config } from './config.ts'
import { openDatabase } from './db/database.ts'
import { migrate, pendingMigrations } from './db/migrate.ts'
import { createApprovals } from './domain/approvals/approvals.ts'
import { createAuth } from './domain/auth/auth.ts'
import { createPasswords } from './domain/auth/passwords.ts'
import { createClients } from './domain/clients.ts'
import { createConflictReports, createConflicts } from './domain/conflicts/reports.ts'
import { createConnections } from './domain/connections/connections.ts'
import { createDeployments } from './domain/deployments/deployments.ts'
import { createMappings } from './domain/mappings/mappings.ts'
import { createBindings } from './domain/fleet/blueprints/bindings.ts'
import { createBlueprints } from './domain/fleet/blueprints/blueprints.ts'
import { createPresent } from './domain/mappings/present.ts'
import { createFromClient } from './domain/fleet/blueprints/from-client.ts'
import { createDrift } from './domain/fleet/drift/drift.ts'
import { createDriftReader } from './domain/fleet/drift/reader.ts'
import { createEvents } from './domain/events/events.ts'
import { createHealthBoard } from './domain/fleet/health/board.ts'
import { createReconsent } from './domain/fleet/reconsent/reconsent.ts'
import { createOffboardings } from './domain/offboarding/offboardings.ts'
import { createContents } from './domain/fleet/rollouts/contents.ts'
import { createRollouts } from './domain/fleet/rollouts/rollouts.ts'
import { createOrganizations } from './domain/organizations.ts'
import { createPurges } from './domain/purge/purges.ts'
import { createRetention } from './domain/retention.ts'
import { createPreparation } from './domain/pushes/preparation.ts'
import { createPushes } from './domain/pushes/pushes.ts'
import { createBulkTransport } from './domain/pushes/transport/bulk.ts'
import { createClock } from './domain/pushes/transport/clock.ts'
import { createCollectionsTransport } from './domain/pushes/transport/collections.ts'
import { createComparison } from './domain/search/compare.ts'
import { createIndexer } from './domain/search/indexer.ts'
import { createSearch } from './domain/search/search.ts'
import { createTokens } from './domain/tokens.ts'
import { createTopology } from './domain/topology/topology.ts'
import { createUsers } from './domain/users.ts'
import { createCourier } from './domain/webhooks/courier.ts'
import { createDeliveries } from './domain/webhooks/deliveries.ts'
import { createEndpoints } from './domain/webhooks/endpoints.ts'
import { sealAnew } from './domain/webhooks/seal-anew.ts'
import { createSealing } from './domain/webhooks/sealing.ts'
import { createWorkflows } from './domain/workflows/workflows.ts'
import { EngineError } from './errors.ts'
import { createApp, FINISH_REQUESTS_MS } from './http/app.ts'
import { approvalRoutes } from './http/routes/approvals.ts'
import { auditRoutes } from './http/routes/audit.ts'
import { authRoutes } from './http/routes/auth.ts'
import { blueprintRoutes } from './http/routes/blueprints.ts'
import { clientRoutes } from './http/routes/clients.ts'
import { conflictRoutes } from './http/routes/conflicts.ts'
import { connectionRoutes } from './http/routes/connections.ts'
import { deployRoutes } from './http/routes/deploy.ts'
import { eventRoutes } from './http/routes/events.ts'
import { fleetHealthRoutes } from './http/routes/fleet-health.ts'
import { fleetDriftRoutes } from './http/routes/fleet-drift.ts'
import { offboardingRoutes } from './http/routes/offboarding.ts'
import { mappingRoutes } from './http/routes/mappings.ts'
import { pushRoutes } from './http/routes/push.ts'
import { searchRoutes } from './http/routes/search.ts'
import { rolloutRoutes } from './http/routes/rollouts.ts'
import { superAdminRoutes } from './http/routes/super-admin.ts'
import { systemRoutes } from './http/routes/system.ts'
import { tokenRoutes } from './http/routes/tokens.ts'
import { topologyRoutes } from './http/routes/topology.ts'
import { userRoutes } from './http/routes/users.ts'
import { webhookEndpointRoutes } from './http/routes/webhook-endpoints.ts'
import { webhookRoutes } from './http/routes/webhooks.ts'
import { workRoutes } from './http/routes/work.ts'
import { workflowChangeRoutes } from './http/routes/workflow-changes.ts'
import { workflowRoutes } from './http/routes/workflows.ts'
import { type Route } from './http/route.ts'
import { createJobs, WORK_KINDS, WORK_QUEUES, type Worker, type WorkKind } from './jobs/jobs.ts'
import { registerMcp } from './mcp/endpoint.ts'
import { createMetrics } from './metrics.ts'
import { createTracing } from './tracing.ts'
import { VERSION } from './version.ts'
import { createNango } from './nango/nango.ts'
import { createSalesforce } from './salesforce/gateway.ts'
import { createHostPolicy } from './salesforce/hosts.ts'
import { type Secret } from './secret.ts'
import { createWebhooks } from './webhooks/sender.ts'

export interface Engine extends AsyncDisposable {
  /** Every route of the server, as records: the OpenAPI document is made from them. */
  readonly routes: Route[]
  readonly http: FastifyInstance
  /** Starts the durable work and listens. Resolves with the address. */
  listen(): Promise<string>
}

/**
 * Time for clients to read the last answers, before the rest is cut off: the work must still be handed
 * over in an orderly way.
 */
const LAST_ANSWERS_MS = 2_000

type RouteDeps = Parameters<typeof systemRoutes>[0] &
  Parameters<typeof superAdminRoutes>[0] &
  Parameters<typeof authRoutes>[0] &
  Parameters<typeof clientRoutes>[0] &
  Parameters<typeof userRoutes>[0] &
  Parameters<typeof tokenRoutes>[0] &
  Parameters<typeof connectionRoutes>[0] &
  Parameters<typeof webhookRoutes>[0] &
  Parameters<typeof topologyRoutes>[0] &
  Parameters<typeof searchRoutes>[0] &
  Parameters<typeof fleetHealthRoutes>[0] &
  Parameters<typeof conflictRoutes>[0] &
  Parameters<typeof deployRoutes>[0] &
  Parameters<typeof mappingRoutes>[0] &
  Parameters<typeof pushRoutes>[0] &
  Parameters<typeof workflowChangeRoutes>[0] &
  Parameters<typeof workflowRoutes>[0] &
  Parameters<typeof rolloutRoutes>[0] &
  Parameters<typeof blueprintRoutes>[0] &
  Parameters<typeof fleetDriftRoutes>[0] &
  Parameters<typeof offboardingRoutes>[0] &
  Parameters<typeof approvalRoutes>[0] &
  Parameters<typeof workRoutes>[0] &
  Parameters<typeof eventRoutes>[0] &
  Parameters<typeof webhookEndpointRoutes>[0] &
  Parameters<typeof auditRoutes>[0]

/** Every endpoint, in the order in which the documentation shows them. */
const routesOf = (deps: RouteDeps): Route[] => [
  ...superAdminRoutes(deps),
  ...authRoutes(deps),
  ...clientRoutes(deps),
  ...userRoutes(deps),
  ...tokenRoutes(deps),
  ...connectionRoutes(deps),
  ...topologyRoutes(deps),
  ...searchRoutes(deps),
  ...fleetHealthRoutes(deps),
  ...conflictRoutes(deps),
  ...deployRoutes(deps),
  ...mappingRoutes(deps),
  ...pushRoutes(deps),
  ...workflowRoutes(deps),
  ...workflowChangeRoutes(deps),
  ...rolloutRoutes(deps),
  ...blueprintRoutes(deps),
  ...fleetDriftRoutes(deps),
  ...offboardingRoutes(deps),
  ...approvalRoutes(deps),
  ...workRoutes(deps),
  ...eventRoutes(deps),
  ...webhookEndpointRoutes(deps),
  ...auditRoutes(deps),
  ...webhookRoutes(deps),
  ...systemRoutes(deps),
]

/** The routes as records only, for the OpenAPI document: nothing behind them works. */
export const describeRoutes = (): Route[] =>
  routesOf({ metrics: createMetrics(VERSION) } as unknown as RouteDeps)

/** Migrates the database and wires the server; nothing listens and no work runs before `listen`. */
export const createEngine = async (
  config: Config,
  databaseUrl: Secret,
  logger: Logger,
): Promise<Engine> => {
  const applied = await migrate(databaseUrl)
  if (applied.length > 0) logger.info({ applied }, 'migrations')

  const { waitScale } = config
  const metrics = createMetrics(VERSION)
  const tracing = await createTracing(config.otlpEndpoint)
  const warnOf = createWarnOf(logger)
  const db = openDatabase({
    url: databaseUrl,
    tenantUrl: config.database.tenantUrl,
    maxConnections: config.database.maxConnections,
    onIdleError: (error) => warnOf('idle database connection lost', error),
  })
  metrics.watchPool('owner', db.pool)
  if (db.tenantPool !== db.pool) metrics.watchPool('tenant', db.tenantPool)
  const sealing = createSealing(config.webhooks.encryptionSecrets)
  const retention = createRetention({ db, logger, settings: config.retention })
  const indexer = createIndexer({ db, logger })
  const jobs = createJobs({
    db,
    url: databaseUrl,
    logger,
    warnOf,
    waitScale,
    alsoClean: async (signal) => {
      await retention.clean(signal)
      await sealAnew(db, sealing, signal)
    },
    alsoLook: (signal) => indexer.catchUp(signal),
    superviseSeconds: config.jobs.superviseSeconds,
    isPaused: config.jobs.isPaused,
    tracing,
    onTurnStarted: (event) => metrics.jobStarted(event),
    onTurnDone: (event) => metrics.jobDone(event),
  })
  metrics.watchInstallation({
    kinds: Object.keys(WORK_QUEUES),
    numbers: () => db.lookup('operating_numbers', config.salesforce.apiReservePercent),
    queues: () => jobs.depths(),
  })

  const passwords = createPasswords({ cost: config.auth.passwordHashCost })
  const auth = createAuth({
    db,
    passwords,
    jwtSecrets: config.auth.jwtSecrets,
    superAdminSecrets: config.auth.superAdminSecrets,
    jwtTtlSeconds: config.auth.jwtTtlSeconds,
    onBackgroundError: (error) => warnOf('use of a credential not noted', error),
  })
  const organizations = createOrganizations(db)
  const clients = createClients(db)
  const users = createUsers(db, passwords)
  const tokens = createTokens(db)
  const approvals = createApprovals({ db, secrets: config.auth.idempotencySecrets })

  const hosts = createHostPolicy(config.salesforce.hostAllowlist)
  const salesforce = createSalesforce({
    hosts,
    onCall: ({ kind, status, ms }) => {
      metrics.callDone('salesforce', { kind, status, ms })
      tracing.call('salesforce', { kind, status, ms })
    },
  })
  const nango = createNango({
    baseUrl: config.nango.baseUrl,
    secretKey: config.nango.secretKey,
    onCall: ({ operation, status, ms }) => {
      metrics.callDone('nango', { kind: operation, status, ms })
      tracing.call('nango', { kind: operation, status, ms })
    },
  })
  const connections = createConnections({
    db,
    approvals,
    nango,
    salesforce,
    hosts,
    logger,
    providerConfigKey: config.nango.providerConfigKey,
    apiVersion: config.salesforce.apiVersion,
    apiReservePercent: config.salesforce.apiReservePercent,
    webhookSigningKeys: config.nango.webhookSigningKeys,
    waitScale,
  })

  const topology = createTopology({
    db,
    jobs,
    connections,
    logger,
    waitScale,
    onComplete: (orgId, clientId) => indexer.update(orgId, clientId),
    readBeside: createDriftReader(db),
  })
  const deployments = createDeployments({
    db,
    jobs,
    connections,
    topology,
    reports: createConflictReports(db),
    approvals,
    logger,
    waitScale,
  })

  const clock = createClock()
  const pushes = createPushes({
    db,
    jobs,
    connections,
    preparation: createPreparation({ db, topology }),
    approvals,
    transports: {
      collections: createCollectionsTransport(clock),
      bulk: createBulkTransport(clock),
    },
    logger,
    waitScale,
    maxRows: config.push.maxRows,
    resultRetentionDays: config.push.resultRetentionDays,
    leaseSeconds: config.push.leaseSeconds,
    secrets: config.auth.idempotencySecrets,
  })
  const mappings = createMappings({
    db,
    topology,
    lastPush: (tenant, id) => pushes.lastPush(tenant, id),
  })
  const conflicts = createConflicts({
    db,
    jobs,
    connections,
    topology,
    deployments,
    mappingFacts: (tenant, clientId) => mappings.facts(tenant, clientId),
    apiReservePercent: config.salesforce.apiReservePercent,
    logger,
    waitScale,
  })

  const rollouts = createRollouts({
    db,
    jobs,
    conflicts,
    deployments,
    mappings,
    contents: createContents(db),
    approvals,
    logger,
    waitScale,
  })
  jobs.carry(rollouts.conductor)

  const workflows = createWorkflows({ db, connections, topology })

  const offboardings = createOffboardings({
    db,
    jobs,
    connections,
    deployments,
    approvals,
    logger,
    waitScale,
  })
  const purges = createPurges({
    db,
    jobs,
    connections,
    farewellOf: offboardings.farewellOf,
    logger,
    waitScale,
  })

  const webhooks = createWebhooks({
    timeoutMs: config.webhooks.timeoutMs,
    allowLoopback: config.webhooks.allowLoopback,
    onCall: (call) => metrics.callDone('webhooks', call),
  })
  const events = createEvents(db)
  const endpoints = createEndpoints({ db, webhooks, sealing })
  const deliveries = createDeliveries(db)
  jobs.carry(createCourier({ db, webhooks, sealing, logger, waitScale }))

  const blueprints = createBlueprints(db)
  const drift = createDrift({ db, jobs, topology, logger })

  // A record, not single calls: a kind of work without a worker would wait for ever.
  const workers: Readonly<Record<WorkKind, Worker>> = {
    'topology-pull': drift.afterPulls(topology.worker),
    'conflict-check': conflicts.worker,
    deploy: deployments.workers.deploy,
    rollback: deployments.workers.rollback,
    push: pushes.worker,
    offboard: offboardings.worker,
    purge: purges.worker,
  }
  for (const kind of WORK_KINDS) jobs.define(kind, workers[kind])

  const routes = routesOf({
    checkReady: async () => {
      const missing = await pendingMigrations(db.pool).catch((error: unknown) => {
        throw new EngineError('unavailable', 'The database cannot be reached.', { cause: error })
      })
      if (missing.length > 0) {
        throw new EngineError('unavailable', `Migrations are missing: ${missing.join(', ')}.`)
      }
      await db.ping()
    },
    metrics,
    metricsToken: config.http.metricsToken,
    organizations,
    users,
    auth,
    clients,
    tokens,
    approvals,
    connections,
    topology,
    search: createSearch(db),
    compare: createComparison(db),
    health: createHealthBoard({ db, connections }),
    reconsent: createReconsent({ db, connections }),
    conflicts,
    deployments,
    mappings,
    pushes,
    workflows,
    blueprints,
    fromClient: createFromClient({ db, present: createPresent(db, topology), blueprints }),
    rollouts,
    bindings: createBindings(db),
    drift,
    offboardings,
    purges,
    events,
    endpoints,
    deliveries,
    db,
  })

  const http = await createApp({
    routes,
    auth,
    idempotency: { db, secrets: config.auth.idempotencySecrets },
    logger,
    corsOrigins: config.http.corsOrigins,
    rateLimitPerMinute: config.http.rateLimitPerMinute,
    trustProxy: config.http.trustProxy,
    onRequestDone: (event) => metrics.requestDone(event),
    inSpan: tracing.span,
  })
  registerMcp(http, { corsOrigins: config.http.corsOrigins })

  return {
    routes,
    http,
    listen: async () => {
      await jobs.start()
      // Fastify has a line for each address; whoever starts the server writes one.
      const { level } = http.log
      http.log.level = 'warn'
      const address = await http.listen({ port: config.http.port, host: config.http.host })
      http.log.level = level
      return address
    },
    // Stops listening → finishes requests → leaves the work to others → closes what is shared.
    [Symbol.asyncDispose]: async () => {
      jobs.dismiss()
      // Later than the app answers requests that cannot finish; only streams are left then.
      const patience = setTimeout(
        () => http.server.closeAllConnections(),
        FINISH_REQUESTS_MS + LAST_ANSWERS_MS,
      )
      await http.close()
      clearTimeout(patience)
      await jobs.stop()
      await Promise.all([salesforce.close(), nango.close(), webhooks.close()])
      await db.close()
      await tracing.close()
    },
  }
}

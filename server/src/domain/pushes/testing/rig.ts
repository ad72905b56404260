// What the tests of this folder use: a client whose Salesforce org is the simulator's, its snapshot and
// mapping, and as many replicas of the push part of the engine as a test needs, over the real gateway,
// the real queue and real HTTP.

import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { createApprovals } from '../../approvals/approvals.ts'
import { createControl } from '../../../../../simulator/src/control/client.ts'
import { startSimulator } from '../../../../../simulator/src/index.ts'
import { type TestDatabase } from '../../../../../test/src/database.ts'
import { openDatabase } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { EngineError } from '../../../errors.ts'
import { createApp } from '../../../http/app.ts'
import { pushRoutes } from '../../../http/routes/push.ts'
import { createJobs } from '../../../jobs/jobs.ts'
import { NangoError } from '../../../nango/failure.ts'
import { createSalesforce, type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { getIdentity } from '../../../salesforce/rest.ts'
import { budgetOf } from '../../../salesforce/testing/budget.ts'
import { Secret } from '../../../secret.ts'
import { createAuth } from '../../auth/auth.ts'
import { createPasswords } from '../../auth/passwords.ts'
import { seedClient, seedOrg } from '../../testing/tenant.ts'
import { requireClient } from '../../clients.ts'
import { createMappings, type MappingField } from '../../mappings/mappings.ts'
import { createTopology } from '../../topology/topology.ts'
import { type ConnectionDoor } from '../../work/door.ts'
import { createPreparation } from '../preparation.ts'
import { createBulkTransport } from '../transport/bulk.ts'
import { createCollectionsTransport } from '../transport/collections.ts'
import { createPushes, type Pushes, type PushWithResults } from '../pushes.ts'

const API_VERSION = 'v66.0'
const MAX_ROWS = 20_000
const LEASE_SECONDS = 2
const SECRET = 'a secret of at least thirty-two characters'
const OTHER_SECRET = 'another secret of at least thirty-two characters'

const field = (canonical_field: string, sfdc_field: string): MappingField => ({
  canonical_field,
  sfdc_field,
  required: false,
  default: null,
  value_map: null,
})

export const PLACEMENT_FIELDS: MappingField[] = [
  field('key', 'External_Key__c'),
  field('stage', 'Stage__c'),
  field('salary', 'Salary__c'),
  field('starts', 'Start_Date__c'),
  field('notes', 'Notes__c'),
  field('company', 'Company__c'),
  field('remote', 'Is_Remote__c'),
]

/** Takes the database over: closing the rig drops it. */
export const createPushRig = async (
  database: TestDatabase,
  { maxRows = MAX_ROWS }: { maxRows?: number } = {},
) => {
  const simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
  const [sfdcOrg] = simulator.orgs
  if (sfdcOrg === undefined) throw new Error('the simulator has no org')
  const { token: sessionToken } = await control.openSession(sfdcOrg.name)
  const logger = pino({ level: 'silent' })
  const url = new Secret(database.url)
  const session = { accessToken: new Secret(sessionToken), instanceUrl: sfdcOrg.instanceUrl }
  const salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(sfdcOrg.instanceUrl).host]),
    wait: (_ms, signal) => sleep(5, undefined, signal === undefined ? {} : { signal }),
  })
  /** What tests switch and watch, for all replicas. */
  const world = {
    budgetSpent: false,
    /** No sessions are issued. */
    nangoAway: false,
    /** Calls that write records: under way now, and the most at once. */
    writing: 0,
    mostWriting: 0,
    /** Called when the connection was read for work, before anything is done with it. */
    afterOpen: async (): Promise<void> => undefined,
    /** Called before each call that writes records. */
    beforeWrite: async (): Promise<void> => undefined,
  }

  const giveSession = async () => {
    if (!world.nangoAway) return session
    throw new NangoError('unavailable', {
      status: 503,
      code: 'HTTP_503',
      message: 'away',
      retryAfterSeconds: 1,
    })
  }

  const watched = (org: SalesforceOrg): SalesforceOrg =>
    Object.freeze({
      ...org,
      get calls() {
        return org.calls
      },
      request: async (request: Parameters<SalesforceOrg['request']>[0]) => {
        if (request.method === 'GET' || !request.path.startsWith('/composite/sobjects')) {
          return org.request(request)
        }
        await world.beforeWrite()
        world.writing += 1
        world.mostWriting = Math.max(world.mostWriting, world.writing)
        try {
          return await org.request(request)
        } finally {
          world.writing -= 1
        }
      },
    })

  const orgOf = (priority: 'work' | 'protected' | 'interactive', signal?: AbortSignal) =>
    watched(
      salesforce.org({
        sfdcOrgId: sfdcOrg.id,
        apiVersion: API_VERSION,
        sessions: { current: giveSession, renew: giveSession },
        budget: budgetOf(() => {
          if (!world.budgetSpent) return
          throw new EngineError('api_budget_exhausted', 'The budget is spent.', {
            retryAfterSeconds: 1,
          })
        }),
        priority,
        ...(signal === undefined ? {} : { signal }),
      }),
    )
  const { userId: sfdcUserId, sfdcOrgId } = await getIdentity(orgOf('interactive'))

  const main = openDatabase({ url, maxConnections: 10, onIdleError: () => undefined })

  /** The live connection with a session that never dies: the renewal of sessions is tested elsewhere. */
  const connectionsOver = (db: typeof main): ConnectionDoor & { open: unknown } => ({
    open: async (tenant, clientId, priority, signal) => {
      const connection = await db.as(tenant).tx(async (tx) => {
        const client = await requireClient(tx, tenant, clientId)
        if (!client.is_active && priority !== 'protected') {
          throw new EngineError('client_inactive', 'The client is inactive.')
        }
        return tx
          .selectFrom('crm_connections')
          .selectAll()
          .where('client_id', '=', clientId)
          .orderBy('id', 'desc')
          .limit(1)
          .executeTakeFirst()
      })
      if (connection?.status !== 'connected') {
        throw new EngineError('connection_not_ready', 'The connection is not usable.')
      }
      await world.afterOpen()
      return { connection, salesforce: orgOf(priority, signal) }
    },
  })

  const caller = await seedOrg(database)
  const { tenant, userId } = caller
  const { orgId } = tenant
  const apiToken = `sfx_${createHash('sha256').update(userId).digest('base64url')}`
  await database.query(
    `insert into api_tokens (id, org_id, user_id, name, prefix, token_hash) values ($1, $2, $3, 'test', 'sfx', $4)`,
    [newId(), orgId, userId, createHash('sha256').update(apiToken).digest()],
  )

  /** The push part of one server, with a queue of its own. */
  const replica = async (work = true) => {
    const db = openDatabase({ url, maxConnections: 12, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger })
    const connections = connectionsOver(db)
    const topology = createTopology({ db, jobs, connections, logger })
    const pushes = createPushes({
      approvals: createApprovals({ db, secrets: [new Secret('approvals of a test')] }),
      db,
      jobs,
      connections,
      preparation: createPreparation({ db, topology }),
      transports: { collections: createCollectionsTransport(), bulk: createBulkTransport() },
      logger,
      maxRows,
      resultRetentionDays: 30,
      secrets: [new Secret(SECRET)],
      leaseSeconds: LEASE_SECONDS,
    })
    jobs.define('push', pushes.worker)
    if (work) await jobs.start()
    const app = await createApp({
      routes: pushRoutes({ pushes }),
      auth: createAuth({
        db,
        passwords: createPasswords(),
        jwtSecrets: [new Secret(SECRET)],
        superAdminSecrets: [new Secret(OTHER_SECRET)],
        jwtTtlSeconds: 3600,
        onBackgroundError: () => undefined,
      }),
      idempotency: { db, secrets: [new Secret(SECRET)] },
      logger,
      corsOrigins: [],
      rateLimitPerMinute: 0,
      trustProxy: false,
      onRequestDone: () => undefined,
      inSpan: (_start, request) => request(() => undefined),
    })
    return {
      db,
      jobs,
      pushes,
      topology,
      url: await app.listen({ port: 0, host: '127.0.0.1' }),
      close: async () => {
        jobs.dismiss()
        app.server.closeAllConnections()
        await app.close()
        await jobs.stop().catch(() => undefined)
        await db.close().catch(() => undefined) // for a replica that dies, it is closed before
      },
    }
  }
  type Replica = Awaited<ReturnType<typeof replica>>
  const first = await replica()

  /** A client that is connected to the simulator's Salesforce org, with a snapshot and the mapping. */
  const client = async (): Promise<string> => {
    await database.query(
      `update crm_connections set status = 'revoked' where sfdc_org_id = $1 and org_id = $2`,
      [sfdcOrgId, orgId],
    )
    const clientId = await seedClient(database, orgId, {
      instanceUrl: sfdcOrg.instanceUrl,
      sfdcOrgId,
      sfdcUserId,
      apiVersion: API_VERSION,
    })
    const { id } = await first.topology.pull(caller, { client_id: clientId, wait_seconds: 0 })
    await first.topology.worker.run({ orgId, clientId, id }, new AbortController().signal)
    await createMappings({ db: main, topology: first.topology }).create(caller, {
      client_id: clientId,
      canonical_object: 'placement',
      sfdc_object: 'Placement__c',
      external_id_field: 'External_Key__c',
      fields: PLACEMENT_FIELDS,
    })
    return clientId
  }

  const OPTIONS = {
    dry_run: false,
    all_or_none: false,
    transport: 'auto',
    null_policy: 'skip',
    assignment_rules: false,
    allow_duplicates: false,
  } as const

  return {
    database,
    db: main,
    control,
    sfdcOrg,
    world,
    tenant,
    caller,
    apiToken,
    first,
    replica,
    client,
    OPTIONS,
    /** Pushes records of the mapping `placement`. */
    push: (
      clientId: string,
      records: readonly unknown[],
      options: Partial<Parameters<Pushes['push']>[1]['options']> = {},
      waitSeconds = 30,
      by: Pick<Replica, 'pushes'> = first,
    ): Promise<PushWithResults> =>
      by.pushes.push(
        caller,
        {
          kind: 'records',
          client_id: clientId,
          object: 'placement',
          options: { ...OPTIONS, ...options },
          wait_seconds: waitSeconds,
        },
        records,
      ),
    /** A response of the API. */
    post: async <T = Record<string, unknown>>(
      path: string,
      body: unknown,
      headers: Record<string, string> = {},
    ) => {
      const response = await fetch(`${first.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiToken}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(body),
      })
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as T,
      }
    },
    /** Records of the Salesforce org, as they are stored there. */
    records: (where: Record<string, unknown> = {}) =>
      control.act('records/list', {
        org: sfdcOrg.name,
        object: 'Placement__c',
        where,
        deletedToo: false,
        limit: 100_000,
      }),
    count: async (table: string, pushId: string): Promise<number> => {
      const [row] = await database.query<{ n: string }>(
        `select count(*) as n from ${table} where push_id = $1`,
        [pushId],
      )
      return Number(row?.n)
    },
    close: async (): Promise<void> => {
      await first.close()
      await salesforce.close()
      await main.close()
      await database[Symbol.asyncDispose]()
      await simulator.close()
    },
  }
}

export type PushRig = Awaited<ReturnType<typeof createPushRig>>

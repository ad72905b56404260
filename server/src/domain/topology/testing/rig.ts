// What the tests of this folder use: a client with a connected Salesforce org in a database of its own,
// and the topology over the real gateway. Work runs when a test says so, or by the queue.

import { pino } from 'pino'
import { openDatabase } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { createJobs } from '../../../jobs/jobs.ts'
import { createSalesforce } from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { EngineError } from '../../../errors.ts'
import { budgetOf } from '../../../salesforce/testing/budget.ts'
import { Secret } from '../../../secret.ts'
import { ROLE_PERMISSIONS } from '../../auth/permissions.ts'
import { type Caller } from '../../caller.ts'
import { seedClient, seedOrg } from '../../testing/tenant.ts'
import { requireClient } from '../../clients.ts'
import { type ConnectionDoor } from '../../work/door.ts'
import { createTopology, type PullInput, type Snapshot } from '../topology.ts'
import { ORG_ID, startSalesforceOrg, USER_ID } from './salesforce-org.ts'

interface TestDatabase extends AsyncDisposable {
  url: string
  /** As the login that owns everything. */
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
}

/** Takes the database over: closing the rig drops it. */
export const createTopologyRig = async (database: TestDatabase) => {
  const latency = { callMs: 0, describeMs: 0 }
  const org = await startSalesforceOrg(latency)
  const logger = pino({ level: 'silent' })
  const url = new Secret(database.url)
  const db = openDatabase({ url, maxConnections: 10, onIdleError: () => undefined })
  const salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(org.url).host]),
    wait: async (_ms, signal) => signal?.throwIfAborted(),
  })
  const budget = { spent: false }

  /** The live connection with a session that never dies: the renewal of sessions is tested elsewhere. */
  const connections: ConnectionDoor = {
    open: async (tenant, clientId, priority, signal) => {
      const connection = await db.as(tenant).tx(async (tx) => {
        const client = await requireClient(tx, tenant, clientId)
        if (!client.is_active) throw new EngineError('client_inactive', 'inactive')
        return tx
          .selectFrom('crm_connections')
          .selectAll()
          .where('client_id', '=', clientId)
          .orderBy('id', 'desc')
          .limit(1)
          .executeTakeFirst()
      })
      if (connection?.status !== 'connected') {
        throw new EngineError('connection_not_ready', 'not connected')
      }
      const session = { accessToken: new Secret('00D!token'), instanceUrl: org.url }
      return {
        connection,
        salesforce: salesforce.org({
          sfdcOrgId: ORG_ID,
          apiVersion: connection.api_version,
          sessions: { current: async () => session, renew: async () => session },
          budget: budgetOf(() => {
            if (budget.spent) throw new EngineError('api_budget_exhausted', 'spent')
          }),
          priority,
          ...(signal === undefined ? {} : { signal }),
        }),
      }
    },
  }

  const jobs = createJobs({ db, url, logger })
  const topology = createTopology({ db, jobs, connections, logger })
  jobs.define('topology-pull', topology.worker)

  const admin = await seedOrg(database)
  const { orgId } = admin.tenant

  const caller = async (
    role: 'org_admin' | 'company_admin' = 'org_admin',
    clientId: string | null = null,
  ): Promise<Caller> => {
    const userId = newId()
    await database.query(
      `insert into users (id, org_id, client_id, email, password_hash, role) values ($1, $2, $3, $4, 'x', $5)`,
      [userId, orgId, clientId, `${userId}@agency.example`, role],
    )
    return {
      tenant: { orgId, clientId },
      userId,
      email: `${userId}@agency.example`,
      role,
      permissions: ROLE_PERMISSIONS[role],
      credential: { type: 'api_token', id: newId() },
      requestId: 'test',
      idempotency: null,
    }
  }

  const client = (sfdcOrgId = ORG_ID): Promise<string> =>
    seedClient(database, orgId, {
      instanceUrl: org.url,
      sfdcOrgId,
      sfdcUserId: USER_ID,
      apiVersion: 'v66.0',
    })

  /** Starts a pull without waiting for it. */
  const start = (clientId: string, input: Partial<PullInput> = {}): Promise<Snapshot> =>
    topology.pull(admin, { client_id: clientId, wait_seconds: 0, ...input })

  const run = async (snapshotId: string, signal = new AbortController().signal): Promise<void> => {
    const [row] = await database.query<{ client_id: string }>(
      'select client_id from crm_topology_snapshots where id = $1',
      [snapshotId],
    )
    const work = { orgId, clientId: row?.client_id ?? '', id: snapshotId }
    await topology.worker.run(work, signal)
  }

  return {
    org,
    /** How long a call and each describe in it take. */
    latency,
    database,
    db,
    budget,
    jobs,
    topology,
    admin,
    caller,
    client,
    start,
    run,
    /** Starts a pull and runs it to its end. */
    pull: async (clientId: string, input: Partial<PullInput> = {}): Promise<Snapshot> => {
      const { id } = await start(clientId, input)
      await run(id)
      return topology.snapshot(admin.tenant, id)
    },
    /** The whole answer of topology/get, parsed. */
    get: async (input: Parameters<typeof topology.get>[1]) => {
      const pieces: Buffer[] = []
      for await (const piece of await topology.get(admin.tenant, input)) pieces.push(piece)
      return JSON.parse(Buffer.concat(pieces).toString()) as Snapshot & {
        objects: Record<string, unknown> | null
        automations: { api_name: string; [member: string]: unknown }[] | null
      }
    },
    rows: async (table: 'topology_blobs' | 'topology_pull_items', clientId: string) =>
      Number(
        (
          await database.query<{ n: string }>(
            `select count(*) as n from ${table} where client_id = $1`,
            [clientId],
          )
        )[0]?.n,
      ),
    close: async () => {
      await jobs.stop().catch(() => undefined)
      await salesforce.close()
      await db.close()
      await database[Symbol.asyncDispose]()
      await org.close()
    },
  }
}

export type TopologyRig = Awaited<ReturnType<typeof createTopologyRig>>

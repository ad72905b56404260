// What the tests of this folder use: a client whose Salesforce org a simulator stands for (started by
// the test), its topology and deployments over the real gateway, and the conflict check over them. Work
// runs when a test says so, as many replicas as it likes, or by the queue.

import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { createApprovals } from '../../approvals/approvals.ts'
import { openDatabase } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { createJobs, type Work, type WorkKind } from '../../../jobs/jobs.ts'
import { createSalesforce, type SalesforceRequest } from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { getIdentity } from '../../../salesforce/rest.ts'
import { budgetOf } from '../../../salesforce/testing/budget.ts'
import { Secret } from '../../../secret.ts'
import { type Caller } from '../../caller.ts'
import { seedClient, seedOrg } from '../../testing/tenant.ts'
import { requireClient } from '../../clients.ts'
import { createDeployments } from '../../deployments/deployments.ts'
import { createTopology } from '../../topology/topology.ts'
import { type CheckInput, createConflictReports, createConflicts, type Report } from '../reports.ts'
import { type MappingFacts } from '../facts.ts'

const API_VERSION = 'v66.0'

interface TestDatabase extends AsyncDisposable {
  url: string
  /** As the login that owns everything. */
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
}

interface Options {
  database: TestDatabase
  instanceUrl: string
  /** A session of the connected user. */
  token: string
  mappings?: readonly MappingFacts[]
  /** Hands work to the queue, which does it at once. Default: `turn` and `finish` do the work. */
  byQueue?: boolean
}

/** Takes the database over: closing the rig drops it. */
export const createConflictsRig = async (options: Options) => {
  const { database, instanceUrl } = options
  const logger = pino({ level: 'silent' })
  const url = new Secret(database.url)
  const db = openDatabase({ url, maxConnections: 10, onIdleError: () => undefined })
  const salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(instanceUrl).host]),
    wait: (_ms, signal) => sleep(2, undefined, signal === undefined ? {} : { signal }),
  })
  const session = { accessToken: new Secret(options.token), instanceUrl }
  const budget = { spent: false }
  /** Called before each request to Salesforce; may throw, or hold it up. */
  const before = { request: async (_request: SalesforceRequest): Promise<void> => undefined }
  const orgOf = (
    sfdcOrgId: string,
    priority: 'work' | 'protected' | 'interactive',
    signal?: AbortSignal,
  ) => {
    const org = salesforce.org({
      sfdcOrgId,
      apiVersion: API_VERSION,
      sessions: { current: async () => session, renew: async () => session },
      budget: budgetOf(() => {
        if (budget.spent) throw new EngineError('api_budget_exhausted', 'spent')
      }),
      priority,
      ...(signal === undefined ? {} : { signal }),
    })
    return Object.freeze({
      ...org,
      get calls() {
        return org.calls
      },
      request: async (request: SalesforceRequest) => {
        await before.request(request)
        return org.request(request)
      },
    })
  }
  const identity = await getIdentity(orgOf('', 'interactive'))

  /** The live connection with a session that never dies: the renewal of sessions is tested elsewhere. */
  const connections = {
    open: async (
      tenant: Caller['tenant'],
      clientId: string,
      priority: 'work' | 'protected' | 'interactive',
      signal?: AbortSignal,
    ) => {
      const connection = await db.as(tenant).tx(async (tx) => {
        await requireClient(tx, tenant, clientId)
        return tx
          .selectFrom('crm_connections')
          .selectAll()
          .where('client_id', '=', clientId)
          .executeTakeFirst()
      })
      if (connection?.status !== 'connected') {
        throw new EngineError('connection_not_ready', 'The connection is not usable.')
      }
      return { connection, salesforce: orgOf(identity.sfdcOrgId, priority, signal) }
    },
  }
  const jobs = createJobs({ db, url, logger })
  const handed =
    options.byQueue === true
      ? jobs
      : {
          ...jobs,
          enqueue: async () => undefined,
          // Nobody else does the work while somebody waits for it.
          waitFor: async (
            _id: string,
            { isDone, signal }: { isDone: () => Promise<boolean>; signal?: AbortSignal },
          ) => {
            signal?.throwIfAborted()
            await isDone()
          },
        }
  const topology = createTopology({ db, jobs: handed, connections, logger })
  const reports = createConflictReports(db)
  const deployments = createDeployments({
    approvals: createApprovals({ db, secrets: [new Secret('approvals of a test')] }),
    db,
    jobs: handed,
    connections,
    topology,
    reports,
    logger,
    adoptGraceMs: 0,
  })
  const conflicts = createConflicts({
    db,
    jobs: handed,
    connections,
    topology,
    deployments,
    mappingFacts: async () => options.mappings ?? [],
    apiReservePercent: 10,
    logger,
  })
  jobs.define('topology-pull', topology.worker)
  jobs.define('deploy', deployments.workers.deploy)
  jobs.define('rollback', deployments.workers.rollback)
  jobs.define('conflict-check', conflicts.worker)
  if (options.byQueue === true) await jobs.start()

  const caller = await seedOrg(database)
  const { tenant } = caller
  const { orgId } = tenant
  const clientId = await seedClient(database, orgId, {
    instanceUrl,
    sfdcOrgId: identity.sfdcOrgId,
    sfdcUserId: identity.userId,
    apiVersion: API_VERSION,
  })

  const workers = {
    'topology-pull': topology.worker,
    deploy: deployments.workers.deploy,
    rollback: deployments.workers.rollback,
    'conflict-check': conflicts.worker,
  }
  /** Does everything that is unfinished and due once, as the sweep and the queue would. */
  const sweep = async (only?: WorkKind): Promise<number> => {
    const found = await db.lookup<{
      kind: keyof typeof workers
      org_id: string
      client_id: string
      id: string
    }>('open_work')
    const due = found.filter(({ kind }) => only === undefined || kind === only)
    for (const { kind, org_id, client_id, id } of due) {
      const work: Work = { orgId: org_id, clientId: client_id, id }
      await workers[kind].run(work, new AbortController().signal)
    }
    return due.length
  }
  const start = (plan: unknown, input: Partial<CheckInput> = {}): Promise<Report> =>
    conflicts.check(caller, { client_id: clientId, plan, wait_seconds: 0, ...input })
  /** What waits for a later moment is due now. */
  const hurry = async (): Promise<void> => {
    await database.query('update crm_conflict_reports set resume_at = null')
    await database.query('update deployment_runs set resume_at = null')
  }
  const finish = async (reportId: string): Promise<Report> => {
    for (let turns = 0; turns < 20; turns += 1) {
      await hurry()
      if ((await sweep()) === 0) break
    }
    return conflicts.get(tenant, reportId)
  }

  return {
    database,
    db,
    jobs,
    budget,
    before,
    org: orgOf(identity.sfdcOrgId, 'work'),
    sfdcOrgId: identity.sfdcOrgId,
    sfdcUserId: identity.userId,
    topology,
    deployments,
    conflicts,
    reports,
    caller,
    tenant,
    clientId,
    start,
    sweep,
    hurry,
    finish,
    check: async (plan: unknown, input: Partial<CheckInput> = {}): Promise<Report> =>
      finish((await start(plan, input)).id),
    /** Pulls a fresh snapshot; of these objects only, if there are any. */
    pull: async (objects?: string[]): Promise<number | null> => {
      const { id } = await topology.pull(caller, { client_id: clientId, objects, wait_seconds: 0 })
      await topology.worker.run({ orgId, clientId, id }, new AbortController().signal)
      return (await topology.snapshot(tenant, id)).version
    },
    close: async (): Promise<void> => {
      if (options.byQueue === true) await jobs.stop()
      await salesforce.close()
      await db.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

export type ConflictsRig = Awaited<ReturnType<typeof createConflictsRig>>

// What the tests of this folder use: a client whose Salesforce org is the simulator's, and the
// deployments over the real gateway. Work runs when a test says so, as many replicas as it likes.

import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { createApprovals } from '../../approvals/approvals.ts'
import { createControl } from '../../../../../simulator/src/control/client.ts'
import { startSimulator } from '../../../../../simulator/src/index.ts'
import { type TestDatabase } from '../../../../../test/src/database.ts'
import { openDatabase } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { createJobs } from '../../../jobs/jobs.ts'
import { createSalesforce } from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { getIdentity } from '../../../salesforce/rest.ts'
import { openBudget } from '../../../salesforce/testing/budget.ts'
import { Secret } from '../../../secret.ts'
import { seedClient, seedOrg } from '../../testing/tenant.ts'
import { requireClient } from '../../clients.ts'
import { type WorkflowName } from '../../workflows/state.ts'
import { type Activation } from '../../workflows/transition.ts'
import { createTopology } from '../../topology/topology.ts'
import { type ConnectionDoor } from '../../work/door.ts'
import {
  createDeployments,
  type Deployment,
  type DeployInput,
  type JudgedReport,
  type RollbackInput,
} from '../deployments.ts'

const API_VERSION = 'v66.0'

/** Takes the database over: closing the rig drops it. */
export const createDeploymentsRig = async (
  database: TestDatabase,
  options: { isSandbox?: boolean } = {},
) => {
  const simulator = await startSimulator({
    orgs: [{ name: 'Acme', edition: 'Enterprise', isSandbox: options.isSandbox ?? false }],
  })
  const control = createControl(simulator.controlUrl)
  const [sfdcOrg] = simulator.orgs
  if (sfdcOrg === undefined) throw new Error('the simulator has no org')
  await control.act('deploys/pace', { org: sfdcOrg.name, pendingMs: 0, runMs: 0 })
  const { token } = await control.openSession(sfdcOrg.name)

  const logger = pino({ level: 'silent' })
  const url = new Secret(database.url)
  const db = openDatabase({ url, maxConnections: 10, onIdleError: () => undefined })
  const salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(sfdcOrg.instanceUrl).host]),
    wait: (_ms, signal) => sleep(5, undefined, signal === undefined ? {} : { signal }),
  })
  const session = { accessToken: new Secret(token), instanceUrl: sfdcOrg.instanceUrl }
  const orgOf = (priority: 'work' | 'protected' | 'interactive', signal?: AbortSignal) => {
    return salesforce.org({
      sfdcOrgId: sfdcOrg.id,
      apiVersion: API_VERSION,
      sessions: { current: async () => session, renew: async () => session },
      budget: openBudget,
      priority,
      ...(signal === undefined ? {} : { signal }),
    })
  }
  const { userId: sfdcUserId, sfdcOrgId } = await getIdentity(orgOf('interactive'))

  /** The live connection with a session that never dies: the renewal of sessions is tested elsewhere. */
  const connections: ConnectionDoor = {
    open: async (tenant, clientId, priority, signal) => {
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
      return { connection, salesforce: orgOf(priority, signal) }
    },
  }
  const jobs = createJobs({ db, url, logger })
  // Work is run by hand: nothing is ever handed to the queue, and nobody waits for it.
  const byHand = { ...jobs, enqueue: async () => undefined }
  const topology = createTopology({ db, jobs: byHand, connections, logger })
  const reports = new Map<string, JudgedReport>()
  const deployments = createDeployments({
    approvals: createApprovals({ db, secrets: [new Secret('approvals of a test')] }),
    db,
    jobs: byHand,
    connections,
    topology,
    reports: { find: async (_tenant, id) => reports.get(id) ?? null },
    logger,
    adoptGraceMs: 0,
  })

  const caller = await seedOrg(database)
  const { tenant } = caller
  const { orgId } = tenant
  const clientId = await seedClient(database, orgId, {
    instanceUrl: sfdcOrg.instanceUrl,
    sfdcOrgId,
    sfdcUserId,
    apiVersion: API_VERSION,
  })

  interface Run {
    id: string
    kind: 'deploy' | 'rollback'
    stage: string
    error: { code: string; message: string } | null
    sends: number
    ended_at: Date | null
    [member: string]: unknown
  }
  const runsOf = (deploymentId: string): Promise<Run[]> =>
    database.query<Run>('select * from deployment_runs where deployment_id = $1 order by id', [
      deploymentId,
    ])

  /** Does one turn of the work on the deployment, as the queue would. */
  const turn = async (
    deploymentId: string,
    signal = new AbortController().signal,
  ): Promise<boolean> => {
    const run = (await runsOf(deploymentId)).find(({ ended_at }) => ended_at === null)
    if (run === undefined) return false
    await deployments.workers[run.kind].run({ orgId, clientId, id: run.id }, signal)
    return true
  }
  const finish = async (deploymentId: string): Promise<Deployment> => {
    for (let turns = 0; turns < 30 && (await turn(deploymentId)); turns += 1);
    return deployments.get(tenant, deploymentId)
  }
  const start = (plan: unknown, input: Partial<DeployInput> = {}): Promise<Deployment> =>
    deployments.deploy(caller, { client_id: clientId, plan, wait_seconds: 0, ...input })

  const api = { client_id: clientId, wait_seconds: 0 }
  const pull = async (): Promise<void> => {
    const { id } = await topology.pull(caller, api)
    await topology.worker.run({ orgId, clientId, id }, new AbortController().signal)
  }

  return {
    pull,
    /** The connected user's. */
    username: (await getIdentity(orgOf('interactive'))).username,
    deployWorkflows: async (workflows: unknown[]): Promise<Deployment> =>
      finish((await deployments.deployWorkflows(caller, { ...api, workflows })).id),
    setActive: async (activation: Activation): Promise<Deployment> =>
      finish((await deployments.setActive(caller, { ...api, ...activation })).id),
    removeWorkflows: async (workflows: WorkflowName[]): Promise<Deployment> =>
      finish((await deployments.removeWorkflows(caller, { ...api, workflows })).id),
    database,
    db,
    control,
    sfdcOrg,
    sfdcOrgId,
    // Lives as long as the rig: a handle for a waiting caller ends after 45 seconds.
    org: orgOf('work'),
    sfdcUserId,
    deployments,
    topology,
    reports,
    caller,
    tenant,
    clientId,
    runsOf,
    turn,
    start,
    finish,
    deploy: async (plan: unknown, input: Partial<DeployInput> = {}): Promise<Deployment> =>
      finish((await start(plan, input)).id),
    /** The refusal that a waiting caller gets is stored in the run. */
    rollback: async (
      deploymentId: string,
      input: Partial<RollbackInput> = {},
    ): Promise<Deployment> => {
      await deployments.rollback(caller, {
        deployment_id: deploymentId,
        wait_seconds: 0,
        ...input,
      })
      return finish(deploymentId)
    },
    close: async (): Promise<void> => {
      await salesforce.close()
      await db.close()
      await database[Symbol.asyncDispose]()
      await simulator.close()
    },
  }
}

export type DeploymentsRig = Awaited<ReturnType<typeof createDeploymentsRig>>

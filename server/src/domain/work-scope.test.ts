// The second wall inside the queue: work is done in the scope of its row's client, so that a job that
// names another client of the same org finds nothing to do, and can touch nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl } from '../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../simulator/src/index.ts'
import { createDatabase } from '../../../test/src/database.ts'
import { until } from '../../../test/src/until.ts'
import { newId } from '../db/ids.ts'
import { type Worker, type WorkKind } from '../jobs/jobs.ts'
import { type ConflictsBench, createConflictsBench } from './conflicts/testing/bench.ts'
import { createPushBench, type PushBench } from './pushes/testing/bench.ts'

interface OpenWork {
  kind: WorkKind
  client_id: string
  id: string
}

let simulator: Simulator
let bench: ConflictsBench
let pushBench: PushBench

beforeAll(async () => {
  simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
  await control.act('deploys/pace', { org: 'Acme', pendingMs: 0, runMs: 0 })
  const session = await control.openSession('Acme')
  bench = await createConflictsBench({ database: await createDatabase(), ...session })
  pushBench = await createPushBench(await createDatabase())
})
afterAll(async () => {
  await bench.close()
  await simulator.close()
  await pushBench.close()
})

type Stand = Pick<ConflictsBench, 'database' | 'db' | 'tenant'>

/** Another client of the same org. */
const neighbour = async ({ database, tenant }: Stand): Promise<string> => {
  const id = newId()
  await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Neighbour')`, [
    id,
    tenant.orgId,
  ])
  return id
}

const openWork = ({ db }: Stand) => db.lookup<OpenWork>('open_work')

/** Everything that work could write, as the owner of the database sees it. */
const everything = async ({ database }: Stand): Promise<unknown> => {
  const tables = [
    ...['crm_topology_snapshots', 'topology_pull_items', 'topology_blobs', 'topology_validators'],
    ...['crm_conflict_reports', 'crm_deployments', 'deployment_runs', 'deployment_components'],
    ...['deployment_images', 'crm_push_logs', 'push_lanes', 'push_chunks', 'push_results'],
    ...['crm_connections', 'audit_log'],
  ]
  return Object.fromEntries(
    await Promise.all(
      tables.map(async (table) => [
        table,
        await database.query(`select * from ${table} order by 1`),
      ]),
    ),
  )
}

/** Does the open work of a kind for the wrong client, then for its own. */
const expectConfined = async (
  stand: Stand,
  kind: WorkKind,
  worker: Worker,
  calls: () => unknown,
): Promise<void> => {
  const [open] = (await openWork(stand)).filter((work) => work.kind === kind)
  expect(open, `${kind} is open`).toBeDefined()
  const work = { orgId: stand.tenant.orgId, clientId: open?.client_id ?? '', id: open?.id ?? '' }
  const elsewhere = { ...work, clientId: await neighbour(stand) }
  const [before, callsBefore] = [await everything(stand), calls()]
  await worker.run(elsewhere, new AbortController().signal)
  await worker.giveUp(elsewhere, new Error('its process died'))
  expect(await everything(stand)).toEqual(before)
  expect(calls()).toEqual(callsBefore)

  await until(`${kind} has ended`, async () => {
    await worker.run(work, new AbortController().signal)
    return !(await openWork(stand)).some(({ id }) => id === work.id)
  })
}

describe('work whose tenant is another client of the org', () => {
  const plan = {
    objects: [
      {
        api_name: 'Lead',
        fields: [{ api_name: 'Scoped__c', label: 'Scoped', type: 'Text', length: 9 }],
      },
    ],
  }
  let requests = 0
  const calls = () => requests
  const counted = () => {
    bench.before.request = async () => {
      requests += 1
    }
  }

  it('sees no pull', async () => {
    counted()
    const { id } = await bench.topology.pull(bench.caller, {
      client_id: bench.clientId,
      wait_seconds: 0,
    })
    await expectConfined(bench, 'topology-pull', bench.topology.worker, calls)
    expect(await bench.topology.snapshot(bench.tenant, id)).toMatchObject({ status: 'complete' })
  })

  it('sees no conflict check', async () => {
    const { id } = await bench.start(plan)
    await expectConfined(bench, 'conflict-check', bench.conflicts.worker, calls)
    expect(await bench.conflicts.get(bench.tenant, id)).toMatchObject({ status: 'complete' })
  })

  it('sees no deploy and no rollback', async () => {
    const { id } = await bench.deployments.deploy(bench.caller, {
      client_id: bench.clientId,
      plan,
      wait_seconds: 0,
    })
    await expectConfined(bench, 'deploy', bench.deployments.workers.deploy, calls)
    expect(await bench.deployments.get(bench.tenant, id)).toMatchObject({ status: 'deployed' })
    await bench.deployments.rollback(bench.caller, { deployment_id: id, wait_seconds: 0 })
    await expectConfined(bench, 'rollback', bench.deployments.workers.rollback, calls)
    expect(await bench.deployments.get(bench.tenant, id)).toMatchObject({ status: 'rolled_back' })
  })

  it('sees no push', async () => {
    await pushBench.first.jobs.stop()
    const clientId = await pushBench.client()
    const rows = [{ key: 'scoped-1', notes: 'x' }]
    const { id } = await pushBench.push(clientId, rows, {}, 0)
    const worker = pushBench.first.pushes.worker
    await expectConfined(pushBench, 'push', worker, () => 0)
    expect(await pushBench.first.pushes.get(pushBench.tenant, id)).toMatchObject({
      status: 'succeeded',
    })
  })
})

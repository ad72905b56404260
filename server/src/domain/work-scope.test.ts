// The second barrier inside the queue: work is done in the scope of its row's client, so that a job that
// names a different client of the same org finds nothing to do, and can touch nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl } from '../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../simulator/src/index.ts'
import { createDatabase } from '../../../test/src/database.ts'
import { until } from '../../../test/src/until.ts'
import { newId } from '../db/ids.ts'
import { type Worker, type WorkKind } from '../jobs/jobs.ts'
import { type ConflictsRig, createConflictsRig } from './conflicts/testing/rig.ts'
import { createPushRig, type PushRig } from './pushes/testing/rig.ts'

interface OpenWork {
  kind: WorkKind
  client_id: string
  id: string
}

let simulator: Simulator
let rig: ConflictsRig
let pushRig: PushRig

beforeAll(async () => {
  simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
  await control.act('deploys/pace', { org: 'Acme', pendingMs: 0, runMs: 0 })
  const session = await control.openSession('Acme')
  rig = await createConflictsRig({ database: await createDatabase(), ...session })
  pushRig = await createPushRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
  await simulator.close()
  await pushRig.close()
})

type Stand = Pick<ConflictsRig, 'database' | 'db' | 'tenant'>

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

/** Everything that work could write, as seen by the owner of the database. */
const everything = async ({ database }: Stand): Promise<unknown> => {
  const tables = [
    ...['crm_topology_snapshots', 'topology_pull_items', 'topology_blobs', 'topology_frames'],
    'topology_validators',
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
    rig.before.request = async () => {
      requests += 1
    }
  }

  it('sees no pull', async () => {
    counted()
    const { id } = await rig.topology.pull(rig.caller, {
      client_id: rig.clientId,
      wait_seconds: 0,
    })
    await expectConfined(rig, 'topology-pull', rig.topology.worker, calls)
    expect(await rig.topology.snapshot(rig.tenant, id)).toMatchObject({ status: 'complete' })
  })

  it('sees no conflict check', async () => {
    const { id } = await rig.start(plan)
    await expectConfined(rig, 'conflict-check', rig.conflicts.worker, calls)
    expect(await rig.conflicts.get(rig.tenant, id)).toMatchObject({ status: 'complete' })
  })

  it('sees no deploy and no rollback', async () => {
    const { id } = await rig.deployments.deploy(rig.caller, {
      client_id: rig.clientId,
      plan,
      wait_seconds: 0,
    })
    await expectConfined(rig, 'deploy', rig.deployments.workers.deploy, calls)
    expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'deployed' })
    await rig.deployments.rollback(rig.caller, { deployment_id: id, wait_seconds: 0 })
    await expectConfined(rig, 'rollback', rig.deployments.workers.rollback, calls)
    expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'rolled_back' })
  })

  it('sees no push', async () => {
    await pushRig.first.jobs.stop()
    const clientId = await pushRig.client()
    const rows = [{ key: 'scoped-1', notes: 'x' }]
    const { id } = await pushRig.push(clientId, rows, {}, 0)
    const worker = pushRig.first.pushes.worker
    await expectConfined(pushRig, 'push', worker, () => 0)
    expect(await pushRig.first.pushes.get(pushRig.tenant, id)).toMatchObject({
      status: 'succeeded',
    })
  })
})

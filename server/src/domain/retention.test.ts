// What is past its time goes, and what something stands on stays whole.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../test/src/database.ts'
import { until } from '../../../test/src/until.ts'
import { newId } from '../db/ids.ts'
import { createDeploymentsRig, type DeploymentsRig } from './deployments/testing/rig.ts'
import { createRetention, type RetentionSettings } from './retention.ts'
import { createTopologyRig, type TopologyRig } from './topology/testing/rig.ts'
import { describeOf } from './topology/testing/salesforce-org.ts'

const FOREVER: RetentionSettings = {
  snapshotDays: 0,
  snapshotCount: 1,
  reportDays: 0,
  deploymentDays: 0,
  closedDeploymentDays: 0,
  auditDays: 0,
}

const clean = async (
  { db }: Pick<TopologyRig, 'db'>,
  settings: Partial<RetentionSettings>,
): Promise<object[]> => {
  const logged: object[] = []
  const logger = {
    info: (...[line]: unknown[]) => {
      logged.push(line as object)
    },
  }
  await createRetention({ db, logger, settings: { ...FOREVER, ...settings } }).clean(
    new AbortController().signal,
  )
  return logged
}

describe('snapshots', () => {
  let rig: TopologyRig
  beforeAll(async () => {
    rig = await createTopologyRig(await createDatabase())
  })
  afterAll(() => rig.close())

  const age = (clientId: string, versions: number[], days: number) =>
    rig.database.query(
      `update crm_topology_snapshots set created_at = now() - make_interval(days => $3)
        where client_id = $1 and version = any($2)`,
      [clientId, versions, days],
    )
  const versionsOf = async (clientId: string): Promise<number[]> =>
    (
      await rig.database.query<{ version: number }>(
        'select version from crm_topology_snapshots where client_id = $1 order by version',
        [clientId],
      )
    ).map(({ version }) => version)
  /** Five versions, each with a different Job__c and Job_<version>__c. */
  const fill = async (): Promise<string> => {
    const clientId = await rig.client(`00DWs${newId().slice(-13)}`)
    for (let version = 1; version <= 5; version++) {
      rig.org.put('Job__c', describeOf('Job__c', version))
      rig.org.put(`Job_${version}__c`, describeOf(`Job_${version}__c`, 3))
      expect(await rig.pull(clientId)).toMatchObject({ version })
    }
    return clientId
  }

  it('go with the contents that only they had; the kept ones and the next pull are whole', async () => {
    const [clientId, other] = [await fill(), await fill()]
    await age(clientId, [1, 2, 3, 4, 5], 40)
    const kept = [
      await rig.get({ client_id: clientId, version: 4 }),
      await rig.get({ client_id: clientId, version: 5 }),
    ]
    const blobs = await rig.rows('topology_blobs', clientId)

    expect(await clean(rig, { snapshotDays: 30, snapshotCount: 2 })).toEqual([
      { removed: { reports: 0, snapshots: 3, deployments: 0, audit: 0 } },
    ])
    expect(await versionsOf(clientId)).toEqual([4, 5])
    expect(await versionsOf(other)).toEqual([1, 2, 3, 4, 5])
    expect(await rig.rows('topology_blobs', clientId)).toBeLessThan(blobs)
    const empty = await rig.database.query(
      `select from topology_frames f where not exists
         (select from topology_blobs b where b.client_id = f.client_id and b.frame_id = f.id)`,
    )
    expect(empty).toEqual([])
    expect([
      await rig.get({ client_id: clientId, version: 4 }),
      await rig.get({ client_id: clientId, version: 5 }),
    ]).toEqual(kept)
    const next = await rig.pull(clientId)
    expect(next).toMatchObject({ version: 6, status: 'complete' })
    expect(await rig.get({ client_id: clientId, version: 6 })).toMatchObject({
      objects: kept[1]?.objects,
    })
    expect(await clean(rig, { snapshotDays: 30, snapshotCount: 2 })).toHaveLength(1)
    const unchanged = await rig.pull(clientId)
    expect(unchanged.stats.not_modified).toBeGreaterThan(0)
    expect(await rig.get({ client_id: clientId, version: 7 })).toMatchObject({
      objects: kept[1]?.objects,
    })
    expect(await clean(rig, { snapshotDays: 30, snapshotCount: 2 })).toHaveLength(1)
    expect(await versionsOf(clientId)).toEqual([6, 7])
    expect(await clean(rig, { snapshotDays: 30, snapshotCount: 2 })).toEqual([])
  })

  it('stay while a report, an unfinished push or a running pull stands on them', async () => {
    const clientId = await fill()
    await age(clientId, [1, 2, 3, 4, 5], 40)
    const { orgId } = rig.admin.tenant
    const of = `(select id from crm_topology_snapshots where client_id = $2 and version = $3)`
    await rig.database.query(
      `insert into crm_conflict_reports (id, org_id, client_id, status, plan, plan_hash, snapshot_id)
       values (gen_random_uuid(), $1, $2, 'complete', '{}', 'x', ${of})`,
      [orgId, clientId, 2],
    )
    await rig.database.query(
      `insert into crm_push_logs (id, org_id, client_id, kind, status, accepted_at, snapshot_id)
       values (gen_random_uuid(), $1, $2, 'records', 'in_progress', now(), ${of}),
              (gen_random_uuid(), $1, $2, 'records', 'succeeded', now(),
               (select id from crm_topology_snapshots where client_id = $2 and version = 1))`,
      [orgId, clientId, 3],
    )
    const { id } = await rig.start(clientId)
    await clean(rig, { snapshotDays: 30 })
    expect(await versionsOf(clientId)).toEqual([1, 2, 3, 4, 5, null])
    await rig.run(id)
    await clean(rig, { snapshotDays: 30 })
    expect(await versionsOf(clientId)).toEqual([2, 3, 6])
    for (const version of [2, 3, 6]) await rig.get({ client_id: clientId, version })

    // Without the report and the push they go; the newest never does.
    await rig.database.query(`update crm_push_logs set status = 'failed' where client_id = $1`, [
      clientId,
    ])
    await age(clientId, [6], 40)
    await rig.database.query(
      `update crm_conflict_reports set created_at = now() - interval '40 days'`,
    )
    expect(await clean(rig, { snapshotDays: 30, reportDays: 30 })).toEqual([
      { removed: { reports: 1, snapshots: 2, deployments: 0, audit: 0 } },
    ])
    expect(await versionsOf(clientId)).toEqual([6])
  })

  it.each([
    [
      'report',
      `insert into crm_conflict_reports (id, org_id, client_id, status, plan, plan_hash, snapshot_id)
       select gen_random_uuid(), $1, $2, 'complete', '{}', 'x', id
         from crm_topology_snapshots where client_id = $2 and version = 2`,
    ],
    [
      'push',
      `insert into crm_push_logs (id, org_id, client_id, kind, status, accepted_at, snapshot_id)
       select gen_random_uuid(), $1, $2, 'records', 'in_progress', now(), id
         from crm_topology_snapshots where client_id = $2 and version = 2`,
    ],
  ])(
    'stay if a %s begins to use them between their selection and their deletion',
    async (_, use) => {
      const clientId = await fill()
      await age(clientId, [1, 2, 3, 4, 5], 40)
      const user = new pg.Client({ connectionString: rig.database.url })
      await user.connect()
      try {
        await user.query('begin')
        await user.query(use, [rig.admin.tenant.orgId, clientId])
        const cleaning = clean(rig, { snapshotDays: 30 })
        await until('it waits for the client', async () => {
          const [waiting] = await rig.database.query(
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
          return waiting !== undefined
        })
        await user.query('commit')
        await cleaning
      } finally {
        await user.end()
      }
      await clean(rig, { snapshotDays: 30 })
      expect(await versionsOf(clientId)).toEqual([2, 5])
      for (const version of [2, 5]) await rig.get({ client_id: clientId, version })
      const [held] = await rig.database.query<{ n: number }>(
        `select count(*)::int as n from crm_topology_snapshots s
        where s.client_id = $1 and (exists (select from crm_push_logs p where p.snapshot_id = s.id)
           or exists (select from crm_conflict_reports r where r.snapshot_id = s.id))`,
        [clientId],
      )
      expect(held).toEqual({ n: 1 })
    },
  )

  it('go once, and whole, when several replicas delete at the same time', async () => {
    const clients = [await fill(), await fill()]
    for (const clientId of clients) await age(clientId, [1, 2, 3, 4, 5], 40)
    await Promise.all([1, 2, 3].map(() => clean(rig, { snapshotDays: 30, snapshotCount: 2 })))
    await clean(rig, { snapshotDays: 30, snapshotCount: 2 })
    for (const clientId of clients) {
      expect(await versionsOf(clientId)).toEqual([4, 5])
      for (const version of [4, 5]) await rig.get({ client_id: clientId, version })
    }
  })

  it('and the audit log stay for ever unless told otherwise', async () => {
    const clientId = await fill()
    await age(clientId, [1, 2, 3, 4, 5], 4000)
    await rig.database.query(`update audit_log set at = now() - interval '4000 days'`)
    const [count] = await rig.database.query<{ n: number }>(
      'select count(*)::int as n from audit_log',
    )
    expect(await clean(rig, {})).toEqual([])
    expect(await versionsOf(clientId)).toEqual([1, 2, 3, 4, 5])
    expect(await clean(rig, { auditDays: 3999 })).toEqual([
      { removed: { reports: 0, snapshots: 0, deployments: 0, audit: count?.n } },
    ])
  })
})

describe('images and packages of deployments', () => {
  let rig: DeploymentsRig
  beforeAll(async () => {
    rig = await createDeploymentsRig(await createDatabase())
  })
  afterAll(() => rig.close())

  const plan = (name: string) => ({
    objects: [{ api_name: 'Lead', fields: [{ api_name: name, label: name, type: 'Checkbox' }] }],
  })
  const age = (days: number) =>
    rig.database.query(
      `update crm_deployments set created_at = created_at - make_interval(days => $1),
         deployed_at = deployed_at - make_interval(days => $1),
         rolled_back_at = rolled_back_at - make_interval(days => $1)`,
      [days],
    )
  const imagesOf = async (id: string): Promise<number> =>
    (
      await rig.database.query<{ n: number }>(
        'select count(*)::int as n from deployment_images where deployment_id = $1',
        [id],
      )
    )[0]?.n ?? 0

  it('go when it cannot be rolled back; otherwise only if told so, and then a rollback is refused', async () => {
    const gone = await rig.deploy(plan('Gone__c'))
    await rig.rollback(gone.id)
    const live = await rig.deploy(plan('Live__c'))
    await age(100)
    expect(await clean(rig, { closedDeploymentDays: 90 })).toEqual([
      { removed: { reports: 0, snapshots: 0, deployments: 1, audit: 0 } },
    ])
    expect(await imagesOf(gone.id)).toBe(0)
    expect(await imagesOf(live.id)).toBeGreaterThan(0)
    expect(await rig.rollback(live.id, { dry_run: true })).toMatchObject({
      rollback: { status: 'dry_run' },
    })

    await clean(rig, { deploymentDays: 101 })
    expect(await imagesOf(live.id)).toBeGreaterThan(0)
    await clean(rig, { deploymentDays: 90 })
    expect(await imagesOf(live.id)).toBe(0)
    await expect(rig.rollback(live.id)).rejects.toMatchObject({
      code: 'not_rollbackable',
      message: expect.stringContaining('DEPLOYMENT_RETENTION_DAYS') as unknown,
    })
    expect(await rig.deployments.get(rig.tenant, live.id)).toMatchObject({
      status: 'deployed',
      components: expect.arrayContaining([
        expect.objectContaining({ full_name: 'Lead.Live__c' }),
      ]) as unknown,
    })
  })
})

// What a rollout does to a client's mappings, and puts back, against the database.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/src/database.ts'
import { until } from '../../../../../test/src/until.ts'
import { type Database, openDatabase } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { Secret } from '../../../secret.ts'
import { type Caller } from '../../caller.ts'
import { type Finding } from '../../mappings/finding.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { activeMappings, mappingsOf } from '../../mappings/rows.ts'
import { changeMapping, insertMapping } from '../../mappings/write.ts'
import { seedOrg } from '../../testing/tenant.ts'
import { errorsLeft, restoreMappings, saveMappings } from './mappings.ts'
import { type TargetRow } from './rows.ts'

let database: TestDatabase
let db: Database
beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const draft = (canonical: string, field = 'Title'): MappingDraft => ({
  canonical_object: canonical,
  sfdc_object: 'Lead',
  external_id_field: null,
  fields: [
    {
      ...{ canonical_field: 'title', sfdc_field: field, required: false, default: null },
      value_map: null,
    },
  ],
})

const rig = async () => {
  const caller: Caller = await seedOrg(database)
  const { orgId } = caller.tenant
  const [clientId, rolloutId, id] = [newId(), newId(), newId()]
  await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Acme')`, [
    ...[clientId, orgId],
  ])
  await database.query(
    `insert into rollouts (id, org_id, kind, content, mode, connection_grace_seconds, targets_total, with_mappings)
     values ($1, $2, 'custom_objects', '{}', 'strict', 60, 1, true)`,
    [rolloutId, orgId],
  )
  await database.query(
    `insert into rollout_waves (org_id, rollout_id, position, name, targets_total, max_concurrent,
       failure_tolerance, soak_seconds, gate) values ($1, $2, 1, 'all', 1, 1, 0, 0, 'auto')`,
    [orgId, rolloutId],
  )
  await database.query(
    `insert into rollout_targets (id, org_id, client_id, rollout_id, wave, position, plan_hash)
     values ($1, $2, $3, $4, 1, 1, '')`,
    [id, orgId, clientId, rolloutId],
  )
  const as = db.as(caller.tenant)
  const target = async (): Promise<TargetRow> =>
    as.read.selectFrom('rollout_targets').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  return {
    caller,
    clientId,
    target,
    save: async (drafts: MappingDraft[]) => {
      const row = await target()
      await as.tx((tx) => saveMappings(tx, caller, row, drafts))
      return (await target()).mappings
    },
    restore: async () => {
      const row = await target()
      await as.tx((tx) => restoreMappings(tx, caller, row))
      return (await target()).mappings
    },
    had: (one: MappingDraft) => as.tx((tx) => insertMapping(tx, caller, clientId, one)),
    somebodyChanges: (canonical: string, field: string) =>
      as.tx(async (tx) => {
        const row = await mappingsOf(tx, caller.tenant)
          .where('client_id', '=', clientId)
          .where('canonical_object', '=', canonical)
          .executeTakeFirstOrThrow()
        await changeMapping(tx, caller, row, { fields: draft(canonical, field).fields })
      }),
    present: async () =>
      (await activeMappings(as.read, caller.tenant, clientId)).map(
        ({ canonical_object: name, fields, version }) => [name, fields[0]?.sfdc_field, version],
      ),
    audited: async () =>
      (
        await database.query<{ action: string }>(
          `select action from audit_log where client_id = $1 and user_id = $2 order by at, id`,
          [clientId, caller.userId],
        )
      ).map(({ action }) => action),
  }
}

describe('the mappings of a version', () => {
  it('are created, changed, or left as they are, with a version and an audit row for each change', async () => {
    const { save, had, present, audited } = await rig()
    await had(draft('changes', 'Company'))
    await had(draft('same'))
    expect(await save([draft('new'), draft('changes'), draft('same')])).toMatchObject([
      { canonical_object: 'new', action: 'created', version: 1, version_before: null },
      { canonical_object: 'changes', action: 'updated', version: 2, version_before: 1 },
      { canonical_object: 'same', action: 'unchanged', version: 1, version_before: null },
    ])
    expect(await present()).toEqual([
      ['changes', 'Title', 2],
      ['new', 'Title', 1],
      ['same', 'Title', 1],
    ])
    expect(await audited()).toEqual([
      ...['mapping.create', 'mapping.create', 'mapping.create', 'mapping.update'],
    ])
  })

  it('take over one that somebody creates in the very moment in which they are saved', async () => {
    const { caller, clientId, save, present } = await rig()
    const [stored, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const theirs = db.as(caller.tenant).tx(async (tx) => {
      await insertMapping(tx, caller, clientId, draft('lead', 'Company'))
      stored.resolve()
      await commit.promise
    })
    await stored.promise
    const saved = save([draft('lead')])
    await until('the rollout waits for their row', async () => {
      const [{ waiting } = { waiting: 0 }] = await database.query<{ waiting: number }>(
        'select count(*)::int as waiting from pg_locks where not granted',
      )
      return waiting > 0
    })
    commit.resolve()
    await theirs
    expect(await saved).toMatchObject([{ action: 'updated', version: 2, version_before: 1 }])
    expect(await present()).toEqual([['lead', 'Title', 2]])
  })

  it('are put back by a rollback, once, but for those that somebody changed since', async () => {
    const { save, restore, had, present, somebodyChanges } = await rig()
    await had(draft('changes', 'Company'))
    await had(draft('same'))
    await save([draft('new'), draft('changes'), draft('same'), draft('theirs')])
    await somebodyChanges('theirs', 'Website')
    const after = [
      { canonical_object: 'new', action: 'removed' },
      { canonical_object: 'changes', action: 'restored' },
      { canonical_object: 'same', action: 'unchanged' },
      { canonical_object: 'theirs', action: 'kept' },
    ]
    const left = [
      ['changes', 'Company', 3],
      ['same', 'Title', 1],
      ['theirs', 'Website', 2],
    ]
    expect(await restore()).toMatchObject(after)
    expect(await present()).toEqual(left)
    expect(await restore()).toMatchObject(after)
    expect(await present()).toEqual(left)
  })

  it('are refused for what neither the Salesforce org nor the plan has', () => {
    const finding = (path: string): Finding => ({
      ...{ severity: 'error', code: 'field_unknown', path, message: '', remedy: '' },
    })
    const field = (name: string) => ({ api_name: name, label: name, type: 'Text', length: 20 })
    const content = {
      plan: {
        objects: [
          { api_name: 'Lead', fields: [field('Planned__c')] },
          {
            api_name: 'Job__c',
            label: 'Job',
            plural_label: 'Jobs',
            name_field: { label: 'Name', type: 'Text' },
            fields: [field('Key__c')],
          },
        ],
      },
    }
    const left = (mapping: MappingDraft, path = 'fields.0.sfdc_field') =>
      errorsLeft([finding(path)], mapping, content).length
    expect(left(draft('job', 'planned__c'))).toBe(0)
    expect(left(draft('job', 'Job__r.Key__c'))).toBe(0)
    expect(left({ ...draft('job', 'Any__c'), sfdc_object: 'Job__c' }, 'sfdc_object')).toBe(0)
    expect(left({ ...draft('job'), external_id_field: 'Planned__c' }, 'external_id_field')).toBe(0)
    expect(left(draft('job', 'Other__c'))).toBe(1)
    expect(left({ ...draft('job'), external_id_field: 'Key__c' }, 'external_id_field')).toBe(1)
    expect(left({ ...draft('job'), sfdc_object: 'Other__c' }, 'sfdc_object')).toBe(1)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { createTopologyRig, type TopologyRig } from './testing/rig.ts'
import { describeOf } from './testing/salesforce-org.ts'

let rig: TopologyRig
let clientId: string

const COUNT = 40

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
  for (let i = 0; i < COUNT; i += 1) rig.org.put(`Job_${i}__c`, describeOf(`Job_${i}__c`, 6))
  rig.org.automations.validationRules.push({
    Id: '03dA',
    ValidationName: 'R',
    Active: true,
    ManageableState: 'installed',
    EntityDefinition: { QualifiedApiName: 'Job_1__c' },
    LastModifiedDate: '2026-01-02T10:00:00.000+0000',
  })
  clientId = await rig.client()
  await rig.pull(clientId)
  rig.org.change('Job_1__c', (object) => ({
    ...object,
    fields: (object.fields as JsonObject[]).map((field) =>
      field.name === 'Field_0__c' ? { ...field, length: 255 } : field,
    ),
  }))
  rig.org.put('Fresh__c', describeOf('Fresh__c', 4))
  rig.org.remove('Job_2__c')
  await rig.pull(clientId)
})

afterAll(async () => {
  await rig.close()
})

describe('topology.get', () => {
  it('gives the parts that were asked for, and nothing else', async () => {
    const parts = async (include: ('objects' | 'fields' | 'record_types' | 'automations')[]) => {
      const got = await rig.get({ client_id: clientId, objects: ['JOB_1__C', 'No__c'], include })
      const { objects, automations } = got
      return { names: Object.keys(objects ?? {}), object: objects?.Job_1__c, automations }
    }
    const fields = await parts(['fields'])
    expect(fields.names).toEqual(['Job_1__c'])
    expect(fields.object).toHaveProperty('fields')
    expect(fields.object).not.toHaveProperty('recordTypeInfos')
    expect(fields.automations).toBeNull()
    const bare = await parts(['objects', 'automations'])
    expect(bare.object).toMatchObject({ name: 'Job_1__c' })
    expect(bare.object).not.toHaveProperty('fields')
    expect(bare.automations).toHaveLength(1)
    const empty = await rig.get({ client_id: clientId, include: [] })
    expect(empty).toMatchObject({ status: 'complete', objects: null, automations: null })
  })

  it('holds no database connection while its reader is slow', async () => {
    const pieces = await rig.topology.get(rig.admin.tenant, { client_id: clientId })
    const reader = pieces[Symbol.asyncIterator]()
    // The first contents have been read, and the reader now pauses.
    for (let i = 0; i < 5; i += 1) await reader.next()
    expect(rig.db.pool.totalCount - rig.db.pool.idleCount).toBe(0)
    await reader.return?.()
  })

  it('answers the same to a missing and to a foreign client, snapshot and version', async () => {
    const other = await rig.client('00DWs000002AbCdMAK')
    const company = await rig.caller('company_admin', other)
    const [history] = (
      await rig.topology.history(rig.admin.tenant, { client_id: clientId, limit: 1 })
    ).items
    const told = (input: Parameters<typeof rig.topology.get>[1]) =>
      rig.topology.get(company.tenant, input).catch((error: unknown) => String(error))
    const nowhere = '01931f2a-7c00-7000-8000-00000000dead'
    expect(await told({ client_id: clientId })).toBe(await told({ client_id: nowhere }))
    expect(await told({ client_id: other, snapshot_id: history?.id })).toBe(
      await told({ client_id: other, snapshot_id: nowhere }),
    )
    await expect(
      rig.topology.get(rig.admin.tenant, { client_id: clientId, version: 99 }),
    ).rejects.toMatchObject({ code: 'not_found' })
    await expect(rig.topology.get(rig.admin.tenant, { client_id: other })).rejects.toMatchObject({
      code: 'no_snapshot',
    })
    await expect(
      rig.topology.diff(company.tenant, {
        client_id: other,
        from_version: 1,
        to_client_id: clientId,
        limit: 10,
      }),
    ).rejects.toMatchObject({ code: 'not_found', message: 'There is no such client.' })
  })
})

describe('topology.history', () => {
  it('pages through the snapshots, newest first', async () => {
    const page = (cursor?: string) =>
      rig.topology.history(rig.admin.tenant, { client_id: clientId, limit: 1, cursor })
    const first = await page()
    const second = await page(first.next_cursor ?? '')
    expect([...first.items, ...second.items].map(({ version }) => version)).toEqual([2, 1])
    expect(second.next_cursor).toBeNull()
  })
})

describe('topology.diff', () => {
  const diff = (more = {}) =>
    rig.topology.diff(rig.admin.tenant, {
      client_id: clientId,
      from_version: 1,
      limit: 100,
      ...more,
    })

  it('reports what changed between two versions', async () => {
    const found = await diff()
    expect(found.summary).toEqual({
      identical: false,
      objects: { added: 1, removed: 1, changed: 1 },
      fields: { added: 4, removed: 6, changed: 1 },
      automations: { added: 0, removed: 0, changed: 0 },
      visibility: { not_visible: 0, now_visible: 0, access_changed: 0 },
      not_compared: [],
    })
    expect(found.objects).toMatchObject([
      { api_name: 'Fresh__c', change: 'added', fields_count: 4, fields: [] },
      { api_name: 'Job_2__c', change: 'removed', fields_count: 6, fields: [] },
      {
        api_name: 'Job_1__c',
        change: 'changed',
        fields_count: null,
        fields: [
          {
            api_name: 'Field_0__c',
            change: 'changed',
            attributes: [{ name: 'length', before: 80, after: 255 }],
          },
        ],
      },
    ])
  })

  it('comes in pages that count everything', async () => {
    const whole = await diff()
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await diff({ limit: 1, cursor })
      expect(page.summary).toEqual(whole.summary)
      names.push(...page.objects.map(({ api_name: name }) => name))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(names).toEqual(whole.objects.map(({ api_name: name }) => name))
    await expect(diff({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid_cursor' })
  })

  it('is empty between a version and itself, and between two clients that are alike', async () => {
    expect((await diff({ from_version: 2, to_version: 2 })).summary.identical).toBe(true)
    const twin = await rig.client('00DWs000003AbCdMAK')
    await rig.pull(twin)
    const found = await diff({ from_version: 2, to_client_id: twin })
    expect(found).toMatchObject({ to: { client_id: twin, version: 1 }, objects: [] })
    expect(found.summary.identical).toBe(true)
  })
})

describe('a name that is in no snapshot', () => {
  it.each([
    ['Frsh__c', 'object_unknown', 'This version has no object Frsh__c. Did you mean Fresh__c?'],
    ['Jab_1__c', 'object_unknown', 'This version has no object Jab_1__c. Did you mean Job_1__c?'],
    ['Wholly_Different__c', 'object_unknown', 'This version has no object Wholly_Different__c.'],
  ])('%s is warned of by get', async (name, code, message) => {
    const found = await rig.get({ client_id: clientId, objects: ['JOB_3__c', name] })
    expect(found).toMatchObject({ warnings: [{ path: 'objects.1', code, message }] })
    expect(Object.keys(found.objects ?? {})).toEqual(['Job_3__c'])
  })

  it('is reported by a pull of it, with the nearest', async () => {
    const own = await rig.client('00DWs000004AbCdMAK')
    await rig.pull(own)
    const pulled = await rig.pull(own, { objects: ['Jab_1__c'] })
    expect(pulled.stats.unreadable).toMatchObject([
      {
        object: 'Jab_1__c',
        code: 'NOT_FOUND',
        message: expect.stringContaining('Did you mean Job_1__c?') as string,
      },
    ])
  })
})

describe('for other modules', () => {
  it('the newest complete snapshot gives describes by name, without case', async () => {
    const snapshot = await rig.topology.newestComplete(rig.admin.tenant, clientId)
    expect(snapshot?.version).toBe(2)
    const found = await snapshot?.readObjects(['job_1__C', 'Unknown__c'])
    expect([...(found?.keys() ?? [])]).toEqual(['Job_1__c'])
    expect(found?.get('Job_1__c')).toEqual(rig.org.objects.get('Job_1__c')?.describe)
    expect(await snapshot?.readAutomations()).toMatchObject([{ api_name: 'Job_1__c.R' }])
  })
})

describe('topology.pull', () => {
  it('answers with the end when the queue brings it there in time', async () => {
    await rig.jobs.start()
    const snapshot = await rig.topology.pull(rig.admin, {
      client_id: clientId,
      wait_seconds: 20,
    })
    expect(snapshot).toMatchObject({ status: 'complete', version: 3 })
  })
})

// What the connected user no longer sees is distinguished from what no longer exists.

import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { createTopologyRig, type TopologyRig } from './testing/rig.ts'
import { describeOf } from './testing/salesforce-org.ts'

const NOTHING = { added: 0, removed: 0, changed: 0 }

let rig: TopologyRig
let clientId: string

beforeEach(async () => {
  rig ??= await createTopologyRig(await createDatabase())
  const { org } = rig
  for (const set of [org.settings.hidden, org.settings.lacking]) set.clear()
  for (const name of [...org.objects.keys()]) org.remove(name)
  for (const name of ['Lead', 'Job__c', 'Place__c']) org.put(name, describeOf(name, 4))
  clientId = await rig.client(`00DWs${newId().slice(-13)}`)
  await rig.pull(clientId)
})

afterAll(() => rig.close())

/** Hides it from the connected user; a change of permissions changes every date. */
const hide = (...names: string[]): void => {
  for (const name of names) rig.org.settings.hidden.add(name)
  rig.org.touchEverything()
}

const show = (...names: string[]): void => {
  for (const name of names) rig.org.settings.hidden.delete(name)
  rig.org.touchEverything()
}

const dropField = (object: string, field: string): void => {
  rig.org.change(object, (of) => ({
    ...of,
    fields: (of.fields as JsonObject[]).filter(({ name }) => name !== field),
  }))
}

const diff = (from_version: number, to_version: number) =>
  rig.topology.diff(rig.admin.tenant, {
    client_id: clientId,
    from_version,
    to_version,
    limit: 100,
  })

/** `Name change` of each object, and `Name.Field change` of each field of it. */
const told = async (from: number, to: number): Promise<string[]> =>
  (await diff(from, to)).objects.flatMap(({ api_name: name, change, fields }) => [
    `${name} ${change}`,
    ...fields.map((field) => `${name}.${field.api_name} ${field.change}`),
  ])

describe('an object that the connected user no longer sees', () => {
  it('is not visible, and neither removed nor a change of the schema', async () => {
    hide('Job__c')
    const second = await rig.pull(clientId)
    expect(second).toMatchObject({
      objects_count: 2,
      changes_from_previous: NOTHING,
      stats: { not_visible: ['Job__c'], missing_permissions: [] },
    })
    expect((await diff(1, 2)).summary).toMatchObject({
      objects: NOTHING,
      fields: NOTHING,
      visibility: { not_visible: 1, now_visible: 0, access_changed: 0 },
    })
    expect(await told(1, 2)).toEqual(['Job__c not_visible'])
  })

  it('is distinguished from one that was deleted in the same hour', async () => {
    hide('Job__c')
    rig.org.remove('Place__c')
    const second = await rig.pull(clientId)
    expect(second).toMatchObject({
      changes_from_previous: { ...NOTHING, removed: 1 },
      stats: { not_visible: ['Job__c'] },
    })
    expect(await told(1, 2)).toEqual(['Place__c removed', 'Job__c not_visible'])
  })

  it('is not called removed where the user may not be told', async () => {
    rig.org.settings.lacking.add('ViewSetup').add('CustomizeApplication')
    hide('Job__c', 'Place__c')
    const second = await rig.pull(clientId)
    expect(second.changes_from_previous).toEqual(NOTHING)
    expect(second.stats).toMatchObject({
      not_visible: ['Job__c', 'Place__c'],
      missing_permissions: ['Customize Application', 'View Setup and Configuration'],
    })
  })

  it('is not called removed where Salesforce refuses to say', async () => {
    const refusal = { status: 400, errorCode: 'INVALID_TYPE', message: 'not supported' }
    rig.org.settings.unlistable.set('EntityDefinition', refusal)
    hide('Job__c')
    expect(await rig.pull(clientId)).toMatchObject({
      changes_from_previous: NOTHING,
      stats: { not_visible: ['Job__c'] },
    })
    rig.org.settings.unlistable.clear()
  })

  it('stays so while it is out of sight, and is not a new object when it is seen again', async () => {
    hide('Job__c')
    await rig.pull(clientId)
    expect((await rig.pull(clientId)).stats.not_visible).toEqual(['Job__c'])
    show('Job__c')
    const back = await rig.pull(clientId)
    expect(back).toMatchObject({ changes_from_previous: NOTHING, stats: { not_visible: [] } })
    expect(await told(3, 4)).toEqual(['Job__c now_visible'])
    expect((await diff(1, 4)).summary.identical).toBe(true)
  })

  it('is removed once it is known to be gone', async () => {
    hide('Job__c')
    await rig.pull(clientId)
    rig.org.remove('Job__c')
    expect(await rig.pull(clientId)).toMatchObject({
      changes_from_previous: { ...NOTHING, removed: 1 },
      stats: { not_visible: [] },
    })
    expect(await told(2, 3)).toEqual(['Job__c removed'])
    expect(await told(1, 3)).toEqual(['Job__c removed'])
  })

  it('is hidden also where only some objects were asked for', async () => {
    hide('Job__c')
    const part = await rig.pull(clientId, { objects: ['Job__c'] })
    expect(part).toMatchObject({
      objects_count: 2,
      changes_from_previous: NOTHING,
      stats: { not_visible: ['Job__c'] },
    })
    const other = await rig.pull(clientId, { objects: ['Lead'] })
    expect(other.stats.not_visible).toEqual(['Job__c'])
  })

  it('takes with it what is listed only beside it', async () => {
    rig.org.put('Job__History', describeOf('Job__History', 3))
    await rig.pull(clientId)
    hide('Job__c')
    rig.org.remove('Job__History')
    const third = await rig.pull(clientId)
    expect(third.stats.not_visible).toEqual(['Job__History', 'Job__c'])
  })
})

describe('a field that field-level security hides', () => {
  it('is not visible, while a deleted one is removed', async () => {
    hide('Lead.Field_0__c')
    dropField('Lead', 'Field_1__c')
    const second = await rig.pull(clientId)
    expect(second.stats.not_visible).toEqual(['Lead.Field_0__c'])
    expect(await told(1, 2)).toEqual([
      'Lead changed',
      'Lead.Field_0__c not_visible',
      'Lead.Field_1__c removed',
    ])
    expect((await diff(1, 2)).summary).toMatchObject({
      fields: { ...NOTHING, removed: 1 },
      visibility: { not_visible: 1 },
    })
  })

  it('alone changes nothing of the schema, coming and going', async () => {
    hide('Lead.Field_0__c')
    expect((await rig.pull(clientId)).changes_from_previous).toEqual(NOTHING)
    expect(await told(1, 2)).toEqual(['Lead not_visible', 'Lead.Field_0__c not_visible'])
    show('Lead.Field_0__c')
    expect((await rig.pull(clientId)).changes_from_previous).toEqual(NOTHING)
    expect(await told(2, 3)).toEqual(['Lead now_visible', 'Lead.Field_0__c now_visible'])
  })

  it('is removed once it is known to be gone, though its describe shows no change', async () => {
    hide('Lead.Field_0__c')
    await rig.pull(clientId)
    dropField('Lead', 'Field_0__c')
    await rig.pull(clientId)
    expect(await told(2, 3)).toEqual(['Lead changed', 'Lead.Field_0__c removed'])
  })

  it('is remembered through a time in which its whole object was hidden', async () => {
    hide('Job__c')
    await rig.pull(clientId)
    hide('Job__c.Field_0__c')
    show('Job__c')
    const third = await rig.pull(clientId)
    expect(third.stats.not_visible).toEqual(['Job__c.Field_0__c'])
    expect(await told(1, 3)).toEqual(['Job__c not_visible', 'Job__c.Field_0__c not_visible'])
  })

  it.each(['hidden', 'not describable', 'not asked for'])(
    'stays hidden while its object is %s',
    async (how) => {
      hide('Job__c.Field_0__c')
      await rig.pull(clientId)
      if (how === 'hidden') hide('Job__c')
      if (how === 'not describable') {
        rig.org.change('Job__c', (of) => ({ ...of, label: 'Changed' }))
        const refusal = { status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'No.' }
        rig.org.settings.unreadable.set('Job__c', refusal)
      }
      await rig.pull(clientId, how === 'not asked for' ? { objects: ['Lead'] } : {})
      rig.org.settings.unreadable.clear()
      if (how === 'hidden') show('Job__c')
      const last = await rig.pull(clientId)
      expect(last.stats.not_visible).toEqual(['Job__c.Field_0__c'])
      expect((await diff(2, last.version ?? 0)).summary).toMatchObject({ fields: NOTHING })
    },
  )
})

describe('what the user may do', () => {
  it('is a change of access where nothing else changed', async () => {
    rig.org.change('Lead', (of) => ({
      ...of,
      createable: false,
      fields: (of.fields as JsonObject[]).map((field) => ({ ...field, updateable: false })),
    }))
    expect((await rig.pull(clientId)).changes_from_previous).toEqual(NOTHING)
    const { objects, summary } = await diff(1, 2)
    expect(objects).toMatchObject([
      {
        api_name: 'Lead',
        change: 'access_changed',
        attributes: [{ name: 'createable', before: true, after: false }],
      },
    ])
    expect(summary).toMatchObject({ objects: NOTHING, fields: NOTHING })
  })

  it('voids what is known of dates, although Salesforce says that nothing changed', async () => {
    await rig.pull(clientId)
    rig.org.forgetAsked()
    rig.org.settings.lacking.add('ModifyMetadata')
    await rig.pull(clientId)
    expect([...rig.org.describes().values()]).toEqual([null, null, null])
  })
})

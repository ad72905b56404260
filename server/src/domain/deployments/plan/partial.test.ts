// A rollback of some components says exactly what is left, and the rest can follow: what an earlier
// rollback of the same deployment removed does not count as somebody else's change.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { readAccess } from '../../metadata/entries.ts'
import { parsePlan } from '../../plan/check.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'
import { readImages } from './images.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const text = (api_name: string) => ({ api_name, label: api_name, type: 'Text', length: 40 })
const object = (name: string, more: object = {}) => ({
  ...{ api_name: `${name}__c`, label: name, plural_label: `${name}s` },
  ...{ name_field: { label: 'Name', type: 'Text' } },
  fields: [text('One__c'), text('Two__c')],
  ...more,
})
const planOf = (name: string) => ({
  objects: [object(name, { record_types: [{ api_name: 'Sort', label: 'Sort' }] })],
  permissions: { permission_set: `Set_${name}`, profiles: ['Admin'] },
  layouts: [
    { object: `${name}__c`, layout: `${name} Layout`, section: 'Ours', fields: ['One__c'] },
  ],
  tabs: [`${name}__c`],
})
const named = (type: string, full_name: string) => ({ type, full_name })
const fieldOf = (object: string, name: string) => named('CustomField', `${object}__c.${name}__c`)
const namesIn = (list: readonly { type: string; full_name: string }[] = []): string[] =>
  list.map(({ type, full_name }) => `${type} ${full_name}`).sort()

/** What the permission set of the plan now gives access to, by list. */
const openedBy = async (plan: { permissions: { permission_set: string } }) => {
  const { files } = await readImages(rig.org, parsePlan(plan))
  const path = `permissionsets/${plan.permissions.permission_set}.permissionset`
  const access = readAccess(files.get(path) ?? '', 'PermissionSet')
  const keys = (list: string, member: string) => (access[list] ?? []).map((entry) => entry[member])
  return {
    objects: keys('objectPermissions', 'object'),
    fields: keys('fieldPermissions', 'field'),
    recordTypes: keys('recordTypeVisibilities', 'recordType'),
  }
}

describe('what a rollback of some components leaves', () => {
  it('goes with the next one: what our rollback removed is not somebody else’s change', async () => {
    const { id } = await rig.deploy(planOf('Rest'))
    const first = await rig.rollback(id, { components: [fieldOf('Rest', 'One')] })
    expect(namesIn(first.rollback?.removed)).toEqual(['CustomField Rest__c.One__c'])
    const told = await rig.rollback(id, { dry_run: true })
    expect(told.rollback).toMatchObject({ kept: [], remaining: [] })
    expect(namesIn(told.rollback?.removed)).toContain('CustomObject Rest__c')
    const done = await rig.rollback(id)
    expect(done).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], remaining: [], proof: { complete: true, differences: [] } },
    })
  })

  it('is removed only if nobody else has changed it', async () => {
    const { id } = await rig.deploy(planOf('Theirs'))
    await rig.rollback(id, { components: [fieldOf('Theirs', 'One')] })
    await rig.control.act('schema/alter-field', {
      ...{ org: rig.sfdcOrg.name, object: 'Theirs__c', name: 'Two__c' },
      changes: { length: 90 },
    })
    const { rollback } = await rig.rollback(id)
    expect(rollback?.status).toBe('partial')
    expect(rollback?.kept).toContainEqual(
      expect.objectContaining({
        ...named('CustomObject', 'Theirs__c'),
        reason: 'It, or something on it, has been changed by somebody else since: fields.',
      }),
    )
    // What stays is still accessible to those who had access, and the entries that give it are reported.
    expect(await openedBy(planOf('Theirs'))).toEqual({
      objects: ['Theirs__c'],
      fields: ['Theirs__c.Two__c'],
      recordTypes: ['Theirs__c.Sort'],
    })
    const opens =
      'It still gives access to Theirs__c, Theirs__c.Two__c, Theirs__c.Sort; these entries can be removed later.'
    expect(rollback?.remaining).toEqual(
      expect.arrayContaining([
        { ...named('PermissionSet', 'Set_Theirs'), reason: opens },
        expect.objectContaining(named('Profile', 'Admin')),
      ]),
    )
  })

  it('is still open: an object whose field stays keeps its own entry', async () => {
    await rig.deploy({
      objects: [object('Host')],
      permissions: { permission_set: null, assign_to_connected_user: false },
    })
    const plan = {
      objects: [{ api_name: 'Host__c', fields: [text('Three__c'), text('Four__c')] }],
      permissions: { permission_set: 'Set_Host' },
    }
    const { id } = await rig.deploy(plan)
    const { rollback } = await rig.rollback(id, {
      components: [fieldOf('Host', 'Three'), named('PermissionSet', 'Set_Host')],
    })
    expect(await openedBy(plan)).toEqual({
      objects: ['Host__c'],
      fields: ['Host__c.Four__c'],
      recordTypes: [],
    })
    expect(rollback?.remaining).toEqual([
      { ...fieldOf('Host', 'Four'), reason: 'Not named in components.' },
      {
        ...named('PermissionSet', 'Set_Host'),
        reason:
          'It still gives access to Host__c, Host__c.Four__c; these entries can be removed later.',
      },
    ])
    expect(await rig.rollback(id)).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], proof: { complete: true } },
    })
  })
})

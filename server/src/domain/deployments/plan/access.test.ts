// Salesforce refuses access without the access that it depends on. A plan does not mention that: it
// names a field, and all masters of its object get read access with it, without reducing existing
// access.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { awaitDeploy, startDeploy } from '../../../salesforce/deploy.ts'
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
const master = (api_name: string, reference_to: string, relationship_name: string) => ({
  ...{ api_name, label: api_name, type: 'MasterDetail', reference_to, relationship_name },
})
const object = (name: string, ...fields: object[]) => ({
  ...{ api_name: `${name}__c`, label: name, plural_label: `${name}s` },
  ...{ name_field: { label: 'Name', type: 'Text' }, fields },
})
const adding = (name: string, ...fields: object[]) => ({ api_name: name, fields })

const NO_ACCESS = { permission_set: null, assign_to_connected_user: false }

/** The holder's access to each object, as far as the plan's reading shows it. */
const rightsIn = async (plan: object, type: 'PermissionSet' | 'Profile', name: string) => {
  const { files } = await readImages(rig.org, parsePlan(plan))
  const path =
    type === 'Profile' ? `profiles/${name}.profile` : `permissionsets/${name}.permissionset`
  const entries = readAccess(files.get(path) ?? '', type).objectPermissions ?? []
  return new Map(
    entries.map(({ object: key = '', ...rights }) => [
      key,
      Object.keys(rights).filter((right) => rights[right] === 'true'),
    ]),
  )
}

describe('a plan for a detail that exists', () => {
  it('opens the master with a new field, and rolls both back', async () => {
    const plan = {
      objects: [adding('Placement_Fee__c', text('Due__c'))],
      permissions: { permission_set: 'Set_Fee' },
    }
    const done = await rig.deploy(plan)
    expect(done).toMatchObject({ status: 'deployed', error: null, warnings: [] })
    const rights = await rightsIn(plan, 'PermissionSet', 'Set_Fee')
    expect(rights.get('Placement__c')).toEqual(['allowRead'])
    expect(rights.get('Placement_Fee__c')).toContain('allowEdit')
    const again = await rig.deploy(plan)
    expect(new Set(again.components.map(({ action }) => action))).toEqual(new Set(['unchanged']))
    expect(await rig.rollback(done.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true } },
    })
  })

  it('gives access to all its masters, in the plan or not, up to the top', async () => {
    const plan = {
      objects: [object('Fee_Part', master('Fee__c', 'Placement_Fee__c', 'Parts'))],
      permissions: { permission_set: 'Set_Part' },
    }
    expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', error: null })
    const rights = await rightsIn(plan, 'PermissionSet', 'Set_Part')
    expect([...rights.keys()].sort()).toEqual(['Fee_Part__c', 'Placement_Fee__c', 'Placement__c'])
  })

  it('gives access to what its standard master is read through', async () => {
    const detail = object('Deal_Part', master('Deal__c', 'Opportunity', 'Deal_Parts'))
    await rig.deploy({ objects: [detail], permissions: NO_ACCESS })
    const plan = {
      objects: [adding('Deal_Part__c', text('Later__c'))],
      permissions: { permission_set: 'Set_Deal' },
    }
    expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', error: null })
    const rights = await rightsIn(plan, 'PermissionSet', 'Set_Deal')
    expect([rights.get('Opportunity'), rights.get('Account')]).toEqual([
      ['allowRead'],
      ['allowRead'],
    ])
  })

  it('opens both masters of a junction', async () => {
    const junction = object(
      'Junction',
      master('Left__c', 'Placement__c', 'Lefts'),
      master('Right__c', 'Contact', 'Rights'),
    )
    await rig.deploy({ objects: [junction], permissions: NO_ACCESS })
    const plan = {
      objects: [adding('Junction__c', text('Weight__c'))],
      permissions: { permission_set: 'Set_Junction' },
    }
    expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', error: null })
    const rights = await rightsIn(plan, 'PermissionSet', 'Set_Junction')
    expect([...rights.keys()].sort()).toEqual(['Account', 'Contact', 'Junction__c', 'Placement__c'])
  })
})

describe('Read on a master that another detail needs', () => {
  const fee = (field: string, permissions: object) => ({
    objects: [adding('Placement_Fee__c', text(field))],
    permissions,
  })
  const other = (name: string, permissions: object) => ({
    objects: [object(name, master('Above__c', 'Placement__c', `${name}s`))],
    permissions,
  })
  const reasonOf = (name: string) =>
    `Read access to Placement__c stays: ${name}__c is read through it.`

  it('stays in the permission set when the deployment that gave it is rolled back', async () => {
    const permissions = { permission_set: 'Set_Kept' }
    const first = await rig.deploy(fee('Kept__c', permissions))
    const second = await rig.deploy(other('Beside', permissions))
    expect(second).toMatchObject({ status: 'deployed', error: null })
    const done = await rig.rollback(first.id)
    expect(done).toMatchObject({ status: 'rolled_back', rollback: { error: null, remaining: [] } })
    expect(done.rollback?.kept).toMatchObject([
      {
        type: 'PermissionSet',
        reason: `It holds other entries by now. Only ours are removed. ${reasonOf('Beside')}`,
      },
    ])
    const rights = await rightsIn(other('Beside', permissions), 'PermissionSet', 'Set_Kept')
    expect(rights.get('Placement__c')).toEqual(['allowRead'])
    expect(rights.has('Placement_Fee__c')).toBe(false)
    expect(await rig.rollback(second.id)).toMatchObject({ status: 'rolled_back' })
  })

  it('stays in the profile too, and a dry run says so', async () => {
    const permissions = { ...NO_ACCESS, profiles: ['Admin'] }
    const first = await rig.deploy(fee('Kept_Too__c', permissions))
    expect(first).toMatchObject({ status: 'deployed', error: null })
    const second = await rig.deploy(other('Beside_Too', permissions))
    expect(second).toMatchObject({ status: 'deployed', error: null })
    const told = await rig.rollback(first.id, { dry_run: true })
    const kept = [{ type: 'Profile', reason: reasonOf('Beside_Too') }]
    expect(told.rollback).toMatchObject({ error: null, kept })
    const done = await rig.rollback(first.id)
    expect(done).toMatchObject({ status: 'rolled_back', rollback: { error: null, kept } })
    const rights = await rightsIn(other('Beside_Too', permissions), 'Profile', 'Admin')
    expect(rights.get('Placement__c')).toEqual(['allowRead'])
  })
})

describe('a profile that has more of a master', () => {
  it.each(['Placement__c', 'Account'])('keeps what it has of %s', async (above) => {
    const all = ['allowCreate', 'allowDelete', 'allowEdit', 'allowRead']
      .map((right) => `<${right}>true</${right}>`)
      .join('')
    const contents = {
      files: new Map([
        [
          'profiles/Admin.profile',
          `<?xml version="1.0" encoding="UTF-8"?><Profile xmlns="http://soap.sforce.com/2006/04/metadata"><objectPermissions>${all}<object>${above}</object></objectPermissions></Profile>`,
        ],
      ]),
      members: new Map([['Profile', ['Admin']]]),
    }
    const granted = await startDeploy(rig.org, buildDeployPackage(contents, 'v66.0'))
    expect(await awaitDeploy(rig.org, granted)).toMatchObject({ success: true })
    const name = above.replace('__c', '')
    const plan = {
      objects: [object(`Under_${name}`, master('Above__c', above, `Unders_${name}`))],
      permissions: { ...NO_ACCESS, profiles: ['Admin'] },
    }
    expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', error: null })
    const rights = await rightsIn(plan, 'Profile', 'Admin')
    expect(rights.get(above)).toEqual(expect.arrayContaining(['allowEdit', 'allowDelete']))
  })
})

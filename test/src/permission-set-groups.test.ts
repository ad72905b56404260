// Permission set groups through the public API: sets that are assigned together.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { actionsOf, planning, type Planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
  for (const fullName of ['Report', 'Forecast']) {
    await to.admin.metadata.upsert('PermissionSet', { fullName, label: fullName })
  }
  await to.admin.metadata.upsert('PermissionSetGroup', {
    fullName: 'Managers',
    label: 'Managers',
    permissionSets: ['Report'],
  })
})

const setsOf = async (name: string): Promise<string[]> =>
  [(await to.admin.metadata.read('PermissionSetGroup', name)).permissionSets ?? []].flat()

describe('permission set groups', () => {
  it('are made with the set of the plan, added to, left alone the second time, and rolled back', async () => {
    const wish = {
      objects: [{ api_name: 'Lead', fields: [text('Grade__c')] }],
      permissions: { permission_set: 'Graders', assign_to_connected_user: false },
      permission_set_groups: [
        { api_name: 'Sales', label: 'Sales', permission_sets: ['Graders', 'Report'] },
        { api_name: 'Managers', label: 'All managers', permission_sets: ['Graders'] },
      ],
    }
    const { findings } = await to.check(wish)
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['permission_set_group_exists', 'permission_set_group_new']),
    )
    expect(findings.filter(({ severity }) => severity === 'red')).toEqual([])

    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', error: null })
    expect(actionsOf(made)).toEqual(
      expect.arrayContaining(['Graders created', 'Sales created', 'Managers updated']),
    )
    expect((await setsOf('Sales')).toSorted()).toEqual(['Graders', 'Report'])

    const again = await to.deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    // What an administrator adds in the meantime stays.
    await to.admin.metadata.update('PermissionSetGroup', {
      fullName: 'Managers',
      label: 'All managers',
      permissionSets: ['Report', 'Graders', 'Forecast'],
    })
    const back = await to.rollback(made.id, { allow_data_loss: true })
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true, differences: [] } },
    })
    expect((await setsOf('Managers')).toSorted()).toEqual(['Forecast', 'Report'])
    expect(await to.admin.metadata.read('PermissionSetGroup', 'Managers')).toMatchObject({
      label: 'Managers',
    })
    const { records } = await to.admin.query(
      "SELECT Id FROM PermissionSetGroup WHERE DeveloperName = 'Sales'",
    )
    expect(records).toEqual([])
  })

  it('of somebody else keep a set of ours: the dry run and the rollback say so, and it goes once it is free', async () => {
    const made = await to.deploy({
      objects: [{ api_name: 'Lead', fields: [text('Mark__c')] }],
      permissions: { permission_set: 'Markers', assign_to_connected_user: false },
    })
    expect(made).toMatchObject({ status: 'deployed', error: null })
    await to.admin.metadata.upsert('PermissionSetGroup', {
      fullName: 'Desk',
      label: 'Desk',
      permissionSets: ['Markers'],
    })
    const remaining = [
      {
        ...{ type: 'PermissionSet', full_name: 'Markers' },
        reason: 'It is in the permission set group Desk. Remove it there first.',
      },
    ]
    expect(await to.rollback(made.id, { dry_run: true, allow_data_loss: true })).toMatchObject({
      rollback: { remaining },
    })
    expect(await to.rollback(made.id, { allow_data_loss: true })).toMatchObject({
      status: 'deployed',
      error: null,
      rollback: { remaining, removed: [{ full_name: 'Lead.Mark__c' }] },
    })
    await to.admin.metadata.delete('PermissionSetGroup', 'Desk')
    expect(await to.rollback(made.id, { allow_data_loss: true })).toMatchObject({
      status: 'rolled_back',
    })
  })

  it('are not the only holders: a set of ours that somebody else assigned stays, with the reason', async () => {
    const made = await to.deploy({
      objects: [{ api_name: 'Lead', fields: [text('Note__c')] }],
      permissions: { permission_set: 'Noters', assign_to_connected_user: false },
    })
    const { records: sets } = await to.admin.query(
      "SELECT Id FROM PermissionSet WHERE Name = 'Noters'",
    )
    const { records: users } = await to.admin.query(
      `SELECT Id FROM User WHERE Username = '${to.salesforce.usernameOf('admin')}'`,
    )
    await to.admin.sobject('PermissionSetAssignment').create({
      PermissionSetId: sets[0]?.Id,
      AssigneeId: users[0]?.Id,
    })
    expect(await to.rollback(made.id, { allow_data_loss: true })).toMatchObject({
      status: 'rolled_back',
      rollback: {
        kept: [
          {
            full_name: 'Noters',
            reason: 'It is assigned to 1 other user. Only ours are removed.',
          },
        ],
      },
    })
  })

  it('are refused sets that do not exist, by the report and by Salesforce', async () => {
    const wish = {
      permission_set_groups: [
        { api_name: 'Nobody', label: 'Nobody', permission_sets: ['Nothing'] },
      ],
    }
    const { findings } = await to.check(wish)
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'permission_set_group_set_missing',
        severity: 'red',
        path: 'permission_set_groups.0.permission_sets',
      }),
    )
    expect(await to.deploy(wish)).toMatchObject({
      status: 'failed',
      error: { code: 'components_failed' },
    })
  })
})

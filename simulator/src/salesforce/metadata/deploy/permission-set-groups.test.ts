// Permission set groups, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, fieldNames, startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
  for (const name of ['Sell', 'Report']) {
    await sim.control.act('permissions/create-set', { org: 'Acme', name })
  }
})
afterAll(() => sim.close())

const sets = (...names: string[]) =>
  names.map((name) => `<permissionSets>${name}</permissionSets>`).join('')
const groupZip = (content: string, name = 'Sales') =>
  zipOf(
    { PermissionSetGroup: [name] },
    {
      [`permissionsetgroups/${name}.permissionsetgroup`]: file(
        'PermissionSetGroup',
        `${content}<label>Sales people</label>`,
      ),
    },
  )
const deletionZip = (type: string, name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>${type}</name></types><version>67.0</version>`,
      ),
    },
  )
const idOf = async (soql: string) => (await jsforce.query(soql)).records[0]?.Id ?? ''

describe('a permission set group', () => {
  it('contains up to a hundred permission sets', async () => {
    const names = Array.from({ length: 101 }, (_, at) => `Set_${at}`)
    for (const name of names) {
      await sim.control.act('permissions/create-set', { org: 'Acme', name })
    }
    expect(await problemOf(jsforce, groupZip(sets(...names)))).toContain('up to 100')
    expect((await deploy(jsforce, groupZip(sets(...names.slice(1))))).failures).toEqual([])
  })

  it('is made, read and queried, and left alone the second time', async () => {
    const content = `<description>Who sells</description>${sets('Sell', 'Report')}`
    expect((await deploy(jsforce, groupZip(content))).failures).toEqual([])
    expect(await jsforce.metadata.read('PermissionSetGroup', 'Sales')).toMatchObject({
      description: 'Who sells',
      label: 'Sales people',
      permissionSets: ['Report', 'Sell'],
      status: 'Updated',
    })
    const { records } = await jsforce.query(
      "SELECT PermissionSet.Name, PermissionSetGroup.MasterLabel FROM PermissionSetGroupComponent WHERE PermissionSetGroup.DeveloperName = 'Sales' ORDER BY PermissionSet.Name",
    )
    expect(records).toMatchObject([
      { PermissionSet: { Name: 'Report' }, PermissionSetGroup: { MasterLabel: 'Sales people' } },
      { PermissionSet: { Name: 'Sell' } },
    ])
    const turned = `<description>Who sells</description><hasActivationRequired>false</hasActivationRequired>${sets('Report', 'Sell')}<status>Outdated</status>`
    const again = await deploy(jsforce, groupZip(turned))
    expect(again.successes.find(({ fullName }) => fullName === 'Sales')).toMatchObject({
      created: false,
      changed: false,
    })
  })

  it('holds only the sets of its file', async () => {
    await deploy(jsforce, groupZip(sets('Sell', 'Report')))
    await deploy(jsforce, groupZip(sets('Report')))
    expect(await jsforce.metadata.read('PermissionSetGroup', 'Sales')).toMatchObject({
      permissionSets: ['Report'],
    })
  })

  const cases: [string, Buffer, string][] = [
    [
      'with sets that are not there',
      groupZip(sets('Sell', 'Nope')),
      'since the following permission set names are invalid: Nope',
    ],
    ['with a name that is none', groupZip(sets('Sell'), 'A__B'), 'API Name'],
    [
      'with a description that is too long',
      groupZip(`<description>${'x'.repeat(256)}</description>`),
      'Description maximum length is:255',
    ],
  ]
  it.each(cases)('is refused %s', async (_what, zip, problem) => {
    expect(await problemOf(jsforce, zip)).toContain(problem)
  })

  it('grants what its sets grant to those who have it, and stays while somebody does', async () => {
    await deploy(jsforce, fieldZip('Lead.Grade__c', '<type>Text</type><length>5</length>'))
    const restricted = (await sim.control.orgs())[0]?.usernames[2] ?? ''
    await deploy(
      jsforce,
      zipOf(
        { PermissionSet: ['Sell'] },
        {
          'permissionsets/Sell.permissionset': file(
            'PermissionSet',
            '<fieldPermissions><editable>false</editable><field>Lead.Grade__c</field><readable>true</readable></fieldPermissions><label>Sell</label><objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>false</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Lead</object><viewAllRecords>false</viewAllRecords></objectPermissions>',
          ),
        },
      ),
    )
    await deploy(jsforce, groupZip(sets('Sell')))
    const assigned = await jsforce.sobject('PermissionSetAssignment').create({
      AssigneeId: await idOf(`SELECT Id FROM User WHERE Username = '${restricted}'`),
      PermissionSetGroupId: await idOf(
        "SELECT Id FROM PermissionSetGroup WHERE DeveloperName = 'Sales'",
      ),
    })
    expect(await fieldNames(await clientOf(sim.control, 'Acme', restricted), 'Lead')).toContain(
      'Grade__c',
    )
    const { records } = await jsforce.query(
      'SELECT PermissionSet.Type, PermissionSet.Name FROM PermissionSetAssignment WHERE PermissionSetGroupId != null',
    )
    expect(records).toMatchObject([{ PermissionSet: { Type: 'Group', Name: 'Sales' } }])
    expect(await problemOf(jsforce, deletionZip('PermissionSetGroup', 'Sales'))).toContain(
      'assigned to users',
    )
    await jsforce.sobject('PermissionSetAssignment').delete(assigned.id ?? '')
    expect((await deploy(jsforce, deletionZip('PermissionSetGroup', 'Sales'))).failures).toEqual([])
  })

  it('keeps its sets from being deleted', async () => {
    await deploy(jsforce, groupZip(sets('Sell')))
    expect(await problemOf(jsforce, deletionZip('PermissionSet', 'Sell'))).toContain(
      'in a permission set group and cannot be deleted: Sales',
    )
  })
})

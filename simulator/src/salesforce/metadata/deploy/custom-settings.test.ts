// Custom settings, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, file, problemOf, zipOf, type Deployed } from './testing/deploys.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const FIELDS =
  '<fields><fullName>Limit__c</fullName><label>Limit</label><precision>5</precision><required>false</required><scale>0</scale><type>Number</type></fields><fields><fullName>On__c</fullName><defaultValue>true</defaultValue><label>On</label><type>Checkbox</type></fields>'

const setting = (kind: string, { fields = FIELDS, more = '', name = 'Pace__c' } = {}) =>
  zipOf(
    { CustomObject: [name] },
    {
      [`objects/${name}.object`]: file(
        'CustomObject',
        `<customSettingsType>${kind}</customSettingsType><enableFeeds>false</enableFeeds>${fields}<label>Pace</label><visibility>Public</visibility>${more}`,
      ),
    },
  )

const put = async (kind: string): Promise<Deployed> => {
  const deployed = await deploy(jsforce, setting(kind))
  expect(deployed.failures).toEqual([])
  return deployed
}

const rows = async (soql: string) =>
  (await jsforce.query(soql)).records.map(({ attributes: _, ...row }) => row)

const refused = async (save: PromiseLike<unknown>): Promise<string> =>
  await save.then(String, String)

const idOf = async (soql: string) => String((await rows(soql))[0]?.['Id'])

describe('a custom setting', () => {
  it('is described as one, its fields open to everybody who sees it', async () => {
    await put('Hierarchy')
    const described = await jsforce.describe('Pace__c')
    expect(described).toMatchObject({
      customSetting: true,
      custom: true,
      createable: true,
      layoutable: false,
      searchable: false,
      triggerable: false,
      undeletable: false,
    })
    expect(described.fields.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Name', 'SetupOwnerId', 'Limit__c', 'On__c']),
    )
    expect(described.fields.find(({ name }) => name === 'SetupOwnerId')).toMatchObject({
      referenceTo: ['Organization', 'Profile', 'User'],
      relationshipName: 'SetupOwner',
      updateable: false,
    })
    expect(described.fields.map(({ name }) => name)).not.toContain('OwnerId')
    const [read] = await jsforce.metadata.read('CustomObject', ['Pace__c'])
    expect(read).toMatchObject({ customSettingsType: 'Hierarchy', visibility: 'Public' })
    const again = await deploy(jsforce, setting('Hierarchy'))
    expect(again.successes.filter(({ changed }) => changed)).toHaveLength(1)
  })

  it('of a hierarchy has one row for the org, and for each profile and user', async () => {
    await put('Hierarchy')
    const org = await idOf('SELECT Id FROM Organization')
    const profile = await idOf("SELECT Id FROM Profile WHERE Name = 'System Administrator'")
    await jsforce.create('Pace__c', { Limit__c: 3 })
    expect(
      await rows('SELECT SetupOwnerId, SetupOwner.Name, Limit__c, On__c FROM Pace__c'),
    ).toEqual([expect.objectContaining({ SetupOwnerId: org, Limit__c: 3, On__c: true })])
    expect(await refused(jsforce.create('Pace__c', { SetupOwnerId: org }))).toContain(
      `duplicate value found: SetupOwnerId duplicates value on record with id: ${org.slice(0, 15)}`,
    )
    const { id = '' } = await jsforce.create('Pace__c', { SetupOwnerId: profile, Limit__c: 4 })
    expect(await refused(jsforce.update('Pace__c', { Id: id, SetupOwnerId: org }))).toContain(
      'SetupOwnerId',
    )
    expect(
      await refused(jsforce.create('Pace__c', { SetupOwnerId: '001000000000001AAA' })),
    ).toContain('id value of incorrect type')
    // It is deleted permanently, so that a new one can take its place.
    await jsforce.destroy('Pace__c', id)
    expect((await jsforce.query('SELECT Id FROM Pace__c', { scanAll: true })).totalSize).toBe(1)
    await jsforce.create('Pace__c', { SetupOwnerId: profile })
  })

  it('of a list has rows of the org, each with its name', async () => {
    await put('List')
    await jsforce.create('Pace__c', { Name: 'Fast', Limit__c: 9 })
    expect(await refused(jsforce.create('Pace__c', { Name: 'fast' }))).toContain(
      'duplicate value found: Name',
    )
    expect(await refused(jsforce.create('Pace__c', { Limit__c: 1 }))).toContain('[Name]')
    expect(await refused(jsforce.create('Pace__c', { Name: 'x'.repeat(39) }))).toContain(
      'max length=38',
    )
    expect(await rows("SELECT Limit__c FROM Pace__c WHERE Name = 'Fast'")).toEqual([
      { Limit__c: 9 },
    ])
  })

  it('is refused with what only other objects have', async () => {
    const problem = (kind: string, options = {}) => problemOf(jsforce, setting(kind, options))
    expect(await problem('Tree')).toBe(
      "'Tree' is not a valid value for the enum 'CustomSettingsType'",
    )
    expect(await problem('List', { more: '<sharingModel>Read</sharingModel>' })).toContain(
      'sharingModel',
    )
    const lookup =
      '<fields><fullName>Who__c</fullName><label>Who</label><referenceTo>User</referenceTo><type>Lookup</type></fields>'
    expect(await problem('List', { fields: lookup })).toBe(
      'A custom setting has no fields of type Lookup',
    )
    await put('List')
    expect(await problem('Hierarchy')).toContain('Cannot change the customSettingsType')
    expect(await problem('List', { name: 'Placement__c' })).toContain('no custom setting')
    const toSetting = zipOf(
      { CustomField: ['Lead.Pace__c'] },
      {
        'objects/Lead.object': file(
          'CustomObject',
          '<fields><fullName>Pace__c</fullName><label>Pace</label><referenceTo>Pace__c</referenceTo><relationshipName>Leads</relationshipName><type>Lookup</type></fields>',
        ),
      },
    )
    expect(await problemOf(jsforce, toSetting)).toContain(
      'does not resolve to a valid sObject type',
    )
  })

  it('is read by those who are let, and written by those who customize', async () => {
    await put('Hierarchy')
    await jsforce.create('Pace__c', { Limit__c: 3 })
    const [org] = await sim.control.orgs()
    const username = org?.usernames.find((each) => each.startsWith('restricted')) ?? ''
    const other = await connect(sim, 'Acme', username)
    expect(await refused(other.query('SELECT Id FROM Pace__c'))).toContain('INVALID_TYPE')
    const grant = zipOf(
      { PermissionSet: ['Paces'] },
      {
        'permissionsets/Paces.permissionset': file(
          'PermissionSet',
          '<customSettingAccesses><enabled>true</enabled><name>Pace__c</name></customSettingAccesses><label>Paces</label>',
        ),
      },
    )
    expect((await deploy(jsforce, grant)).failures).toEqual([])
    await sim.control.act('permissions/assign', { org: 'Acme', username, set: 'Paces' })
    expect((await other.query('SELECT Limit__c FROM Pace__c')).totalSize).toBe(1)
    expect(await refused(other.create('Pace__c', { Limit__c: 1 }))).toContain(
      'entity type cannot be inserted: Pace',
    )
  })
})

describe('$Setup', () => {
  const rule = (formula: string) =>
    zipOf(
      { ValidationRule: ['Account.Paced'] },
      {
        'objects/Account.object': file(
          'CustomObject',
          `<validationRules><fullName>Paced</fullName><active>true</active><errorConditionFormula>${formula}</errorConditionFormula><errorMessage>Too fast</errorMessage></validationRules>`,
        ),
      },
    )
  const saves = async () =>
    refused(jsforce.create('Account', { Name: 'A', NumberOfEmployees: 10 })).then(
      (answer) => !answer.includes('Too fast'),
    )
  const me = async () => (await jsforce.identity()).user_id

  it('has each value from the lowest level that defines it: user, profile, org', async () => {
    await put('Hierarchy')
    const formula = 'NumberOfEmployees &gt; $Setup.Pace__c.Limit__c'
    expect((await deploy(jsforce, rule(formula))).failures).toEqual([])
    // Nothing is defined: blank, and a comparison with blank is not true.
    expect(await saves()).toBe(true)
    await jsforce.create('Pace__c', { Limit__c: 3 })
    expect(await saves()).toBe(false)
    const [user] = await rows(`SELECT ProfileId FROM User WHERE Id = '${await me()}'`)
    const profile = String(user?.['ProfileId'])
    await jsforce.create('Pace__c', { SetupOwnerId: profile, Limit__c: 50 })
    expect(await saves()).toBe(true)
    const { id } = await jsforce.create('Pace__c', { SetupOwnerId: await me(), Limit__c: 4 })
    expect(await saves()).toBe(false)
    // What the user's own row leaves blank is the profile's.
    await jsforce.update('Pace__c', { Id: String(id), Limit__c: null })
    expect(await saves()).toBe(true)
  })

  it('names only settings of the type hierarchy', async () => {
    await put('List')
    expect(await problemOf(jsforce, rule('$Setup.Pace__c.Limit__c &gt; 1'))).toBe(
      'Field $Setup.Pace__c.Limit__c does not exist. Check spelling.',
    )
  })
})

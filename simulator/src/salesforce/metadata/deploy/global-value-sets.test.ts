// Global value sets and the fields that use them, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, file, problemOf, zipOf, type Files } from './testing/deploys.ts'

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

type Value = string | { name: string; label?: string; more?: string }

const valueOf = (value: Value): string => {
  const { name, label = name, more = '' } = typeof value === 'string' ? { name: value } : value
  return `<customValue><fullName>${name}</fullName><default>false</default>${more}<label>${label}</label></customValue>`
}

const setFile = (
  values: Value[],
  { label = 'Tiers', sorted = 'false', more = '' } = {},
): Files => ({
  'globalValueSets/Tiers.globalValueSet': file(
    'GlobalValueSet',
    `${values.map(valueOf).join('')}${more}<masterLabel>${label}</masterLabel><sorted>${sorted}</sorted>`,
  ),
})

const setZip = (values: Value[], options: Parameters<typeof setFile>[1] = {}) =>
  zipOf({ GlobalValueSet: ['Tiers'] }, setFile(values, options))

const FROM_SET = '<restricted>true</restricted><valueSetName>Tiers</valueSetName>'

const fieldOn = (valueSet: string, more = '', name = 'Tier__c') =>
  `<fields><fullName>${name}</fullName><label>Tier</label>${more}<type>Picklist</type><valueSet>${valueSet}</valueSet></fields>`

const fieldZip = (valueSet: string) =>
  zipOf(
    { CustomField: ['Lead.Tier__c'] },
    { 'objects/Lead.object': file('CustomObject', fieldOn(valueSet)) },
  )

/** The set, two fields that use it and a permission set that shows them, in one package. */
const everything = (values: Value[]) =>
  zipOf(
    {
      CustomField: ['Lead.Tier__c', 'Placement__c.Tier__c'],
      GlobalValueSet: ['Tiers'],
      PermissionSet: ['Tiers'],
    },
    {
      ...setFile(values),
      'objects/Lead.object': file('CustomObject', fieldOn(FROM_SET)),
      'objects/Placement__c.object': file('CustomObject', fieldOn(FROM_SET)),
      'permissionsets/Tiers.permissionset': file(
        'PermissionSet',
        `${['Lead.Tier__c', 'Placement__c.Tier__c']
          .map(
            (field) =>
              `<fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions>`,
          )
          .join('')}<label>Tiers</label>`,
      ),
    },
  )

/** Deploys all of it and lets the administrator see the fields. */
const putEverything = async (values: Value[]) => {
  const deployed = await deploy(jsforce, everything(values))
  expect(deployed.failures).toEqual([])
  const username = (await sim.control.orgs())[0]?.usernames[0] ?? ''
  await sim.control.act('permissions/assign', { org: 'Acme', username, set: 'Tiers' })
  return deployed
}

interface Shown {
  name: string
  restrictedPicklist: boolean
  picklistValues: { value: string; label: string; active: boolean; validFor: string | null }[]
}

const fieldOf = async (object: string, name: string): Promise<Shown> => {
  const { fields } = (await jsforce.sobject(object).describe()) as unknown as { fields: Shown[] }
  const field = fields.find((each) => each.name === name)
  if (field === undefined) throw new Error(`${object} shows no ${name}`)
  return field
}

/** The values that describe shows, an inactive one in brackets. */
const shown = async (object = 'Lead', name = 'Tier__c') => {
  return (await fieldOf(object, name)).picklistValues.map(({ value, label, active }) => {
    const text = label === value ? value : `${value}=${label}`
    return active ? text : `(${text})`
  })
}

const listed = async () =>
  [await jsforce.metadata.list([{ type: 'GlobalValueSet' }], '67.0')]
    .flat()
    .map((each) => each.fullName)

const readSet = async (name = 'Tiers') => {
  const read = (await jsforce.metadata.read('GlobalValueSet', name)) as unknown
  return read as {
    fullName?: string
    masterLabel?: string
    sorted?: boolean
    description?: string
    customValue?: { fullName: string; label: string; isActive?: boolean; default: boolean }[]
  }
}

describe('a global value set', () => {
  it('comes with the fields that use it in one package, and they show its values, restricted', async () => {
    const { successes } = await putEverything(['Gold', 'Silver'])
    // For a new set, Salesforce reports its internal name.
    expect(successes.find(({ componentType }) => componentType === 'GlobalValueSet')).toMatchObject(
      {
        fullName: 'Tiers__gvs',
        fileName: 'globalValueSets/Tiers.globalValueSet',
        created: true,
      },
    )
    expect(await shown()).toEqual(['Gold', 'Silver'])
    expect(await shown('Placement__c')).toEqual(['Gold', 'Silver'])
    expect(await fieldOf('Lead', 'Tier__c')).toMatchObject({
      restrictedPicklist: true,
      dependentPicklist: false,
    })
  })

  it('holds records to its values', async () => {
    await putEverything(['Gold', 'Silver'])
    const leads = jsforce.sobject('Lead')
    const lead = (Tier__c: string) => ({ LastName: 'Ada', Company: 'Engines', Tier__c })
    expect(await leads.create(lead('Gold'))).toMatchObject({ success: true })
    await expect(leads.create(lead('Bronze'))).rejects.toMatchObject({
      errorCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    })
    await deploy(jsforce, setZip(['Silver', 'Bronze']))
    expect(await leads.create(lead('Bronze'))).toMatchObject({ success: true })
    await expect(leads.create(lead('Gold'))).rejects.toMatchObject({
      errorCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    })
  })

  it('passes each change on to its fields: new values, labels, order; what is left out is inactive', async () => {
    await putEverything(['Gold', 'Silver', 'Bronze'])
    const { successes } = await deploy(
      jsforce,
      setZip(['Platinum', { name: 'Silver', label: 'Argent' }, 'Gold']),
    )
    expect(successes.find(({ componentType }) => componentType === 'GlobalValueSet')).toMatchObject(
      {
        fullName: 'Tiers',
        created: false,
        changed: true,
      },
    )
    expect(await shown()).toEqual(['Platinum', 'Silver=Argent', 'Gold', '(Bronze)'])
    expect(await shown('Placement__c')).toEqual(['Platinum', 'Silver=Argent', 'Gold', '(Bronze)'])

    const off = { name: 'Gold', more: '<isActive>false</isActive>' }
    await deploy(jsforce, setZip(['Platinum', off, 'Bronze']))
    expect(await shown()).toEqual(['Platinum', '(Gold)', 'Bronze', '(Silver=Argent)'])
  })

  it('moves the date of the describes of its fields, and of no others', async () => {
    await putEverything(['Gold'])
    const client = await clientOf(sim.control)
    const modified = async (object: string) =>
      (await client.get(`/sobjects/${object}/describe`)).headers.get('last-modified')
    const before = { lead: await modified('Lead'), contact: await modified('Contact') }
    await deploy(jsforce, setZip(['Gold', 'Silver']))
    expect(await modified('Lead')).not.toBe(before.lead)
    expect(await modified('Contact')).toBe(before.contact)
  })

  it('says that nothing changed when nothing did', async () => {
    await deploy(jsforce, setZip(['Gold']))
    const { successes } = await deploy(jsforce, setZip(['Gold']))
    expect(successes.find(({ componentType }) => componentType === 'GlobalValueSet')).toMatchObject(
      {
        changed: false,
        created: false,
      },
    )
  })

  it('gives its default to the field, and its values by label where it is sorted', async () => {
    await putEverything(['Silver', 'Gold'])
    const client = await clientOf(sim.control)
    const values =
      '<customValue><fullName>Bronze</fullName><default>true</default><label>Bronze</label></customValue>'
    await deploy(jsforce, setZip(['Silver', 'Gold'], { sorted: 'true', more: values }))
    expect(await shown()).toEqual(['Bronze', 'Gold', 'Silver'])
    const { id } = await bodyOf<{ id: string }>(
      await client.post('/sobjects/Lead', { LastName: 'Ada', Company: 'Engines' }),
    )
    expect(await jsforce.sobject('Lead').retrieve(id)).toMatchObject({ Tier__c: 'Bronze' })
  })

  it('leaves nothing when its package fails', async () => {
    await putEverything(['Gold'])
    const { result } = await deploy(
      jsforce,
      zipOf(
        { GlobalValueSet: ['Tiers'], CustomField: ['Lead.Bad__c'] },
        {
          ...setFile(['Gold', 'Silver']),
          'objects/Lead.object': file('CustomObject', fieldOn('', '', 'Bad__c')),
        },
      ),
    )
    expect(result.success).toBe(false)
    expect(await shown()).toEqual(['Gold'])
    expect((await readSet()).customValue).toHaveLength(1)
  })

  it('recalculates what depends on a field of it', async () => {
    await putEverything(['Gold', 'Silver'])
    const dependent = `<fields><fullName>Perk__c</fullName><label>Perk</label><type>Picklist</type><valueSet><controllingField>Tier__c</controllingField><restricted>true</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>Lounge</fullName><default>false</default><label>Lounge</label></value></valueSetDefinition><valueSettings><controllingFieldValue>Silver</controllingFieldValue><valueName>Lounge</valueName></valueSettings></valueSet></fields>`
    await deploy(
      jsforce,
      zipOf(
        { CustomField: ['Lead.Perk__c'] },
        { 'objects/Lead.object': file('CustomObject', dependent) },
      ),
    )
    await sim.control.act('permissions/grant-field', {
      org: 'Acme',
      set: 'Tiers',
      field: 'Lead.Perk__c',
    })
    const bits = async () => (await fieldOf('Lead', 'Perk__c')).picklistValues[0]?.validFor
    expect(await bits()).toBe('QAAA')
    await deploy(jsforce, setZip(['Silver', 'Gold']))
    expect(await bits()).toBe('gAAA')
  })
})

describe('a global value set is refused', () => {
  const longer = Array.from({ length: 1001 }, (_, n) => `V${n}`)
  it.each<[string, () => Buffer, string | RegExp]>([
    [
      'for a value twice',
      () => setZip(['Gold', { name: 'gold', label: 'Other' }]),
      'duplicate value found: gold is defined multiple times',
    ],
    [
      'for a label twice',
      () => setZip(['Gold', { name: 'Or', label: 'Gold' }]),
      'Duplicate label: Gold',
    ],
    ['without values', () => setZip([]), 'Required field is missing: customValue'],
    [
      'without a label',
      () => setZip(['Gold'], { label: '' }),
      'Required field is missing: masterLabel',
    ],
    ['without sorted', () => setZip(['Gold'], { sorted: '' }), 'Required field is missing: sorted'],
    ['with more than 1,000 values', () => setZip(longer), /1000 values at most/],
    [
      'with a long description',
      () => setZip(['Gold'], { more: `<description>${'x'.repeat(256)}</description>` }),
      'Value too long for field: Description maximum length is:255',
    ],
    [
      'for its name',
      () =>
        zipOf(
          { GlobalValueSet: ['1st__Tier'] },
          {
            'globalValueSets/1st__Tier.globalValueSet': file(
              'GlobalValueSet',
              `${valueOf('Gold')}<masterLabel>First</masterLabel><sorted>false</sorted>`,
            ),
          },
        ),
      /^The Global Value Set API Name can only contain/,
    ],
  ])('%s', async (_name, zip, problem) => {
    const told = await problemOf(jsforce, zip())
    if (typeof problem === 'string') expect(told).toBe(problem)
    else expect(told).toMatch(problem)
    expect(await listed()).toEqual([])
  })

  it('with more than 1,000 values when those that it leaves out are counted', async () => {
    await deploy(jsforce, setZip(['Old', 'Older']))
    expect(await problemOf(jsforce, setZip(longer.slice(0, 999)))).toMatch(/1000 values at most/)
  })
})

describe('a field of a global value set', () => {
  it('is refused for a set that does not exist, until it is', async () => {
    expect(await problemOf(jsforce, fieldZip(FROM_SET))).toBe(
      'In field: valueSetName - no GlobalValueSet named Tiers found',
    )
    await deploy(jsforce, setZip(['Gold']))
    expect((await deploy(jsforce, fieldZip(FROM_SET))).failures).toEqual([])
    // A second time it is the same.
    const { successes } = await deploy(jsforce, fieldZip(FROM_SET))
    expect(successes.find(({ componentType }) => componentType === 'CustomField')).toMatchObject({
      changed: false,
    })
  })

  it('keeps the set that it has, as a list of its own stays one', async () => {
    const own =
      '<valueSetDefinition><sorted>false</sorted><value><fullName>Gold</fullName><default>false</default><label>Gold</label></value></valueSetDefinition>'
    const words = 'Cannot change which global value set this picklist uses.'
    await deploy(jsforce, setZip(['Gold']))
    await deploy(jsforce, fieldZip(own))
    expect(await problemOf(jsforce, fieldZip(FROM_SET))).toBe(words)
    await deploy(
      jsforce,
      zipOf({}, { 'destructiveChanges.xml': destructive({ CustomField: ['Lead.Tier__c'] }) }),
    )
    expect((await deploy(jsforce, fieldZip(FROM_SET))).failures).toEqual([])
    expect(await problemOf(jsforce, fieldZip(own))).toBe(words)
  })

  it('is given back with the name of the set, and restricted whatever was deployed', async () => {
    await deploy(jsforce, setZip(['Gold']))
    await deploy(jsforce, fieldZip('<valueSetName>Tiers</valueSetName>'))
    const read = (await jsforce.metadata.read('CustomField', 'Lead.Tier__c')) as unknown
    expect(read).toMatchObject({ valueSet: { restricted: true, valueSetName: 'Tiers' } })
    expect(read).not.toHaveProperty('valueSet.valueSetDefinition.value')
    const { records } = await jsforce.tooling.query<{ Metadata: unknown }>(
      "SELECT Metadata FROM CustomField WHERE TableEnumOrId = 'Lead' AND DeveloperName = 'Tier'",
    )
    expect(records[0]?.Metadata).toMatchObject({
      valueSet: { restricted: true, valueSetName: 'Tiers' },
    })
  })

  it('takes no values from the control port: they are changed in the set', async () => {
    await putEverything(['Gold'])
    await expect(
      sim.control.act('schema/add-picklist-value', {
        org: 'Acme',
        object: 'Lead',
        name: 'Tier__c',
        value: 'Silver',
      }),
    ).rejects.toThrow('has the values of the global value set Tiers')
  })
})

const destructive = (members: Record<string, string[]>) =>
  file(
    'Package',
    Object.entries(members)
      .map(
        ([name, names]) =>
          `<types>${names.map((each) => `<members>${each}</members>`).join('')}<name>${name}</name></types>`,
      )
      .join(''),
  )

describe('the deletion of a global value set', () => {
  const remove = (members: Record<string, string[]>) =>
    deploy(jsforce, zipOf({}, { 'destructiveChanges.xml': destructive(members) }))

  it('is refused while a field uses it, and names the field', async () => {
    await deploy(jsforce, setZip(['Gold']))
    await deploy(jsforce, fieldZip(FROM_SET))
    const { failures } = await remove({ GlobalValueSet: ['Tiers'] })
    expect(failures[0]?.problem).toBe(
      'This global value set is referenced elsewhere in salesforce.com: CustomField - Tier__c',
    )
    expect(await listed()).toEqual(['Tiers'])
  })

  it('goes together with the last field', async () => {
    await deploy(jsforce, setZip(['Gold']))
    await deploy(jsforce, fieldZip(FROM_SET))
    const { result } = await remove({ GlobalValueSet: ['Tiers'], CustomField: ['Lead.Tier__c'] })
    expect(result.success).toBe(true)
    expect(await listed()).toEqual([])
  })

  it('of what does not exist is a warning', async () => {
    const { failures, successes } = await remove({ GlobalValueSet: ['Tiers'] })
    expect([...failures, ...successes].find(({ problem }) => problem)?.problem).toBe(
      'No GlobalValueSet named: Tiers found',
    )
  })
})

describe('a global value set is given back', () => {
  it('by list, read and retrieve without the suffix, with its inactive values', async () => {
    await deploy(
      jsforce,
      setZip(['Gold', 'Silver'], { more: '<description>What we sell</description>' }),
    )
    await deploy(jsforce, setZip(['Gold'], { more: '<description>What we sell</description>' }))
    expect(await listed()).toEqual(['Tiers'])
    expect(await readSet()).toMatchObject({
      fullName: 'Tiers',
      masterLabel: 'Tiers',
      description: 'What we sell',
      sorted: false,
      customValue: [
        { fullName: 'Gold', label: 'Gold', default: false },
        { fullName: 'Silver', label: 'Silver', isActive: false },
      ],
    })
    const request = {
      apiVersion: '67.0',
      singlePackage: true,
      unpackaged: {
        types: [{ name: 'GlobalValueSet', members: ['*', 'Tiers__gvs'] }],
        version: '67.0',
      },
    }
    const retrieved = await jsforce.metadata.retrieve(request as never).complete()
    const files = unzipSync(Buffer.from(retrieved.zipFile, 'base64'))
    const xml = strFromU8(files['globalValueSets/Tiers.globalValueSet'] ?? new Uint8Array())
    expect(xml).toContain('<isActive>false</isActive>')
    // Not by its internal name (forcedotcom/salesforcedx-vscode#4415).
    expect([retrieved.messages].flat()[0]?.problem).toBe(
      "Entity of type 'GlobalValueSet' named 'Tiers__gvs' cannot be found",
    )
    // What is retrieved can be deployed as it is.
    const again = await deploy(
      jsforce,
      zipOf({ GlobalValueSet: ['Tiers'] }, { 'globalValueSets/Tiers.globalValueSet': xml }),
    )
    expect(again.successes[0]).toMatchObject({ changed: false })
  })

  it('by Tooling, with the suffix in its full name alone', async () => {
    await deploy(jsforce, setZip(['Gold']))
    const { records } = await jsforce.tooling.query<Record<string, unknown>>(
      "SELECT Id, DeveloperName, MasterLabel, FullName, Metadata FROM GlobalValueSet WHERE DeveloperName = 'Tiers'",
    )
    expect(records).toMatchObject([
      {
        DeveloperName: 'Tiers',
        MasterLabel: 'Tiers',
        FullName: 'Tiers__gvs',
        Metadata: { masterLabel: 'Tiers', customValue: [{ label: 'Gold' }] },
      },
    ])
  })

  it('as what its fields hang on', async () => {
    await putEverything(['Gold'])
    const { records } = await jsforce.tooling.query<Record<string, unknown>>(
      "SELECT MetadataComponentName, MetadataComponentType, RefMetadataComponentName FROM MetadataComponentDependency WHERE RefMetadataComponentType = 'GlobalValueSet'",
    )
    expect(records).toMatchObject([
      { MetadataComponentType: 'CustomField', RefMetadataComponentName: 'Tiers' },
      { MetadataComponentType: 'CustomField', RefMetadataComponentName: 'Tiers' },
    ])
  })
})

describe('a global value set without a package', () => {
  const set = (...names: string[]) => ({
    fullName: 'Tiers',
    masterLabel: 'Tiers',
    sorted: false,
    customValue: names.map((fullName) => ({ fullName, label: fullName, default: false })),
  })

  it('is made, changed and deleted by SOAP, under either name', async () => {
    const { metadata } = jsforce
    expect(await metadata.create('GlobalValueSet', set('Gold') as never)).toMatchObject({
      success: true,
    })
    await deploy(jsforce, fieldZip(FROM_SET))
    const changed = { ...set('Gold', 'Silver'), fullName: 'Tiers__gvs' }
    expect(await metadata.update('GlobalValueSet', changed as never)).toMatchObject({
      fullName: 'Tiers__gvs',
      success: true,
    })
    expect((await readSet('Tiers__gvs')).customValue).toHaveLength(2)
    expect(await metadata.delete('GlobalValueSet', 'Tiers')).toMatchObject({
      success: false,
      errors: [{ statusCode: 'DEPENDENCY_EXISTS' }],
    })
    await metadata.delete('CustomField', 'Lead.Tier__c')
    expect(await metadata.delete('GlobalValueSet', 'Tiers__gvs')).toMatchObject({ success: true })
    expect(await listed()).toEqual([])
  })

  it('is made and changed by Tooling, and not deleted', async () => {
    const client = await clientOf(sim.control)
    const { fullName, ...metadata } = set('Gold')
    const body = { FullName: fullName, Metadata: metadata }
    const made = await client.post('/tooling/sobjects/GlobalValueSet', body)
    expect(made.status).toBe(201)
    const { id } = await bodyOf<{ id: string }>(made)
    const { fullName: _, ...more } = set('Gold', 'Silver')
    await jsforce.tooling.sobject('GlobalValueSet').update({ Id: id, Metadata: more } as never)
    expect((await readSet()).customValue).toHaveLength(2)
    await expect(jsforce.tooling.sobject('GlobalValueSet').delete(id)).rejects.toMatchObject({
      errorCode: 'NOT_SIMULATED',
    })
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../index.ts'
import { toId18 } from '../org/ids.ts'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

// The keys of describes that Salesforce has returned since v52, from recordings.
const FIELD_KEYS =
  'aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField namePointing nillable permissionable picklistValues polymorphicForeignKey precision queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable writeRequiresMasterRead'.split(
    ' ',
  )
const ENTRY_KEYS =
  'activateable associateEntityType associateParentEntity createable custom customSetting deepCloneable deletable deprecatedAndHidden feedEnabled hasSubtypes isInterface isSubtype keyPrefix label labelPlural layoutable mergeable mruEnabled name queryable replicateable retrieveable searchable triggerable undeletable updateable urls'.split(
    ' ',
  )
const DESCRIBE_KEYS = [
  ...ENTRY_KEYS,
  ...'actionOverrides childRelationships compactLayoutable defaultImplementation extendedBy extendsInterfaces fields implementedBy implementsInterfaces listviewable lookupLayoutable namedLayoutInfos networkScopeFieldName recordTypeInfos searchLayoutable sobjectDescribeOption supportedScopes'.split(
    ' ',
  ),
].toSorted()

interface Entry {
  name: string
  keyPrefix: string | null
  associateEntityType: string | null
  associateParentEntity: string | null
}
interface Described extends Entry {
  fields: {
    name: string
    type: string
    length: number
    label: string
    referenceTo: string[]
    picklistValues: { value: string }[]
  }[]
  recordTypeInfos: { recordTypeId: string; master: boolean }[]
}

const globalOf = async (client: Client) =>
  bodyOf<{ sobjects: Entry[] }>(await client.get('/sobjects'))
const describeOf = async (client: Client, name: string) =>
  bodyOf<Described>(await client.get(`/sobjects/${name}/describe`))

describe('the small org', () => {
  let sim: Rig
  let admin: Client
  beforeAll(async () => {
    sim = await startRig()
    admin = await clientOf(sim.control)
  })
  afterAll(() => sim.close())

  it('lists entries with exactly the recorded keys, each object once', async () => {
    const { sobjects } = await globalOf(admin)
    for (const entry of sobjects)
      expect([entry.name, Object.keys(entry)]).toEqual([entry.name, ENTRY_KEYS])
    const names = sobjects.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !name.includes('__')).length).toBeGreaterThan(80)
  })

  it('ties companion tables to their parents', async () => {
    const { sobjects } = await globalOf(admin)
    const companions = sobjects
      .filter(({ associateParentEntity }) => associateParentEntity === 'Account')
      .map(({ name, associateEntityType }) => [name, associateEntityType])
    expect(companions.toSorted()).toEqual([
      ['AccountFeed', 'Feed'],
      ['AccountHistory', 'History'],
      ['AccountShare', 'Share'],
    ])
  })

  it('describes every object with exactly the recorded keys', async () => {
    const { sobjects } = await globalOf(admin)
    const seen = await Promise.all(sobjects.map(({ name }) => describeOf(admin, name)))
    for (const object of seen) {
      expect([object.name, Object.keys(object)]).toEqual([object.name, DESCRIBE_KEYS])
      for (const field of object.fields) {
        const where = `${object.name}.${field.name}`
        expect([where, Object.keys(field).toSorted()]).toEqual([where, FIELD_KEYS])
        expect([where, field.type === 'reference']).toEqual([where, field.referenceTo.length > 0])
      }
    }
  })

  it('has the lengths, labels and picklists of a real org', async () => {
    const lead = await describeOf(admin, 'Lead')
    const field = (name: string) => lead.fields.find((each) => each.name === name)
    expect(field('LastName')).toMatchObject({ length: 80, label: 'Last Name' })
    expect(field('OwnerId')?.referenceTo).toEqual(['Group', 'User'])
    expect(field('Status')?.picklistValues.map(({ value }) => value)).toContain(
      'Open - Not Contacted',
    )
    const account = await describeOf(admin, 'Account')
    expect(account.fields.find(({ name }) => name === 'Name')).toMatchObject({
      length: 255,
      label: 'Account Name',
    })
    expect(account.fields.find(({ name }) => name === 'Industry')?.picklistValues).toHaveLength(32)
  })

  it('has record types besides the master', async () => {
    const { recordTypeInfos } = await describeOf(admin, 'Case')
    expect(recordTypeInfos.map(({ master }) => master)).toEqual([false, false, true])
    expect(recordTypeInfos.at(-1)?.recordTypeId).toBe('012000000000000AAA')
  })

  it('gives ids with a right checksum', async () => {
    for (const org of await sim.control.orgs()) expect(toId18(org.id)).toBe(org.id)
    expect(toId18('001RM000003oLrB')).toBe('001RM000003oLrBYAU')
    expect(toId18('001RM000003oLrB000')).toBeNull()
  })

  it('shows itself on the inspector page', async () => {
    const page = await (await fetch(sim.controlUrl)).text()
    for (const shown of ['Acme Sandbox', 'restricted@acme.example', 'Placement__c', sim.nangoUrl])
      expect(page).toContain(shown)
  })
})

describe('a large org', () => {
  it('has so many objects and fields, and describes stay as fast as their size', async () => {
    const sim = await startRig({
      seed: { objects: 60, fields: 1500 },
      orgs: [{ name: 'Big', edition: 'Enterprise' }],
    })
    try {
      const client = await clientOf(sim.control, 'Big')
      const { sobjects } = await globalOf(client)
      const fields = await Promise.all(
        sobjects.map(async ({ name }) => (await describeOf(client, name)).fields.length),
      )
      expect(sobjects).toHaveLength(60)
      expect(fields.reduce((sum, count) => sum + count, 0)).toBe(1500)
    } finally {
      await sim.close()
    }
  })
})

describe('an imported org', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'describes-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  // As API v23 answered: fewer keys than today.
  const old = {
    name: 'Whizbang',
    label: 'Whizbang',
    custom: false,
    keyPrefix: 'w01',
    fields: [{ name: 'Id', type: 'id', label: 'Whizbang ID', length: 18 }],
    childRelationships: [],
    urls: { sobject: '/services/data/v23.0/sobjects/Whizbang' },
  }

  it('answers its describes as they are in the files', async () => {
    const { fields: _fields, childRelationships: _children, ...entry } = old
    const sobjects = [entry, { ...entry, name: 'Listed' }]
    await writeFile(join(folder, 'global.json'), JSON.stringify({ sobjects }))
    await writeFile(join(folder, 'whizbang.json'), JSON.stringify(old))
    const sim = await startRig({ orgs: [{ name: 'Copy', seed: { importFolder: folder } }] })
    try {
      const client = await clientOf(sim.control, 'Copy')
      expect(await describeOf(client, 'Whizbang')).toEqual(old)
      expect((await client.get('/sobjects/Listed/describe')).status).toBe(501)
    } finally {
      await sim.close()
    }
  })

  it('is refused with the name of a file that is not a describe', async () => {
    await writeFile(join(folder, 'whizbang.json'), '{"hello":1}')
    await expect(
      startSimulator({ orgs: [{ name: 'Copy', seed: { importFolder: folder } }] }),
    ).rejects.toThrow('whizbang.json')
  })
})

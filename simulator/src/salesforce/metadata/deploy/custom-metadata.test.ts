// Custom metadata types and their records, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
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

const field = (name: string, type: string, more = '') =>
  `<fields><fullName>${name}</fullName><fieldManageability>SubscriberControlled</fieldManageability><label>${name.slice(0, -3)}</label>${more}<type>${type}</type></fields>`

const FIELDS = [
  field('Active__c', 'Checkbox', '<defaultValue>true</defaultValue>'),
  field('Code__c', 'Text', '<length>10</length><required>true</required>'),
  field('Factor__c', 'Number', '<precision>5</precision><scale>2</scale>'),
  field('Since__c', 'DateTime'),
  field(
    'Object__c',
    'MetadataRelationship',
    '<referenceTo>EntityDefinition</referenceTo><relationshipName>Tiers</relationshipName>',
  ),
  field(
    'Field__c',
    'MetadataRelationship',
    '<metadataRelationshipControllingField>Tier__mdt.Object__c</metadataRelationshipControllingField><referenceTo>FieldDefinition</referenceTo>',
  ),
  field(
    'Above__c',
    'MetadataRelationship',
    '<referenceTo>Tier__mdt</referenceTo><relationshipName>Below</relationshipName>',
  ),
]

const typeFile = (fields = FIELDS, more = ''): Files => ({
  'objects/Tier__mdt.object': file(
    'CustomObject',
    `${fields.join('')}<label>Tier</label><pluralLabel>Tiers</pluralLabel><visibility>Public</visibility>${more}`,
  ),
})

const XSI =
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
const value = (name: string, type: string, written: string) =>
  `<values><field>${name}</field><value ${XSI} xsi:type="xsd:${type}">${written}</value></values>`
const record = (name: string, values: string, label = name): Files => ({
  [`customMetadata/Tier.${name}.md`]: file(
    'CustomMetadata',
    `<label>${label}</label><protected>false</protected>${values}`,
  ),
})
const code = (written: string) => value('Code__c', 'string', written)

const GOLD = `${code('AU')}${value('Active__c', 'boolean', 'true')}${value('Factor__c', 'double', '5')}${value('Since__c', 'dateTime', '2026-02-01T08:00:00.000Z')}${value('Object__c', 'string', 'Account')}${value('Field__c', 'string', 'Industry')}`
const SILVER = `${code('AG')}${value('Above__c', 'string', 'Gold')}`

const typeZip = (files = typeFile()) => zipOf({ CustomObject: ['Tier__mdt'] }, files)
const recordZip = (name: string, values: string) =>
  zipOf({ CustomMetadata: [`Tier.${name}`] }, record(name, values))
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
const everything = () =>
  zipOf(
    { CustomObject: ['Tier__mdt'], CustomMetadata: ['*'] },
    { ...typeFile(), ...record('Silver', SILVER), ...record('Gold', GOLD, 'Gold tier') },
  )

const rows = async (soql: string) =>
  (await jsforce.query(soql)).records.map(({ attributes: _, ...row }) => row)

describe('a custom metadata type', () => {
  it('comes with its records, which name each other, in one package', async () => {
    const { failures, successes } = await deploy(jsforce, everything())
    expect(failures).toEqual([])
    expect(successes.map(({ fullName }) => fullName)).toEqual(
      expect.arrayContaining(['Tier__mdt', 'Tier__mdt.Code__c', 'Tier.Gold', 'Tier.Silver']),
    )
    const again = await deploy(jsforce, everything())
    expect(again.successes.filter(({ changed }) => changed).map((each) => each.fullName)).toEqual([
      'package.xml',
    ])
  })

  it('is described as set-up: nobody writes its rows as data', async () => {
    await deploy(jsforce, everything())
    const described = await jsforce.describe('Tier__mdt')
    expect(described).toMatchObject({
      custom: true,
      customSetting: false,
      createable: false,
      updateable: false,
      deletable: false,
      queryable: true,
    })
    expect(described.keyPrefix).toMatch(/^m0/)
    expect(described.fields.find(({ name }) => name === 'Above__c')).toMatchObject({
      type: 'reference',
      referenceTo: ['Tier__mdt'],
      relationshipName: 'Above__r',
      createable: false,
    })
    expect(
      await jsforce
        .create('Tier__mdt', { DeveloperName: 'Lead' }, { allOrNone: true })
        .catch(String),
    ).toContain('entity type cannot be inserted: Tier')
  })

  it('has no more than Salesforce lets a type have', async () => {
    expect(
      await problemOf(jsforce, typeZip(typeFile(FIELDS, '<sharingModel>Read</sharingModel>'))),
    ).toContain("'sharingModel'")
    expect(
      await problemOf(
        jsforce,
        typeZip(
          typeFile([field('Sum__c', 'Currency', '<precision>9</precision><scale>2</scale>')]),
        ),
      ),
    ).toContain('Currency')
    const loose =
      '<valueSet><valueSetDefinition><sorted>false</sorted><value><fullName>A</fullName><default>false</default><label>A</label></value></valueSetDefinition></valueSet>'
    expect(await problemOf(jsforce, typeZip(typeFile([field('Kind__c', 'Picklist', loose)])))).toBe(
      'Non-strict picklists are not supported on this object.',
    )
    const noPlural = file('CustomObject', '<label>Tier</label>')
    expect(await problemOf(jsforce, typeZip({ 'objects/Tier__mdt.object': noPlural }))).toBe(
      'Must specify a non-empty plural label for the CustomObject',
    )
    expect(
      await problemOf(
        jsforce,
        typeZip(
          typeFile([
            field('Field__c', 'MetadataRelationship', '<referenceTo>FieldDefinition</referenceTo>'),
          ]),
        ),
      ),
    ).toContain('metadataRelationshipControllingField')
    const elsewhere = zipOf(
      { CustomField: ['Lead.Tier__c'] },
      {
        'objects/Lead.object': file(
          'CustomObject',
          '<fields><fullName>Tier__c</fullName><label>Tier</label><type>MetadataRelationship</type><referenceTo>EntityDefinition</referenceTo></fields>',
        ),
      },
    )
    expect(await problemOf(jsforce, elsewhere)).toContain('custom metadata types')
  })

  it('comes from the control port in the same shape', async () => {
    await sim.control.act('schema/add-object', { org: 'Acme', name: 'Rate__mdt', label: 'Rate' })
    const { createable, fields, keyPrefix } = await jsforce.describe('Rate__mdt')
    expect({ createable, prefix: keyPrefix?.[0] }).toEqual({ createable: false, prefix: 'm' })
    const names = fields.map(({ name }) => name)
    expect(names).toContain('DeveloperName')
    expect(names).not.toContain('OwnerId')
  })

  it('goes with its records', async () => {
    await deploy(jsforce, everything())
    expect((await deploy(jsforce, deletionZip('CustomObject', 'Tier__mdt'))).failures).toEqual([])
    expect(await jsforce.metadata.list([{ type: 'CustomMetadata' }])).toEqual([])
    expect(await rows('SELECT Id FROM Tier__mdt').catch(String)).toContain('INVALID_TYPE')
  })
})

describe('a custom metadata record', () => {
  it('is queried by its fields and through its relationships', async () => {
    await deploy(jsforce, everything())
    expect(
      await rows(
        'SELECT DeveloperName, QualifiedApiName, MasterLabel, Label, NamespacePrefix, Active__c, Factor__c, Since__c, Object__r.QualifiedApiName FROM Tier__mdt ORDER BY DeveloperName LIMIT 1',
      ),
    ).toEqual([
      {
        DeveloperName: 'Gold',
        QualifiedApiName: 'Gold',
        MasterLabel: 'Gold tier',
        Label: 'Gold tier',
        NamespacePrefix: null,
        Active__c: true,
        Factor__c: 5,
        Since__c: '2026-02-01T08:00:00.000+0000',
        Object__r: expect.objectContaining({ QualifiedApiName: 'Account' }) as unknown,
      },
    ])
    expect(await rows("SELECT DeveloperName FROM Tier__mdt WHERE Above__r.Code__c = 'AU'")).toEqual(
      [{ DeveloperName: 'Silver' }],
    )
    expect((await jsforce.query('SELECT COUNT() FROM Tier__mdt')).totalSize).toBe(2)
    expect(
      await rows('SELECT COUNT(Id), Active__c FROM Tier__mdt GROUP BY Active__c').catch(String),
    ).toContain('not yet supported by this SObject storage type')
    const [gold] = await rows("SELECT Id FROM Tier__mdt WHERE DeveloperName = 'Gold'")
    const client = await clientOf(sim.control)
    const read = await client.get(`/sobjects/Tier__mdt/${String(gold?.['Id'])}`)
    expect(await bodyOf(read)).toMatchObject({ DeveloperName: 'Gold', Code__c: 'AU' })
  })

  it('is listed, read and retrieved with every field, and the type of each value', async () => {
    await deploy(jsforce, everything())
    const listed = await jsforce.metadata.list([{ type: 'CustomMetadata' }])
    expect(listed.map(({ fullName, fileName }) => [fullName, fileName])).toEqual([
      ['Tier.Gold', 'customMetadata/Tier.Gold.md'],
      ['Tier.Silver', 'customMetadata/Tier.Silver.md'],
    ])
    const { id } = await jsforce.metadata.retrieve({
      apiVersion: '67.0',
      singlePackage: true,
      unpackaged: { types: [{ name: 'CustomMetadata', members: ['*'] }], version: '67.0' },
    } as never)
    const result = await vi.waitFor(
      async () => {
        const state = await jsforce.metadata.checkRetrieveStatus(id)
        if (!state.done) throw new Error(`still ${state.status}`)
        return state
      },
      { timeout: 60_000, interval: 5 },
    )
    const files = unzipSync(Buffer.from(result.zipFile, 'base64'))
    const silver = strFromU8(files['customMetadata/Tier.Silver.md'] ?? new Uint8Array())
    expect(silver).toContain(
      '<CustomMetadata xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">',
    )
    expect(silver).toContain(
      '        <field>Above__c</field>\n        <value xsi:type="xsd:string">Gold</value>',
    )
    expect(silver).toContain('<value xsi:type="xsd:boolean">false</value>')
    expect(silver).toContain('        <field>Factor__c</field>\n        <value xsi:nil="true"/>')
    const gold = strFromU8(files['customMetadata/Tier.Gold.md'] ?? new Uint8Array())
    expect(gold).toContain('<value xsi:type="xsd:double">5.0</value>')
    expect(gold).toContain('<value xsi:type="xsd:dateTime">2026-02-01T08:00:00.000Z</value>')
    // What was retrieved can be deployed, and changes nothing.
    const back = zipOf(
      { CustomMetadata: ['Tier.Gold', 'Tier.Silver'] },
      { 'customMetadata/Tier.Gold.md': gold, 'customMetadata/Tier.Silver.md': silver },
    )
    const again = await deploy(jsforce, back)
    expect(again.failures).toEqual([])
    expect(again.successes.filter(({ changed }) => changed)).toHaveLength(1)
  })

  it('keeps the decimals of a number that its field does not show', async () => {
    await deploy(jsforce, typeZip())
    const finer = code('AU') + value('Factor__c', 'double', '999.999')
    expect((await deploy(jsforce, recordZip('Gold', finer))).failures).toEqual([])
    expect(
      await rows("SELECT Factor__c FROM Tier__mdt WHERE DeveloperName = 'Gold'"),
    ).toMatchObject([{ Factor__c: 999.999 }])
  })

  it('is refused in words that say why', async () => {
    expect(await problemOf(jsforce, recordZip('Gold', GOLD))).toBe(
      'Custom metadata type Tier__mdt is not available in this organization.',
    )
    await deploy(jsforce, typeZip())
    const refused = (values: string) => problemOf(jsforce, recordZip('Gold', values))
    expect(await refused('')).toBe('Required fields are missing: [Code__c]')
    expect(await refused(code('ABCDEFGHIJK'))).toBe(
      'Code: data value too large: ABCDEFGHIJK (max length=10)',
    )
    expect(await refused(code('AU') + value('Nope__c', 'string', 'x'))).toBe(
      'In field: field - no CustomField named Tier__mdt.Nope__c found',
    )
    expect(await refused(code('AU') + value('Factor__c', 'double', '1234.5'))).toContain(
      'value outside of valid range',
    )
    expect(await refused(code('AU') + value('Factor__c', 'string', '1'))).toContain('xsi:type')
    expect(await refused(code('AU') + value('Above__c', 'string', 'Nobody'))).toBe(
      'In field: Above__c - no CustomMetadata named Nobody found',
    )
    expect(await refused(code('AU') + value('Object__c', 'string', 'Nothing'))).toBe(
      'In field: Object__c - no EntityDefinition named Nothing found',
    )
    const bare = '<values><field>Code__c</field><value>AU</value></values>'
    expect(await refused(bare)).toContain('xsi:type')
    expect(await problemOf(jsforce, recordZip('Gold__1', GOLD))).toContain('API Name')
  })

  it('is made, changed and deleted one by one too', async () => {
    await deploy(jsforce, typeZip())
    const { token, instanceUrl } = await sim.control.openSession('Acme')
    const soap = async (call: string) => {
      const answer = await fetch(`${instanceUrl}/services/Soap/m/67.0`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml', soapaction: '""' },
        body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" ${XSI} xmlns="http://soap.sforce.com/2006/04/metadata"><e:Header><SessionHeader><sessionId>${token}</sessionId></SessionHeader></e:Header><e:Body>${call}</e:Body></e:Envelope>`,
      })
      return answer.text()
    }
    const upsert = `<upsertMetadata><metadata xsi:type="CustomMetadata"><fullName>Tier.Gold</fullName><label>Gold</label><values><field>Code__c</field><value xsi:type="xsd:string">AU</value></values></metadata></upsertMetadata>`
    expect(await soap(upsert)).toContain('<created>true</created>')
    expect(await rows('SELECT Code__c FROM Tier__mdt')).toEqual([{ Code__c: 'AU' }])
    expect(await jsforce.metadata.read('CustomMetadata' as never, ['Tier.Gold'])).toMatchObject([
      { fullName: 'Tier.Gold', label: 'Gold' },
    ])
    expect((await deploy(jsforce, recordZip('Gold', code('Au')))).failures).toEqual([])
    expect(await rows('SELECT Code__c FROM Tier__mdt')).toEqual([{ Code__c: 'Au' }])
    expect(
      (await deploy(jsforce, deletionZip('CustomMetadata', 'Tier.Gold'), { checkOnly: true }))
        .failures,
    ).toEqual([])
    expect(await rows('SELECT Id FROM Tier__mdt')).toHaveLength(1)
    await deploy(jsforce, deletionZip('CustomMetadata', 'Tier.Gold'))
    expect(await rows('SELECT Id FROM Tier__mdt')).toEqual([])
  })
})

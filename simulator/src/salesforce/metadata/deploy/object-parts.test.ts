// Compact layouts, field sets, list views, and buttons and links of an object, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

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

const each = (element: string, ...values: string[]) =>
  values.map((value) => `<${element}>${value}</${element}>`).join('')
const part = (type: string, element: string) => (fullName: string, content: string) => {
  const [object = '', name = ''] = fullName.split('.')
  return zipOf(
    { [type]: [fullName] },
    {
      [`objects/${object}.object`]: file(
        'CustomObject',
        `<${element}><fullName>${name}</fullName>${content}</${element}>`,
      ),
    },
  )
}
const compactLayout = (fields: string[], name = 'Lead.Crew') =>
  part('CompactLayout', 'compactLayouts')(name, `${each('fields', ...fields)}<label>Crew</label>`)
const fieldSet = (shown: string[], more = '<description>For the crew</description>') =>
  part('FieldSet', 'fieldSets')(
    'Lead.Crew',
    `${each('displayedFields', ...shown.map((field) => each('field', field)))}${more}<label>Crew</label>`,
  )
const listView = (content: string, name = 'Lead.Crew') =>
  part('ListView', 'listViews')(name, `${content}<label>Crew</label>`)
const webLink = (url: string, more = '<openType>newWindow</openType>') =>
  part('WebLink', 'webLinks')(
    'Lead.Crew',
    `<availability>online</availability><displayType>button</displayType><linkType>url</linkType><masterLabel>Crew</masterLabel><protected>false</protected><url>${url}</url>${more}`,
  )
const assigning = (name: string) =>
  zipOf(
    { CustomObject: ['Lead'] },
    {
      'objects/Lead.object': file(
        'CustomObject',
        `<compactLayoutAssignment>${name}</compactLayoutAssignment>`,
      ),
    },
  )
const deletion = (type: string, name = 'Lead.Crew') =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>${type}</name></types><version>67.0</version>`,
      ),
    },
  )
const tooling = async (soql: string) => (await jsforce.tooling.query(soql)).records
const crewField = (type = '<type>Text</type><length>40</length>') =>
  deploy(jsforce, fieldZip('Lead.Crew__c', type))

describe('every part of an object', () => {
  const parts: [string, () => Buffer, object][] = [
    ['CompactLayout', () => compactLayout(['Name', 'Email']), { fields: ['Name', 'Email'] }],
    [
      'FieldSet',
      () => fieldSet(['Company', 'Owner.Name']),
      {
        displayedFields: [
          { field: 'Company', isFieldManaged: false, isRequired: true },
          { field: 'Owner.Name', isFieldManaged: false, isRequired: false },
        ],
      },
    ],
    [
      'ListView',
      () =>
        listView(
          '<columns>FULL_NAME</columns><columns>LEAD.STATUS</columns><filterScope>Mine</filterScope>',
        ),
      { columns: ['FULL_NAME', 'LEAD.STATUS'], filterScope: 'Mine' },
    ],
    ['WebLink', () => webLink('/crew?id={!Lead.Id}'), { url: '/crew?id={!Lead.Id}' }],
  ]
  it.each(parts)(
    '%s is made, listed, read back, left alone and deleted',
    async (type, zip, what) => {
      const made = await deploy(jsforce, zip())
      expect(made.failures).toEqual([])
      expect(made.successes.find(({ componentType }) => componentType === type)).toMatchObject({
        fullName: 'Lead.Crew',
        created: true,
        changed: true,
      })
      expect(await jsforce.metadata.list([{ type }])).toMatchObject([
        { fullName: 'Lead.Crew', fileName: 'objects/Lead.object' },
      ])
      expect(await jsforce.metadata.read(type as 'CompactLayout', 'Lead.Crew')).toMatchObject({
        fullName: 'Lead.Crew',
        ...what,
      })
      const again = await deploy(jsforce, zip())
      expect(again.successes.find(({ componentType }) => componentType === type)).toMatchObject({
        created: false,
        changed: false,
      })
      expect((await deploy(jsforce, deletion(type))).failures).toEqual([])
      expect(await jsforce.metadata.list([{ type }])).toEqual([])
    },
  )

  it('is in the file of its object beside the fields', async () => {
    await deploy(jsforce, compactLayout(['Name']))
    await deploy(jsforce, listView('<filterScope>Everything</filterScope>'))
    const lead = await jsforce.metadata.read('CustomObject', 'Lead')
    expect(lead).toMatchObject({
      compactLayoutAssignment: 'SYSTEM',
      compactLayouts: [{ fullName: 'Crew' }],
      listViews: [{ fullName: 'Crew', filterScope: 'Everything' }],
    })
  })

  it('is gone with a deployment that fails', async () => {
    const zip = zipOf(
      { CompactLayout: ['Lead.Crew', 'Lead.Other'] },
      {
        'objects/Lead.object': file(
          'CustomObject',
          `<compactLayouts><fullName>Crew</fullName>${each('fields', 'Name')}<label>Crew</label></compactLayouts><compactLayouts><fullName>Other</fullName>${each('fields', 'Nope__c')}<label>Other</label></compactLayouts>`,
        ),
      },
    )
    expect(await problemOf(jsforce, zip)).toBe(
      'In field: fields - no CustomField named Lead.Nope__c found',
    )
    expect(await jsforce.metadata.list([{ type: 'CompactLayout' }])).toEqual([])
  })
})

describe('a compact layout', () => {
  it('is refused with what it cannot show', async () => {
    await crewField('<type>LongTextArea</type><length>1000</length><visibleLines>3</visibleLines>')
    expect(await problemOf(jsforce, compactLayout(['Crew__c']))).toBe(
      "The field Crew__c can't be used in a compact layout",
    )
    expect(await problemOf(jsforce, compactLayout(['Name', 'name']))).toBe('Duplicate field: name')
    const eleven = 'Name Company Email Phone Title Status Rating Industry City Country State'
    expect(await problemOf(jsforce, compactLayout(eleven.split(' ')))).toBe(
      'A compact layout can have 10 fields at most',
    )
  })

  it('is shown by its object, and not deleted until the object shows another one', async () => {
    expect(await problemOf(jsforce, assigning('Crew'))).toBe(
      'In field: compactLayoutAssignment - no CompactLayout named Lead.Crew found',
    )
    await deploy(jsforce, compactLayout(['Name']))
    expect((await deploy(jsforce, assigning('Crew'))).failures).toEqual([])
    const lead = await jsforce.metadata.read('CustomObject', 'Lead')
    expect(lead.compactLayoutAssignment).toBe('Crew')
    expect(await problemOf(jsforce, deletion('CompactLayout'))).toContain('CustomObject - Lead')
    await deploy(jsforce, assigning('SYSTEM'))
    expect((await deploy(jsforce, deletion('CompactLayout'))).failures).toEqual([])
  })

  it('of a new object comes in the same file as the object that shows it', async () => {
    const content = `<compactLayoutAssignment>Crew</compactLayoutAssignment><compactLayouts><fullName>Crew</fullName>${each('fields', 'Name')}<label>Crew</label></compactLayouts><deploymentStatus>Deployed</deploymentStatus><label>Trip</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Trips</pluralLabel><recordTypes><fullName>Long</fullName><active>true</active><compactLayoutAssignment>Crew</compactLayoutAssignment><label>Long</label></recordTypes><sharingModel>ReadWrite</sharingModel>`
    const zip = zipOf(
      { CustomObject: ['Trip__c'] },
      { 'objects/Trip__c.object': file('CustomObject', content) },
    )
    expect((await deploy(jsforce, zip)).failures).toEqual([])
    const again = await deploy(jsforce, zip)
    expect(
      again.successes.filter(({ changed, componentType }) => changed && componentType),
    ).toEqual([])
    expect(await problemOf(jsforce, deletion('CompactLayout', 'Trip__c.Crew'))).toContain(
      'CustomObject - Trip__c, RecordType - Trip__c.Long',
    )
  })

  it('is written by Tooling too', async () => {
    const { id } = await jsforce.tooling
      .sobject('CompactLayout')
      .create({ FullName: 'Lead.Crew', Metadata: { fields: ['Name'], label: 'Crew' } })
    expect(
      await tooling('SELECT DeveloperName, SobjectType, Metadata FROM CompactLayout'),
    ).toMatchObject([{ DeveloperName: 'Crew', SobjectType: 'Lead', Metadata: { label: 'Crew' } }])
    await jsforce.tooling.sobject('CompactLayout').delete(id ?? '')
    expect(await tooling('SELECT Id FROM CompactLayout')).toEqual([])
  })
})

describe('a field set', () => {
  it('needs a description and existing fields', async () => {
    expect(await problemOf(jsforce, fieldSet(['Company'], ''))).toBe(
      'Required field is missing: description',
    )
    expect(await problemOf(jsforce, fieldSet(['CreatedBy.Nope']))).toBe(
      'In field: field - no CustomField named User.Nope found',
    )
  })

  it('keeps its fields from being deleted', async () => {
    await crewField()
    await deploy(jsforce, fieldSet(['Crew__c']))
    expect(await problemOf(jsforce, deletion('CustomField', 'Lead.Crew__c'))).toContain(
      'FieldSet - Crew',
    )
    expect(await tooling('SELECT DeveloperName, Description FROM FieldSet')).toMatchObject([
      { DeveloperName: 'Crew', Description: 'For the crew' },
    ])
  })
})

describe('a list view', () => {
  const everything = '<filterScope>Everything</filterScope>'
  const filter = (field: string) =>
    `<filters><field>${field}</field><operation>equals</operation><value>1</value></filters>`

  it('appears in SOQL and among the list views of its object', async () => {
    await deploy(jsforce, listView(everything))
    const { records } = await jsforce.query(
      "SELECT Name, DeveloperName FROM ListView WHERE SobjectType = 'Lead'",
    )
    expect(records).toMatchObject([{ Name: 'Crew', DeveloperName: 'Crew' }])
    const client = await clientOf(sim.control)
    expect(await bodyOf(await client.get('/sobjects/Lead/listviews'))).toMatchObject({
      done: true,
      size: 1,
      sobjectType: 'Lead',
      listviews: [{ developerName: 'Crew', label: 'Crew' }],
    })
  })

  it.each([
    ['the API name of a standard field', '<columns>Company</columns>', 'Company'],
    ['a field that is not there', '<columns>Nope__c</columns>', 'Nope__c'],
    ['the same in a filter', filter('Nope__c'), 'Nope__c'],
    ['a column of another object', '<columns>CASES.STATUS</columns>', 'CASES.STATUS'],
  ])('is refused with %s', async (_what, content, column) => {
    expect(await problemOf(jsforce, listView(`${content}${everything}`))).toBe(
      `Could not resolve list view column: ${column}`,
    )
  })

  it('is refused where nobody owns the records, with a queue that does not exist, with filters it has not', async () => {
    const scope = (name: string) => listView(`<filterScope>${name}</filterScope>`)
    expect(await problemOf(jsforce, scope('MyTerritory'))).toBe(
      'Invalid scope:MyTerritory, not allowed',
    )
    expect(
      await problemOf(jsforce, listView('<filterScope>Queue</filterScope><queue>Nope</queue>')),
    ).toBe('In field: queue - no Queue named Nope found')
    expect(
      await problemOf(
        jsforce,
        listView(`<booleanFilter>1 AND 2</booleanFilter>${filter('LEAD.UNREAD')}${everything}`),
      ),
    ).toBe('The filter logic references an undefined filter: 2.')
  })

  it('loses a field that is deleted, in its filters too', async () => {
    await crewField()
    await deploy(
      jsforce,
      listView(
        `<columns>FULL_NAME</columns><columns>Crew__c</columns>${filter('Crew__c')}${everything}`,
      ),
    )
    await deploy(jsforce, compactLayout(['Name', 'Crew__c']))
    expect((await deploy(jsforce, deletion('CustomField', 'Lead.Crew__c'))).failures).toEqual([])
    const view = await jsforce.metadata.read('ListView' as 'CompactLayout', 'Lead.Crew')
    expect(view).toMatchObject({ columns: ['FULL_NAME'], filters: [] })
    expect(await jsforce.metadata.read('CompactLayout', 'Lead.Crew')).toMatchObject({
      fields: ['Name'],
    })
  })
})

describe('a button', () => {
  const layout = (button: string) =>
    zipOf(
      { Layout: ['Lead-Crew Layout'] },
      {
        'layouts/Lead-Crew Layout.layout': file(
          'Layout',
          `<customButtons>${button}</customButtons><layoutSections><customLabel>false</customLabel><layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections>`,
        ),
      },
    )

  it('is refused with a field that does not exist, and with a way to open that is none', async () => {
    expect(await problemOf(jsforce, webLink('/x?c={!Lead.Nope__c}'))).toBe(
      'Field Lead.Nope__c does not exist. Check spelling.',
    )
    expect(await problemOf(jsforce, webLink('/x', '<openType>popup</openType>'))).toContain(
      "'popup' is not a valid value for the enum 'WebLinkWindowType'",
    )
  })

  it('is shown on a layout, and cannot be deleted while it is', async () => {
    expect(await problemOf(jsforce, layout('Crew'))).toBe(
      'In field: customButtons - no WebLink named Lead.Crew found',
    )
    await deploy(jsforce, webLink('/crew'))
    expect((await deploy(jsforce, layout('Crew'))).failures).toEqual([])
    expect(await problemOf(jsforce, deletion('WebLink'))).toContain('Layout - Lead-Crew Layout')
  })
})

// What recordings say beside the keys of standard objects (recorded.test.ts): URLs, picklists, and a
// custom object.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, deploy, file, zipOf } from '../salesforce/metadata/deploy/testing/deploys.ts'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'
import { flagsOf } from './testing/describe-lines.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

interface Field {
  name: string
  type: string
  custom: boolean
  [key: string]: unknown
}

/** The URLs of an object, by their names: those of most objects with layouts, then the exceptions. */
const URLS: Record<string, string[]> = {
  'approvalLayouts compactLayouts describe layouts listviews quickActions rowTemplate sobject': [
    'Account',
    'Campaign',
    'Contact',
    'Event',
    'Lead',
    'Opportunity',
  ],
  'compactLayouts describe layouts rowTemplate sobject': ['CampaignMember'],
  'approvalLayouts caseArticleSuggestions caseRowArticleSuggestions compactLayouts describe layouts listviews quickActions rowTemplate sobject':
    ['Case'],
  'compactLayouts describe layouts quickActions rowTemplate sobject': ['OpportunityContactRole'],
  'describe rowTemplate sobject': ['Organization', 'UserShare'],
  'compactLayouts describe layouts namedLayouts passwordUtilities quickActions rowTemplate sobject':
    ['User'],
  'compactLayouts describe rowTemplate sobject': ['UserRole'],
  'approvalLayouts compactLayouts describe layouts listviews quickActions rowTemplate sobject workOrderArticleSuggestions workOrderRowArticleSuggestions':
    ['WorkOrder'],
  'approvalLayouts compactLayouts describe layouts quickActions rowTemplate sobject workOrderLineItemArticleSuggestions workOrderLineItemRowArticleSuggestions':
    ['WorkOrderLineItem'],
}

describe('a describe', () => {
  it('of every object lists its resources', async () => {
    const { sobjects } = await bodyOf<{ sobjects: { name: string; urls: object }[] }>(
      await admin.get('/sobjects'),
    )
    const ours = new Map(
      sobjects.map(({ name, urls }) => [name, Object.keys(urls).sort().join(' ')]),
    )
    for (const [urls, names] of Object.entries(URLS)) {
      for (const name of names) expect([name, ours.get(name)]).toEqual([name, urls])
    }
  })

  it('calls what several objects own by their Name, and makes the name of a row', async () => {
    const { fields } = await bodyOf<{ fields: Field[] }>(
      await admin.get('/sobjects/Placement__c/describe'),
    )
    // As restforce (MIT) recorded a custom object.
    expect(fields.find(({ name }) => name === 'OwnerId')).toMatchObject({
      namePointing: true,
      polymorphicForeignKey: true,
    })
  })

  it('leaves no picklist empty that the Object Reference has values of', async () => {
    const { sobjects } = await bodyOf<{ sobjects: { name: string; custom: boolean }[] }>(
      await admin.get('/sobjects'),
    )
    const reasons = Object.values(WITHOUT_VALUES)
    const empty: string[] = []
    for (const { name, custom } of sobjects) {
      if (custom) continue
      const { fields } = await bodyOf<{ fields: Field[] }>(
        await admin.get(`/sobjects/${name}/describe`),
      )
      for (const { name: field, type, picklistValues, custom: isCustom } of fields) {
        if (isCustom || !/picklist$/.test(type)) continue
        if ((picklistValues as unknown[]).length === 0) empty.push(`${name}.${field}`)
      }
    }
    expect(empty.filter((path) => !reasons.some((reason) => reason.test(path)))).toEqual([])
  })
})

/**
 * A custom object as restforce (MIT) recorded it with API version 23: name, type, length in characters
 * and bytes, precision, SOAP type, and the flags that version had. Two fields with rights that its authors
 * wrote by hand, and one that points to an object without `__c`, are left out.
 */
const CUSTOM_FIELDS = `
Id id 18/18/0 tns:ID Dfgio
OwnerId reference 18/18/0 tns:ID cDfgpou
IsDeleted boolean 0/0/0 xsd:boolean Dfgo
Name string 80/240/0 xsd:string cDfgiN0ou
CreatedDate datetime 0/0/0 xsd:dateTime Dfo
CreatedById reference 18/18/0 tns:ID Dfgo
LastModifiedDate datetime 0/0/0 xsd:dateTime Dfo
LastModifiedById reference 18/18/0 tns:ID Dfgo
SystemModstamp datetime 0/0/0 xsd:dateTime Dfo
Auto_Number__c string 30/90/0 xsd:string nxDfo
Checkbox_Field__c boolean 0/0/0 xsd:boolean cxDfgou
Currency_Field__c currency 0/0/18 xsd:double cxf0ou
Date_Field__c date 0/0/0 xsd:date cxfg0ou
DateTime_Field__c datetime 0/0/0 xsd:dateTime cxf0ou
Email_Field__c email 80/240/0 xsd:string cxfg0ou
Number_Field__c double 0/0/18 xsd:double cxf0ou
Percent_Field__c percent 0/0/18 xsd:double cxf0ou
Phone_Field__c phone 40/120/0 xsd:string cxfg0ou
Picklist_Field__c picklist 255/765/0 xsd:string cxfg0ou
Picklist_Multiselect_Field__c multipicklist 4099/4099/0 xsd:string cxf0u
Dependent_Picklist_Field__c picklist 255/765/0 xsd:string cxPfg0ou
Text_Field__c string 80/240/0 xsd:string cxfg0ou
TextArea_Field__c textarea 255/765/0 xsd:string cxfg0ou
TextAreaLong_Field__c textarea 32768/98304/0 xsd:string cx0u
TextAreaRich_Field__c textarea 32768/98304/0 xsd:string cxh0u
URL_Field__c url 255/765/0 xsd:string cxfg0ou
`

/** The letters of the flags that are in the recording, without those that are false for all of its fields. */
const RECORDED_FLAGS = 'cDfghiNnoPpuUx0E'

/** What stays different from that recording, by the reason. */
const DIFFERENT: Record<string, RegExp> = {
  'their default values were written into the recording by hand, as values and not as formulas':
    /^(Number|Text)_Field__c /,
  'later versions show the visible lines of a multi-select picklist as its precision':
    /^Picklist_Multiselect_Field__c /,
}

const customFields = (): string => {
  const field = (name: string, type: string, content = ''): string =>
    `<fields><fullName>${name}__c</fullName><label>${name}</label><type>${type}</type>${content}</fields>`
  const values = (names: string, depends = ''): string =>
    `<valueSet>${depends}<valueSetDefinition><sorted>false</sorted>${names
      .split(' ')
      .map(
        (name, at) =>
          `<value><fullName>${name}</fullName><default>${at === 0 && depends === ''}</default><label>${name}</label></value>`,
      )
      .join('')}</valueSetDefinition>`
  const number = '<precision>18</precision><scale>0</scale>'
  const long = '<length>32768</length><visibleLines>5</visibleLines>'
  return [
    field('Auto_Number', 'AutoNumber', '<displayFormat>{0000}</displayFormat>'),
    field('Checkbox_Field', 'Checkbox', '<defaultValue>true</defaultValue>'),
    field('Currency_Field', 'Currency', number),
    field('Date_Field', 'Date'),
    field('DateTime_Field', 'DateTime'),
    field('Email_Field', 'Email'),
    field('Number_Field', 'Number', `<defaultValue>23</defaultValue>${number}`),
    field('Percent_Field', 'Percent', number),
    field('Phone_Field', 'Phone'),
    field('Picklist_Field', 'Picklist', `${values('one two three')}</valueSet>`),
    field(
      'Picklist_Multiselect_Field',
      'MultiselectPicklist',
      `${values('four five six')}</valueSet><visibleLines>4</visibleLines>`,
    ),
    field(
      'Dependent_Picklist_Field',
      'Picklist',
      `${values('seven eight', '<controllingField>Picklist_Field__c</controllingField>')}<valueSettings><controllingFieldValue>one</controllingFieldValue><valueName>seven</valueName></valueSettings></valueSet>`,
    ),
    field('Text_Field', 'Text', '<defaultValue>"Yes!"</defaultValue><length>80</length>'),
    field('TextArea_Field', 'TextArea'),
    field('TextAreaLong_Field', 'LongTextArea', long),
    field('TextAreaRich_Field', 'Html', long),
    field('URL_Field', 'Url'),
  ].join('')
}

describe('a custom object', () => {
  it('is described as the recorded one, but for what its version did not say', async () => {
    const jsforce = await connect(sim, 'Acme')
    const settings =
      '<label>Whizbang</label><pluralLabel>Whizbangs</pluralLabel><nameField><label>Name</label><type>Text</type></nameField><deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>'
    const content = file('CustomObject', `${customFields()}${settings}`)
    const readOnly = /^Auto_Number/
    const grants = [...content.matchAll(/<fullName>(\w+__c)</g)].map(
      ([, name = '']) =>
        `<fieldPermissions><editable>${!readOnly.test(name)}</editable><field>Whizbang__c.${name}</field><readable>true</readable></fieldPermissions>`,
    )
    const zip = zipOf(
      { CustomObject: ['Whizbang__c'], Profile: ['Admin'] },
      {
        'objects/Whizbang__c.object': content,
        'profiles/Admin.profile': file('Profile', grants.join('')),
      },
    )
    expect((await deploy(jsforce, zip)).failures).toEqual([])
    const { fields } = await bodyOf<{ fields: Field[] }>(
      await admin.get('/sobjects/Whizbang__c/describe'),
    )
    const lines = fields.map((field) => {
      const sizes = ['length', 'byteLength', 'precision'].map((key) => String(field[key])).join('/')
      const flags = [...flagsOf(field, RECORDED_FLAGS)].toSorted().join('')
      return `${field.name} ${field.type} ${sizes} ${String(field['soapType'])} ${flags}`
    })
    const recorded = CUSTOM_FIELDS.trim()
      .split('\n')
      .map((line) => line.replace(/\S+$/, (flags) => [...flags].toSorted().join('')))
    const isCompared = (line: string): boolean =>
      !Object.values(DIFFERENT).some((reason) => reason.test(line))
    expect(lines.filter(isCompared).toSorted()).toEqual(recorded.filter(isCompared).toSorted())
    expect(fields.find(({ name }) => name === 'Picklist_Multiselect_Field__c')).toMatchObject({
      ...{ length: 4099, byteLength: 4099, precision: 4, filterable: true, groupable: false },
    })
  })
})

/** Picklists that stay without values, by the reason. */
const WITHOUT_VALUES: Record<string, RegExp> = {
  'their values are the objects and fields of the org':
    /\.(Field|RelatedEntityType|SobjectType|TableEnumOrId)$/,
  'the reference describes them without a list':
    /(History\.DataType|FeedItem\.NetworkScope|^OrderShare\.RowCause|^Order\.TaxLocaleType)$/,
  'times of day, whose spelling no source shows': /^User\.(EndDay|StartDay)$/,
  'recorded empty': /^Order\.Type$/,
  'what an org starts with is in no source, or in an org that has changed it':
    /^(ContractContactRole\.Role|Individual\.\w+|Organization\.UiSkin|(Entitlement|ServiceContract)\.Status)$/,
  'addresses of the org': /^EmailMessage\.ValidatedFromAddress$/,
}

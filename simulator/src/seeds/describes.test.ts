// A describe of Lead and the URLs of describeGlobal as CumulusCI recorded them (BSD), in short form: the
// seeds have to agree, key by key and flag by flag.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, deploy, file, zipOf } from '../salesforce/metadata/deploy/testing/deploys.ts'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

/** The flags that are true for a field, one letter each. */
const LETTERS: Record<string, string> = {
  aggregatable: 'a',
  autoNumber: 'n',
  calculated: 'k',
  cascadeDelete: 'd',
  caseSensitive: 's',
  createable: 'c',
  custom: 'x',
  defaultedOnCreate: 'D',
  dependentPicklist: 'P',
  encrypted: 'e',
  externalId: 'E',
  filterable: 'f',
  groupable: 'g',
  htmlFormatted: 'h',
  idLookup: 'i',
  nameField: 'N',
  namePointing: 'p',
  nillable: '0',
  permissionable: 'l',
  polymorphicForeignKey: 'm',
  queryByDistance: 'q',
  restrictedDelete: 'R',
  restrictedPicklist: 'r',
  searchPrefilterable: 'S',
  sortable: 'o',
  unique: 'U',
  updateable: 'u',
  writeRequiresMasterRead: 'w',
}

/** Name, type, length/precision/scale/digits, flags, compound field, kind of text, targets and their name. */
const FIELDS = `
Id id 18/0/0/0 aDfgio - - -
IsDeleted boolean 0/0/0/0 Dfgo - - -
MasterRecordId reference 18/0/0/0 afg0o - - Lead.MasterRecord
LastName string 80/0/0/0 acfgou Name personname -
FirstName string 40/0/0/0 acfg0ou Name personname -
Salutation picklist 40/0/0/0 acfg0ou Name personname -
Name string 121/0/0/0 afgNo - personname -
Title string 128/0/0/0 acfg0lou - - -
Company string 255/0/0/0 acfgou - - -
Street textarea 255/0/0/0 acfg0lou Address plaintextarea -
City string 40/0/0/0 acfg0lou Address - -
State string 80/0/0/0 acfg0lou Address - -
PostalCode string 20/0/0/0 acfg0lou Address - -
Country string 80/0/0/0 acfg0lou Address - -
Latitude double 0/18/15/0 acf0lou Address - -
Longitude double 0/18/15/0 acf0lou Address - -
GeocodeAccuracy picklist 40/0/0/0 acfg0lrou Address - -
Address address 0/0/0/0 f0lq - - -
Phone phone 40/0/0/0 acfg0lou - - -
MobilePhone phone 40/0/0/0 acfg0lou - - -
Fax phone 40/0/0/0 acfg0lou - - -
Email email 80/0/0/0 acfgi0lou - - -
Website url 255/0/0/0 acfg0lou - - -
PhotoUrl url 255/0/0/0 afg0o - imageurl -
Description textarea 32000/0/0/0 c0lu - plaintextarea -
LeadSource picklist 255/0/0/0 acfg0lou - - -
Status picklist 255/0/0/0 acDfgou - - -
Industry picklist 255/0/0/0 acfg0lou - - -
Rating picklist 255/0/0/0 acfg0lou - - -
AnnualRevenue currency 0/18/0/0 acf0lou - - -
NumberOfEmployees int 0/0/0/8 acfg0lou - - -
OwnerId reference 18/0/0/0 acDfgpmou - - Group,User.Owner
IsConverted boolean 0/0/0/0 cDfgo - - -
ConvertedDate date 0/0/0/0 afg0o - - -
ConvertedAccountId reference 18/0/0/0 afg0So - - Account.ConvertedAccount
ConvertedContactId reference 18/0/0/0 afg0So - - Contact.ConvertedContact
ConvertedOpportunityId reference 18/0/0/0 afg0So - - Opportunity.ConvertedOpportunity
IsUnreadByOwner boolean 0/0/0/0 cDfgou - - -
CreatedDate datetime 0/0/0/0 aDfo - - -
CreatedById reference 18/0/0/0 aDfgo - - User.CreatedBy
LastModifiedDate datetime 0/0/0/0 aDfo - - -
LastModifiedById reference 18/0/0/0 aDfgo - - User.LastModifiedBy
SystemModstamp datetime 0/0/0/0 aDfo - - -
LastActivityDate date 0/0/0/0 afg0o - - -
LastViewedDate datetime 0/0/0/0 af0o - - -
LastReferencedDate datetime 0/0/0/0 af0o - - -
Jigsaw string 20/0/0/0 acfg0lou - - -
JigsawContactId string 20/0/0/0 afg0o - - .JigsawContact
CleanStatus picklist 40/0/0/0 acfg0lrou - - -
CompanyDunsNumber string 9/0/0/0 acfg0lou - - -
DandbCompanyId reference 18/0/0/0 acfg0lSou - - DandBCompany.DandbCompany
EmailBouncedReason string 255/0/0/0 afg0ou - - -
EmailBouncedDate datetime 0/0/0/0 af0ou - - -
IndividualId reference 18/0/0/0 acfg0Sou - - Individual.Individual
`

interface Field {
  name: string
  type: string
  custom: boolean
  compoundFieldName: string | null
  extraTypeInfo: string | null
  referenceTo: string[]
  relationshipName: string | null
  [key: string]: unknown
}

const lineOf = (field: Field): string => {
  const sizes = ['length', 'precision', 'scale', 'digits']
    .map((key) => String(field[key]))
    .join('/')
  const flags = Object.entries(LETTERS).map(([key, letter]) => (field[key] === true ? letter : ''))
  const target = `${field.referenceTo.join(',')}${field.relationshipName === null ? '' : `.${field.relationshipName}`}`
  return [
    field.name,
    field.type,
    sizes,
    flags.join(''),
    field.compoundFieldName ?? '-',
    field.extraTypeInfo ?? '-',
    target === '' ? '-' : target,
  ].join(' ')
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

describe('a describe, key by key', () => {
  it('of Lead is the recorded one', async () => {
    const { fields } = await bodyOf<{ fields: Field[] }>(await admin.get('/sobjects/Lead/describe'))
    const lines = fields.filter(({ custom }) => !custom).map(lineOf)
    expect(lines.toSorted()).toEqual(FIELDS.trim().split('\n').toSorted())
  })

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
      const flags = Object.entries(LETTERS).map(([key, letter]) =>
        field[key] === true && RECORDED_FLAGS.includes(letter) ? letter : '',
      )
      return `${field.name} ${field.type} ${sizes} ${String(field['soapType'])} ${flags.toSorted().join('')}`
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
  'names of objects and fields': /\.(Field|RelatedEntityType|SobjectType|TableEnumOrId)$/,
  'causes of sharing, and kinds of changes and posts: the reference lists some of them':
    /(Share\.RowCause|History\.DataType|(Feed|FeedItem)\.Type|FeedItem\.NetworkScope|SetupEntityType)$/,
  'languages, time zones and hours':
    /\.(EndDay|Language|ServiceReportLanguage|StartDay|\w+TimeZone)$/,
  'kinds of flows, which each release adds to': /^Flow(Definition|Version)View\./,
  'the values that an org starts with are not in the reference':
    /^(CaseContactRole|ContractContactRole|Partner)\.Role$|^(Contact\.GenderIdentity|Dashboard\.ColorPalette|Order\.Type|Organization\.UiSkin)$|^Individual\./,
  'with entitlements, Field Service or billing only, or for internal use':
    /^(Entitlement|ServiceContract)\.|^(Event\.Recurrence2PatternVersion|Order\.(RelatedOrderType|TaxLocaleType)|OrderItem\.BillingFrequency2|Quote\.CalculationStatus|QuoteLineItem\.(PricingTermUnit|ValidationResult))$/,
  'addresses of the org, and kinds of sync': /^EmailMessage\.(Source|ValidatedFromAddress)$/,
}

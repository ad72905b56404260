import { describe, expect, it } from 'vitest'
import { readObject } from '../describe.ts'
import { account, describeOf, field, lead, picklist, user } from '../testing/describes.ts'
import { type CanonicalField } from './fields.ts'
import { objectCandidates } from './objects.ts'
import { suggestMapping } from './suggest.ts'
import { closestName, wordsOf } from './words.ts'

const parents = new Map([
  ['Account', readObject(account())],
  ['User', readObject(user())],
])

const suggest = (
  fields: (string | CanonicalField)[],
  {
    objects = [lead()],
    canonicalObject = 'candidate',
    isChosen = true,
    precedents = new Map(),
  } = {},
) =>
  suggestMapping({
    canonicalObject,
    fields: fields.map((one) => (typeof one === 'string' ? { name: one } : one)),
    objects: objects.map(readObject),
    isChosen,
    parents,
    precedents,
  })

const first = (field: string | CanonicalField, options = {}) =>
  suggest([field], options).fields[0]?.proposals[0]

describe('names', () => {
  it.each([
    ['companyPhone', ['company', 'phone']],
    ['Company_Phone__c', ['company', 'phone']],
    ['acme__Company_Phones__c', ['company', 'phone']],
    ['HTTPStatusCode', ['http', 'status', 'code']],
    ['Zip/Postal Code', ['zip', 'postalcode']],
    ['date_of_birth', ['date', 'of', 'birth']],
    ['DOB', ['birth', 'date']],
    ['Straße', ['straße']],
  ])('%s is taken apart into its words', (name, words) => {
    expect(wordsOf(name)).toEqual(words)
  })

  it('are found again with a slip in them, and not where none is near', () => {
    expect(closestName('Extrenal_Key', ['Phone', 'External_Key__c'])).toBe('External_Key__c')
    expect(closestName('Salary__c', ['Phone', 'Status'])).toBeNull()
  })
})

describe('proposals for a field', () => {
  it.each([
    ['telephone', 'Phone'],
    ['mobile_number', 'MobilePhone'],
    ['cell', 'MobilePhone'],
    ['e_mail', 'Email'],
    ['emailAddress', 'Email'],
    ['organization_name', 'Company'],
    ['employer', 'Company'],
    ['surname', 'LastName'],
    ['given_name', 'FirstName'],
    ['url', 'Website'],
    ['homepage', 'Website'],
    ['zip', 'PostalCode'],
    ['zip_code', 'PostalCode'],
    ['town', 'City'],
    ['province', 'State'],
    ['addressLine', 'Street'],
    ['job_title', 'Title'],
    ['candidate_status', 'Status'],
    ['lead_sources', 'LeadSource'],
    ['headcount', 'NumberOfEmployees'],
    ['revenue', 'AnnualRevenue'],
    ['senority', 'Seniority__c'],
    ['avail_from', 'Available_From__c'],
    ['external_id', 'External_Key__c'],
    ['id', 'External_Key__c'],
  ])('%s comes first with %s, and enters the draft', (name, target) => {
    const suggestion = suggest([name])
    const [best] = suggestion.fields[0]?.proposals ?? []
    expect(best?.sfdc_field).toBe(target)
    expect(best?.reasons.length).toBeGreaterThan(0)
    expect(suggestion.draft?.fields.map(({ sfdc_field }) => sfdc_field)).toEqual([target])
  })

  it('never name a field that cannot be written', () => {
    const { fields } = suggest(['full_name', 'address', 'summary', 'ticket_no', 'created_date'])
    const targets = fields.flatMap(({ proposals }) => proposals.map(({ sfdc_field }) => sfdc_field))
    for (const readOnly of ['Name', 'Address', 'Summary__c', 'Ticket_No__c', 'CreatedDate', 'Id']) {
      expect(targets).not.toContain(readOnly)
    }
  })

  it.each(['owner_email', 'linkedin_url', 'timezone', 'manager_phone'])(
    'leave %s out of the draft: what resembles it is somebody or something else’s',
    (name) => {
      expect(suggest([name], { objects: [account()] }).draft).toBeNull()
    },
  )

  it('weigh labels, types and samples where the names say little', () => {
    const objects = [
      describeOf('Thing__c', [
        field('F1__c', 'string', { label: 'Telephone' }),
        field('F2__c', 'email', { label: 'Where to write' }),
        picklist('F3__c', ['Full Time', 'Part Time', 'Contract']),
        field('Start__c', 'string'),
        field('Start_Day__c', 'date'),
      ]),
    ]
    expect(first('phone', { objects })?.sfdc_field).toBe('F1__c')
    expect(first({ name: 'inbox', sample_values: ['a@b.example'] }, { objects })).toMatchObject({
      sfdc_field: 'F2__c',
      reasons: [{ code: 'type' }],
    })
    expect(
      first(
        { name: 'workload', sample_values: ['full-time', 'part-time', 'Contract'] },
        { objects },
      ),
    ).toMatchObject({
      sfdc_field: 'F3__c',
      value_map: { 'full-time': 'Full Time', 'part-time': 'Part Time' },
      reasons: [{ code: 'picklist_values' }],
    })
    expect(first({ name: 'start_day', type: 'date' }, { objects })?.sfdc_field).toBe('Start_Day__c')
    expect(first({ name: 'zzz' }, { objects })).toBeUndefined()
  })

  it('are lookups by the external id of the parent where the value is one', () => {
    expect(first('employer_key')?.sfdc_field).toBe('Employer__r.External_Key__c')
    expect(first('owner_email')?.sfdc_field).toBe('User:Owner.Email')
    expect(first({ name: 'owner_id', sample_values: ['005D0000001AXYzIAO'] }, {})?.sfdc_field).toBe(
      'OwnerId',
    )
  })

  it('follow what the other mappings of the org do, if the field exists', () => {
    const precedents = new Map([
      [
        'segment',
        new Map([
          ['Legacy_Key__c', 2],
          ['Not_Here__c', 9],
        ]),
      ],
    ])
    expect(suggest(['segment'], { precedents }).fields[0]?.proposals).toMatchObject([
      { sfdc_field: 'Legacy_Key__c', reasons: [{ code: 'used_elsewhere' }] },
    ])
    expect(first('segment')).toBeUndefined()
  })
})

describe('a proposed mapping', () => {
  it('takes each field once, knows the key, and says what is missing', () => {
    const suggestion = suggest(['id', 'phone', 'telephone', 'first_name', 'seniority'])
    expect(suggestion.draft).toMatchObject({
      sfdc_object: 'Lead',
      external_id_field: 'External_Key__c',
    })
    const targets = suggestion.draft?.fields.map(({ sfdc_field }) => sfdc_field) ?? []
    expect(new Set(targets).size).toBe(targets.length)
    expect(targets).toContain('Phone')
    expect(suggestion.external_ids[0]).toMatchObject({
      sfdc_field: 'External_Key__c',
      unique: true,
      canonical_field: 'id',
    })
    expect(suggestion.required_unmapped.map(({ sfdc_field }) => sfdc_field)).toEqual([
      'LastName',
      'Company',
    ])
  })

  it('finds the object by its name, by a synonym, or by its fields', () => {
    const names = [
      'Account',
      'AccountShare',
      'Contact',
      'Job_Posting__c',
      'Job_Posting__Share',
      'Lead',
      'Zebra__c',
    ]
    expect(objectCandidates('job_posting', names)[0]).toBe('Job_Posting__c')
    expect(objectCandidates('jobs', names)[0]).toBe('Job_Posting__c')
    expect(objectCandidates('company', names)[0]).toBe('Account')
    expect(objectCandidates('candidates', names).slice(0, 2)).toEqual(['Contact', 'Lead'])
    expect(objectCandidates('xyz', names)).toEqual(['Account', 'Contact', 'Lead'])
    const { sfdc_object, objects } = suggest(['surname', 'company', 'lead_source', 'seniority'], {
      objects: [account(), lead()],
      canonicalObject: 'entry',
      isChosen: false,
    })
    expect(sfdc_object).toBe('Lead')
    expect(objects.map(({ api_name }) => api_name)).toEqual(['Lead', 'Account'])
  })

  it('proposes nothing rather than anything', () => {
    const { sfdc_object, draft, fields } = suggest(['qqq'], {
      objects: [account()],
      canonicalObject: 'xyz',
      isChosen: false,
    })
    expect({ sfdc_object, draft, fields }).toEqual({
      sfdc_object: null,
      draft: null,
      fields: [{ canonical_field: 'qqq', proposals: [] }],
    })
  })
})

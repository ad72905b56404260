// Single records over REST: what is saved, what is refused, and in which words.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

type Errors = { errorCode: string; message: string; fields?: string[] }[]

const send = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  client = admin,
) =>
  fetch(`${client.instanceUrl}/services/data/v66.0${path}`, {
    method,
    headers: {
      authorization: `Bearer ${client.token}`,
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const create = async (object: string, row: unknown, headers: Record<string, string> = {}) => {
  const answer = await send('POST', `/sobjects/${object}`, row, headers)
  const { id } = await bodyOf<{ id: string }>(answer)
  expect(answer.status, JSON.stringify(row)).toBe(201)
  return id
}

/** The status, code, message and fields of a refusal. */
const refusal = async (answer: Response): Promise<unknown[]> => {
  const [error] = await bodyOf<Errors>(answer)
  return [answer.status, error?.errorCode, error?.message, error?.fields]
}

const get = async (object: string, id: string) =>
  bodyOf<Record<string, unknown>>(await admin.get(`/sobjects/${object}/${id}`))

const fieldOf = async (object: string, name: string) => {
  const { fields } = await bodyOf<{ fields: { name: string; precision: number; scale: number }[] }>(
    await admin.get(`/sobjects/${object}/describe`),
  )
  const found = fields.find((field) => field.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

const LEAD = { LastName: 'Lovelace', Company: 'Engines' }

describe('a record', () => {
  it('is created with defaults, an id of its object and stamps, and read back', async () => {
    const answer = await send('POST', '/sobjects/Lead', { FirstName: ' Ada ', ...LEAD })
    const body = await bodyOf<{ id: string; success: boolean; errors: unknown[] }>(answer)
    expect([answer.status, body.success, body.errors]).toEqual([201, true, []])
    expect(body.id).toMatch(/^00Q\w{15}$/)
    const lead = await get('Lead', body.id)
    expect(lead).toMatchObject({
      Name: 'Ada Lovelace',
      Status: 'Open - Not Contacted',
      IsConverted: false,
      IsDeleted: false,
      OwnerId: lead['CreatedById'],
    })
    expect(lead['CreatedDate']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/)
    expect(answer.headers.get('sforce-limit-info')).toMatch(/^api-usage=\d+\/105000$/)
  })

  it('is changed with 204, and deleted with 204 into the recycle bin', async () => {
    const id = await create('Lead', LEAD)
    const changed = await send('PATCH', `/sobjects/Lead/${id.slice(0, 15)}`, {
      Email: 'a@b.example',
    })
    expect([changed.status, await changed.text()]).toEqual([204, ''])
    expect((await get('Lead', id))['Email']).toBe('a@b.example')
    expect((await send('DELETE', `/sobjects/Lead/${id}`)).status).toBe(204)
    expect((await admin.get(`/sobjects/Lead/${id}`)).status).toBe(404)
    expect(await refusal(await send('DELETE', `/sobjects/Lead/${id}`))).toEqual([
      404,
      'ENTITY_IS_DELETED',
      'entity is deleted',
      [],
    ])
    const q = encodeURIComponent(`SELECT Id, IsDeleted FROM Lead WHERE Id = '${id}'`)
    const live = await bodyOf<{ totalSize: number }>(await admin.get(`/query?q=${q}`))
    const all = await bodyOf<{ totalSize: number }>(await admin.get(`/queryAll?q=${q}`))
    expect([live.totalSize, all.totalSize]).toEqual([0, 1])
  })

  it('keeps the decimals that its fields do not show, and none too many before the point', async () => {
    const id = await create('Placement__c', { Fee_Percent__c: 20.123456 })
    expect((await get('Placement__c', id))['Fee_Percent__c']).toBe(20.123456)
    // It fits, although the page would show one digit more.
    const { precision, scale } = await fieldOf('Placement__c', 'Fee_Percent__c')
    const most = 10 ** (precision - scale)
    const almost = most - 10 ** -(scale + 2)
    const path = `/sobjects/Placement__c/${id}`
    expect((await send('PATCH', path, { Fee_Percent__c: almost })).status).toBe(204)
    expect((await get('Placement__c', id))['Fee_Percent__c']).toBe(almost)
    expect((await refusal(await send('PATCH', path, { Fee_Percent__c: most })))[1]).toBe(
      'NUMBER_OUTSIDE_VALID_RANGE',
    )
  })

  it('that does not exist is 404, and so is a path that holds no id', async () => {
    for (const method of ['PATCH', 'DELETE']) {
      expect(await refusal(await send(method, '/sobjects/Lead/00Qx00000000000', {}))).toEqual([
        404,
        'NOT_FOUND',
        'The requested resource does not exist',
        undefined,
      ])
      expect(await refusal(await send(method, '/sobjects/Lead/rid', {}))).toEqual([
        404,
        'NOT_FOUND',
        'Provided external ID field does not exist or is not accessible: rid',
        undefined,
      ])
    }
  })
})

describe('a value', () => {
  const cases: [string, string, Record<string, unknown>, string, string, string[] | undefined][] = [
    [
      'unknown field',
      'Lead',
      { foo: 1 },
      'INVALID_FIELD',
      "No such column 'foo' on sobject of type Lead",
      undefined,
    ],
    [
      'missing',
      'Lead',
      { LastName: null },
      'REQUIRED_FIELD_MISSING',
      'Required fields are missing: [LastName]',
      ['LastName'],
    ],
    [
      'read-only',
      'Lead',
      { Name: 'x' },
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      'Unable to create/update fields: Name. Please check the security settings of this field and verify that it is read/write for your profile or permission set.',
      ['Name'],
    ],
    [
      'north of the North Pole',
      'Account',
      { Name: 'x', BillingLatitude: 90.1 },
      'NUMBER_OUTSIDE_VALID_RANGE',
      'Billing Latitude: value outside of valid range on numeric field: 90.1',
      ['BillingLatitude'],
    ],
    [
      'more than half around the earth',
      'Contact',
      { LastName: 'x', MailingLongitude: -181 },
      'NUMBER_OUTSIDE_VALID_RANGE',
      'Mailing Longitude: value outside of valid range on numeric field: -181',
      ['MailingLongitude'],
    ],
    [
      'too long',
      'Lead',
      { FirstName: 'x'.repeat(41) },
      'STRING_TOO_LONG',
      `First Name: data value too large: ${'x'.repeat(41)} (max length=40)`,
      ['FirstName'],
    ],
    [
      'bad email',
      'Lead',
      { Email: 'badone' },
      'INVALID_EMAIL_ADDRESS',
      'Email: invalid email address: badone',
      ['Email'],
    ],
    [
      'bad pick',
      'Account',
      { Region__c: 'Mars' },
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      'Region: bad value for restricted picklist field: Mars',
      ['Region__c'],
    ],
    [
      'bad id',
      'Contact',
      { AccountId: 'bad id' },
      'MALFORMED_ID',
      'Account ID: id value of incorrect type: bad id',
      ['AccountId'],
    ],
    [
      'other object’s id',
      'Contact',
      { AccountId: '003x00000000000' },
      'FIELD_INTEGRITY_EXCEPTION',
      'Account ID: id value of incorrect type: 003x00000000000AAA',
      ['AccountId'],
    ],
    [
      'dangling id',
      'Contact',
      { AccountId: '001x00000000000' },
      'INVALID_CROSS_REFERENCE_KEY',
      'invalid cross reference id',
      ['AccountId'],
    ],
    [
      'number too big',
      'Placement__c',
      { Fee_Percent__c: 12345 },
      'NUMBER_OUTSIDE_VALID_RANGE',
      'Fee Percent: value outside of valid range on numeric field: 12345',
      ['Fee_Percent__c'],
    ],
    [
      'rule',
      'Lead',
      { Enrichment_Score__c: 101 },
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      'The score is between 0 and 100.',
      ['Enrichment_Score__c'],
    ],
    [
      'stray id',
      'Lead',
      { Id: '00Qx00000000000' },
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      'cannot specify Id in an insert call',
      ['Id'],
    ],
  ]
  it.each(cases)('is refused when it is %s', async (_, object, row, code, message, fields) => {
    const base = object === 'Lead' ? LEAD : { LastName: 'x', Name: 'x' }
    const whole =
      object === 'Contact'
        ? { LastName: 'x' }
        : object === 'Placement__c'
          ? {}
          : object === 'Account'
            ? { Name: 'x' }
            : base
    const answer = await send('POST', `/sobjects/${object}`, { ...whole, ...row })
    expect(await refusal(answer)).toEqual([400, code, message, fields])
  })

  it.each([
    ['Enriched_At__c', '2026-05-01 10:00:00', 'datetime', 'VALUE_STRING'],
    ['Enrichment_Score__c', 'many', 'double', 'VALUE_STRING'],
    ['IsUnreadByOwner', 'maybe', 'boolean', 'VALUE_STRING'],
    ['Company', 12, 'string', 'VALUE_NUMBER_INT'],
    ['Enriched_At__c', {}, 'datetime', 'START_OBJECT'],
  ])('of the wrong JSON type is refused by the parser: %s', async (field, value, type, token) => {
    const [status, code, message] = await refusal(
      await send('POST', '/sobjects/Lead', { ...LEAD, [field]: value }),
    )
    expect([status, code]).toEqual([400, 'JSON_PARSER_ERROR'])
    expect(message).toMatch(
      new RegExp(
        `^Cannot deserialize instance of ${type} from ${token} value .* or request may be missing a required field at \\[line:1, column:\\d+\\]$`,
      ),
    )
  })

  it('of a dependent picklist must fit the controlling value', async () => {
    const value = (name: string, bits: number) => ({
      active: true,
      defaultValue: false,
      label: name,
      value: name,
      validFor: Buffer.from([bits]).toString('base64'),
    })
    await sim.control.act('schema/add-field', {
      org: 'Acme',
      object: 'Account',
      field: {
        name: 'Office__c',
        type: 'picklist',
        restrictedPicklist: true,
        dependentPicklist: true,
        controllerName: 'Region__c',
        picklistValues: [value('Bern', 0b1000_0000), value('Boston', 0b0100_0000)],
      },
    })
    await create('Account', { Name: 'x', Region__c: 'EMEA', Office__c: 'Bern' })
    const answer = await send('POST', '/sobjects/Account', {
      Name: 'x',
      Region__c: 'EMEA',
      Office__c: 'Boston',
    })
    expect((await refusal(answer)).slice(1, 3)).toEqual([
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      'Office__c: bad value for restricted picklist field: Boston',
    ])
  })

  it('is kept in the form in which Salesforce shows it', async () => {
    const id = await create('Lead', {
      ...LEAD,
      Enriched_At__c: '2026-05-01T10:00:00.250+02:00',
      Enrichment_Score__c: '77',
      Segment__c: 'anything goes here',
      Description: '   ',
    })
    expect(await get('Lead', id)).toMatchObject({
      Enriched_At__c: '2026-05-01T08:00:00.000+0000',
      Enrichment_Score__c: 77,
      Segment__c: 'anything goes here',
      Description: null,
    })
  })

  it('that is unique is refused a second time, with the id of the first, whatever its case', async () => {
    const first = await create('Lead', { ...LEAD, Source_Key__c: 'k-1' })
    const again = await send('POST', '/sobjects/Lead', { ...LEAD, Source_Key__c: 'K-1' })
    expect(await refusal(again)).toEqual([
      400,
      'DUPLICATE_VALUE',
      `duplicate value found: Source_Key__c duplicates value on record with id: ${first}`,
      [],
    ])
    await send('DELETE', `/sobjects/Lead/${first}`)
    await create('Lead', { ...LEAD, Source_Key__c: 'k-1' })
  })

  it('cannot point at a deleted parent', async () => {
    const account = await create('Account', { Name: 'Gone' })
    await send('DELETE', `/sobjects/Account/${account}`)
    const answer = await send('POST', '/sobjects/Contact', { LastName: 'x', AccountId: account })
    expect((await refusal(answer)).slice(1, 3)).toEqual(['ENTITY_IS_DELETED', 'entity is deleted'])
  })

  it('names a parent by its external id', async () => {
    const key = { External_Key__c: 'p-1' }
    const placement = await create('Placement__c', key)
    const fee = await create('Placement_Fee__c', { Name: 'F', Placement__r: key, Amount__c: 5 })
    expect((await get('Placement_Fee__c', fee))['Placement__c']).toBe(placement)
    const answer = await send('POST', '/sobjects/Placement_Fee__c', {
      Placement__r: { External_Key__c: '0116' },
    })
    expect((await refusal(answer)).slice(0, 3)).toEqual([
      400,
      'INVALID_FIELD',
      'Foreign key external ID: 0116 not found for field External_Key__c in entity Placement__c',
    ])
  })

  it('of a record type must be one of its object', async () => {
    const [support] = await bodyOf<{ recordTypeInfos: { recordTypeId: string }[] }>(
      await admin.get('/sobjects/Case/describe'),
    ).then(({ recordTypeInfos }) => recordTypeInfos)
    await create('Case', { Subject: 'Help', RecordTypeId: support?.recordTypeId })
    const answer = await send('POST', '/sobjects/Case', { RecordTypeId: '012x00000000000' })
    expect((await refusal(answer)).slice(1, 4)).toEqual([
      'INVALID_CROSS_REFERENCE_KEY',
      "Record Type ID: this ID value isn't valid for the user: 012x00000000000AAA",
      ['RecordTypeId'],
    ])
  })
})

describe('numbers and names', () => {
  it('are given by the object', async () => {
    const first = await get('Placement__c', await create('Placement__c', {}))
    const second = await get('Placement__c', await create('Placement__c', {}))
    expect([first['Name'], second['Name']]).toEqual(['P-0002', 'P-0003'])
    expect((await get('Case', await create('Case', {})))['CaseNumber']).toBe('00000001')
    const fee = await create('Placement_Fee__c', { Placement__c: first['Id'] })
    expect((await get('Placement_Fee__c', fee))['Name']).toBe(fee.slice(0, 15))
  })
})

describe('rights', () => {
  it('hide fields that are not granted, and refuse those that are read-only', async () => {
    const restricted = await clientOf(sim.control, 'Acme', 'restricted@acme.example')
    const hidden = await send(
      'POST',
      '/sobjects/Lead',
      { ...LEAD, Segment__c: 'SMB' },
      {},
      restricted,
    )
    expect((await refusal(hidden))[2]).toBe("No such column 'Segment__c' on sobject of type Lead")
    await sim.control.act('permissions/grant-field', {
      org: 'Acme',
      field: 'Lead.Segment__c',
      editable: false,
      profile: 'Minimum Access - API Only',
    })
    const readOnly = await send(
      'POST',
      '/sobjects/Lead',
      { ...LEAD, Segment__c: 'SMB' },
      {},
      restricted,
    )
    expect((await refusal(readOnly)).slice(1, 4)).toMatchObject([
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      expect.stringContaining('Unable to create/update fields: Segment__c.'),
      ['Segment__c'],
    ])
    expect((await send('POST', '/sobjects/Case', {}, {}, restricted)).status).toBe(404)
  })
})

describe('an upsert', () => {
  const path = '/sobjects/Lead/Source_Key__c/k-9'
  it('creates with 201, updates with 200, and says which it was', async () => {
    const made = await send('PATCH', path, LEAD)
    const first = await bodyOf<{ id: string; created: boolean }>(made)
    expect([made.status, first.created]).toEqual([201, true])
    const again = await send('PATCH', path, { Email: 'a@b.example' })
    expect([again.status, await bodyOf(again)]).toEqual([
      200,
      { id: first.id, success: true, errors: [], created: false },
    ])
    expect((await get('Lead', first.id))['Source_Key__c']).toBe('k-9')
    expect((await bodyOf<{ Id: string }>(await admin.get(path))).Id).toBe(first.id)
    expect((await send('DELETE', path)).status).toBe(204)
  })

  it('takes a key of any characters', async () => {
    const key = 'a%b/c é?&#'
    const answer = await send(
      'PATCH',
      `/sobjects/Lead/Source_Key__c/${encodeURIComponent(key)}`,
      LEAD,
    )
    const { id } = await bodyOf<{ id: string }>(answer)
    expect((await get('Lead', id))['Source_Key__c']).toBe(key)
  })

  it('answers 300 with the urls of all records that have the value', async () => {
    const twice = { ...LEAD, Email: 'same@x.example' }
    const ids = [await create('Lead', twice), await create('Lead', twice)]
    const answer = await send('PATCH', '/sobjects/Lead/Email/same@x.example', { Title: 'x' })
    expect([answer.status, await bodyOf(answer)]).toEqual([
      300,
      ids.map((id) => `/services/data/v66.0/sobjects/Lead/${id}`),
    ])
  })

  it('refuses a field that is not an external id, and the key in the body', async () => {
    expect(
      (await refusal(await send('PATCH', '/sobjects/Lead/Company/x', LEAD))).slice(0, 3),
    ).toEqual([
      404,
      'NOT_FOUND',
      'Provided external ID field does not exist or is not accessible: Company',
    ])
    expect((await refusal(await send('PATCH', path, { Source_Key__c: 'k-9' })))[1]).toBe(
      'INVALID_FIELD',
    )
  })
})

describe('duplicate rules', () => {
  it('stop a record, with what they found; an alert lets through whoever says so', async () => {
    const first = await create('Contact', { LastName: 'One', Email: 'one@x.example' })
    const again = { LastName: 'Two', Email: 'One@x.example' }
    const stopped = await send('POST', '/sobjects/Contact', again)
    expect(stopped.status).toBe(400)
    expect(await bodyOf(stopped)).toMatchObject([
      {
        errorCode: 'DUPLICATES_DETECTED',
        message: 'Use one of these records?',
        duplicateResult: {
          allowSave: true,
          duplicateRuleEntityType: 'Contact',
          matchResults: [{ size: 1, matchRecords: [{ record: { Id: first } }] }],
        },
      },
    ])
    const allow = { 'sforce-duplicate-rule-header': 'allowSave=true; includeRecordDetails=false' }
    await create('Contact', again, allow)
    await sim.control.act('records/set-duplicate-rule', {
      org: 'Acme',
      object: 'Contact',
      name: 'Standard_Contact_Duplicate_Rule',
      action: 'block',
    })
    expect((await refusal(await send('POST', '/sobjects/Contact', again, allow)))[1]).toBe(
      'DUPLICATES_DETECTED',
    )
  })
})

describe('assignment rules', () => {
  it('run unless disabled, and assign the lead to a queue', async () => {
    const web = { ...LEAD, LeadSource: 'Web' }
    const assigned = await get('Lead', await create('Lead', web))
    expect(assigned['OwnerId']).toMatch(/^00G/)
    const kept = await get('Lead', await create('Lead', web, { 'sforce-auto-assign': 'FALSE' }))
    expect(kept['OwnerId']).toBe(kept['CreatedById'])
    await send('PATCH', `/sobjects/Lead/${String(kept['Id'])}`, { Title: 'x' })
    expect((await get('Lead', String(kept['Id'])))['OwnerId']).toMatch(/^00G/)
  })

  it('are chosen by id, active or not', async () => {
    const q = encodeURIComponent("SELECT Id FROM AssignmentRule WHERE Name = 'Holiday Cover'")
    const { records } = await bodyOf<{ records: { Id: string }[] }>(
      await admin.get(`/query?q=${q}`),
    )
    const id = await create(
      'Case',
      { Origin: 'Email' },
      { 'sforce-auto-assign': records[0]?.Id ?? '' },
    )
    const made = await get('Case', id)
    expect(made['OwnerId']).toBe(made['CreatedById'])
    expect((await get('Case', await create('Case', { Origin: 'Email' })))['OwnerId']).toMatch(
      /^00G/,
    )
  })
})

describe('validation rules', () => {
  const rule = (formula: string) =>
    sim.control.act('automations/set-validation-rule', {
      org: 'Acme',
      object: 'Lead',
      name: 'Test',
      formula,
      message: 'No.',
    })

  it('see what changed, who changes it, and the owner', async () => {
    await rule(
      'AND(NOT(ISNEW()), ISCHANGED(Company), PRIORVALUE(Company) = "Engines", $User.Username = Owner:User.Username)',
    )
    const id = await create('Lead', LEAD)
    expect((await send('PATCH', `/sobjects/Lead/${id}`, { Title: 'x' })).status).toBe(204)
    expect(await refusal(await send('PATCH', `/sobjects/Lead/${id}`, { Company: 'x' }))).toEqual([
      400,
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      'No.',
      [],
    ])
  })

  it('that cannot be evaluated refuse the save as not simulated', async () => {
    await rule('VLOOKUP(Company, Company, Company) = "x"')
    const answer = await send('POST', '/sobjects/Lead', LEAD)
    expect((await refusal(answer)).slice(0, 2)).toEqual([501, 'NOT_SIMULATED'])
  })
})

describe('the recycle bin', () => {
  it('takes details with their master and empties lookups; undelete restores all of it', async () => {
    const account = await create('Account', { Name: 'Parent' })
    const contact = await create('Contact', { LastName: 'Child', AccountId: account })
    const placement = await create('Placement__c', { Company__c: account, Candidate__c: contact })
    const fee = await create('Placement_Fee__c', { Placement__c: placement })
    await send('DELETE', `/sobjects/Account/${account}`)
    expect((await admin.get(`/sobjects/Contact/${contact}`)).status).toBe(404)
    expect(await get('Placement__c', placement)).toMatchObject({
      Company__c: null,
      Candidate__c: null,
    })
    await sim.control.act('records/undelete', { org: 'Acme', object: 'Account', ids: [account] })
    expect(await get('Placement__c', placement)).toMatchObject({
      Company__c: account,
      Candidate__c: contact,
    })
    await send('DELETE', `/sobjects/Placement__c/${placement}`)
    expect((await admin.get(`/sobjects/Placement_Fee__c/${fee}`)).status).toBe(404)
  })

  it('is refused where a child forbids it', async () => {
    const account = await create('Account', { Name: 'Busy' })
    await create('Case', { AccountId: account })
    expect(
      (await refusal(await send('DELETE', `/sobjects/Account/${account}`))).slice(1, 3),
    ).toEqual([
      'DELETE_FAILED',
      'Your attempt to delete Busy could not be completed because it is associated with the following cases.: 00000001',
    ])
  })

  it('brings the contracts of an account with it, but for activated ones', async () => {
    const account = await create('Account', { Name: 'Signed' })
    const contract = await create('Contract', { AccountId: account, Status: 'Activated' })
    const answer = await send('DELETE', `/sobjects/Account/${account}`)
    expect((await refusal(answer))[1]).toBe('DELETE_FAILED')
    await send('PATCH', `/sobjects/Contract/${contract}`, { Status: 'Draft' })
    expect((await send('DELETE', `/sobjects/Account/${account}`)).status).toBe(204)
    expect((await admin.get(`/sobjects/Contract/${contract}`)).status).toBe(404)
  })
})

describe('formula fields', () => {
  it('are reckoned when they are read, by REST and by SOQL', async () => {
    await sim.control.act('schema/add-field', {
      org: 'Acme',
      object: 'Placement__c',
      field: {
        name: 'Fee__c',
        type: 'currency',
        scale: 2,
        calculated: true,
        calculatedFormula: 'Salary__c * Fee_Percent__c',
      },
    })
    const id = await create('Placement__c', { Salary__c: 50_000, Fee_Percent__c: 20 })
    expect((await get('Placement__c', id))['Fee__c']).toBe(10_000)
    const q = encodeURIComponent('SELECT Fee__c FROM Placement__c WHERE Fee__c > 9999')
    const { records } = await bodyOf<{ records: { Fee__c: number }[] }>(
      await admin.get(`/query?q=${q}`),
    )
    expect(records.map(({ Fee__c }) => Fee__c)).toEqual([10_000])
    expect(
      (await refusal(await send('PATCH', `/sobjects/Placement__c/${id}`, { Fee__c: 1 })))[1],
    ).toBe('INVALID_FIELD_FOR_INSERT_UPDATE')
  })
})

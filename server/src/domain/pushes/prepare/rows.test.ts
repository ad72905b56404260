// Whole rows: which record they mean, what is sent to Salesforce for it, and what is wrong with them.

import { describe, expect, it } from 'vitest'
import { type PushOptions } from '../model.ts'
import { compileLinks } from './links.ts'
import { compileMapping } from './prepare.ts'
import { createRowJudge } from './row-judge.ts'
import {
  describes,
  errorsOf,
  field,
  LEAD,
  map,
  mapping,
  preparerOf,
  readyOf,
} from './testing/fixtures.ts'

const LEAD_ID = '00QRM000003oLrB2AU'
const ACCOUNT_ID = '001RM000003oLrBYAU'

const codesOf = (row: Parameters<typeof errorsOf>[0]) =>
  errorsOf(row).map(({ code, fields }) => `${code} ${fields.join()}`)

describe('a record', () => {
  const draft = mapping([
    map('phone', 'Phone'),
    map('company', 'Company__r.Key__c'),
    map('owner', 'OwnerId'),
    map('partner', 'Account:Partner__r.Id'),
  ])
  const judge = (row: unknown) => preparerOf(draft).judge(4, row).row

  it('becomes an upsert by the external id, with its parents as what it locks', () => {
    const row = {
      key: ' K-1 ',
      name: 'Ada',
      phone: 30,
      company: 'ACME',
      owner: '005000000000001',
      partner: ACCOUNT_ID,
    }
    expect(readyOf(judge(row))).toEqual({
      index: 4,
      key: 'K-1',
      object: 'Lead',
      operation: 'upsert',
      matchField: 'External_Key__c',
      matchValue: 'K-1',
      fields: {
        LastName: 'Ada',
        Phone: '30',
        Company__r: { Key__c: 'ACME' },
        OwnerId: '005000000000001AAA',
        Partner__c: ACCOUNT_ID,
      },
      // An owner is not locked by the records it owns.
      lockKeys: ['Account.Key__c=acme', ACCOUNT_ID],
    })
  })

  it('without its key is KEY_MISSING', () => {
    for (const row of [{}, { key: null }, { key: '' }, { key: '  ' }]) {
      expect(codesOf(judge(row))).toEqual(['KEY_MISSING key'])
    }
    expect(codesOf(judge({ key: 0 }))).toEqual([])
    expect(codesOf(judge({ key: { a: 1 } }))).toEqual(['INVALID_TYPE_ON_FIELD_IN_RECORD key'])
    expect(codesOf(judge({ key: 'x'.repeat(21) }))).toEqual(['STRING_TOO_LONG key'])
  })

  it('names only fields of the mapping, whatever they are called', () => {
    const row = JSON.parse(
      '{"key":"1","phnoe":"1","__proto__":{"phone":1},"constructor":1}',
    ) as unknown
    expect(codesOf(judge(row))).toEqual([
      'UNKNOWN_FIELD phnoe',
      'UNKNOWN_FIELD __proto__',
      'UNKNOWN_FIELD constructor',
    ])
    expect(errorsOf(judge({ key: '1', phnoe: 1 }))[0]?.remedy).toContain('Did you mean phone?')
    const odd = preparerOf(mapping([map('constructor', 'Phone')]))
    expect(readyOf(odd.judge(0, { key: '1' }).row).fields).toEqual({ LastName: 'Unknown' })
    expect(readyOf(odd.judge(0, { key: '1', constructor: 'x' }).row).fields.Phone).toBe('x')
  })

  it('full of unknown names names some of them, so that its result stays small', () => {
    const row = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`f${at}`, 1]))
    expect(errorsOf(judge({ key: '1', ...row })).length).toBe(20)
  })

  it('that is not an object fails alone', () => {
    for (const row of [null, 1, 'a', [], [{ key: '1' }], undefined]) {
      expect(codesOf(judge(row))).toEqual(['INVALID_ROW A record'])
    }
  })

  it('reports everything that is wrong with it, under its key', () => {
    const row = judge({ key: 'k', phone: 'x'.repeat(41), owner: 'me', nope: 1 })
    expect('result' in row && row.result).toMatchObject({
      index: 4,
      key: 'k',
      id: null,
      action: 'failed',
      success: false,
      attempts: 0,
    })
    expect(codesOf(row)).toEqual([
      'UNKNOWN_FIELD nope',
      'STRING_TOO_LONG phone',
      'MALFORMED_ID owner',
    ])
    for (const { message, remedy } of errorsOf(row)) expect([message, remedy]).not.toContain('')
  })

  it('may create, so it needs a value for each mapped field that Salesforce requires', () => {
    const required = { ...draft, fields: [map('key', 'External_Key__c'), map('name', 'LastName')] }
    const judgeIt = (row: unknown) => codesOf(preparerOf(required).judge(0, row).row)
    expect(judgeIt({ key: '1' })).toEqual(['REQUIRED_FIELD_MISSING name'])
    expect(judgeIt({ key: '1', name: '' })).toEqual(['REQUIRED_FIELD_MISSING name'])
    expect(judgeIt({ key: '1', name: 'A' })).toEqual([])
    const without = { ...draft, fields: [map('key', 'External_Key__c')] }
    // Such a mapping may be meant for existing records: Salesforce decides.
    expect(codesOf(preparerOf(without).judge(0, { key: '1' }).row)).toEqual([])
  })

  it('does not take over values of the record before it', () => {
    const preparer = preparerOf(draft)
    preparer.judge(0, { key: '1', phone: '1' })
    expect(readyOf(preparer.judge(1, { key: '2' }).row).fields).toEqual({ LastName: 'Unknown' })
  })

  it('is never named by a number that stands for several', () => {
    const numbered = {
      ...LEAD,
      fields: [
        ...LEAD.fields,
        field('Number_Key__c', 'double', { precision: 18, externalId: true }),
      ],
    }
    const compiled = compileMapping({
      kind: 'records',
      mapping: mapping([], {
        external_id_field: 'Number_Key__c',
        fields: [map('nr', 'Number_Key__c'), map('name', 'LastName')],
      }),
      object: 'lead',
      describes: (name) => (name === 'Lead' ? numbered : undefined),
      options: { null_policy: 'skip' },
    })
    if (!('preparer' in compiled)) throw new Error('the mapping is usable')
    const { preparer } = compiled
    const judgeIt = (nr: unknown) => codesOf(preparer.judge(0, { nr, name: 'A' }).row)
    // 2^53 + 1 arrives as 2^53, which is another record's number.
    expect(judgeIt('9007199254740993')).toEqual(['NUMBER_OUTSIDE_VALID_RANGE nr'])
    expect(judgeIt(9007199254740992)).toEqual(['NUMBER_OUTSIDE_VALID_RANGE nr'])
    expect(judgeIt('9007199254740991')).toEqual([])
    expect(judgeIt(12.5)).toEqual([])
  })

  it('found by its Id is changed, never created', () => {
    const byId = mapping([], {
      external_id_field: 'Id',
      fields: [map('sf', 'Id'), map('phone', 'Phone')],
    })
    expect(readyOf(preparerOf(byId).judge(0, { sf: LEAD_ID, phone: '1' }).row)).toMatchObject({
      operation: 'update',
      matchField: 'Id',
      matchValue: LEAD_ID,
      fields: { Phone: '1' },
    })
  })

  it('of an object without a describe is sent as it is', () => {
    const compiled = compileMapping({
      kind: 'records',
      mapping: mapping([map('company', 'Company__r.Key__c'), map('n', 'N__c')], {
        sfdc_object: 'X__c',
      }),
      object: 'person',
      describes: () => undefined,
      options: { null_policy: 'blank' },
    })
    if ('faults' in compiled) throw new Error('faults')
    const judgeIt = (index: number, row: unknown) => compiled.preparer.judge(index, row)
    expect(readyOf(judgeIt(0, { key: 'K', n: 1.5, company: null }).row).fields).toEqual({
      LastName: 'Unknown',
      N__c: 1.5,
      Company__c: null,
    })
    expect(codesOf(judgeIt(0, { key: 'K', n: [1] }).row)).toEqual([
      'INVALID_TYPE_ON_FIELD_IN_RECORD n',
    ])
  })
})

describe('a mapping that no record can be pushed with', () => {
  const faultOf = (input: Partial<Parameters<typeof compileMapping>[0]>) => {
    const compiled = compileMapping({
      kind: 'records',
      mapping: mapping([]),
      object: 'person',
      describes,
      options: { null_policy: 'skip' },
      ...input,
    })
    return 'faults' in compiled ? compiled.faults.map(({ code }) => code).join() : 'none'
  }

  it('is a fault of the push, not of its rows', () => {
    expect(faultOf({})).toBe('none')
    expect(faultOf({ mapping: null })).toBe('mapping_missing')
    expect(faultOf({ mapping: mapping([], { external_id_field: null }) })).toBe(
      'external_id_missing',
    )
    expect(faultOf({ mapping: mapping([], { external_id_field: 'Phone' }) })).toBe(
      'external_id_unusable',
    )
    const byPhone = mapping([map('phone', 'Phone')], { external_id_field: 'Phone' })
    expect(faultOf({ mapping: byPhone })).toBe('external_id_unusable')
    const locked = { ...LEAD, createable: false, updateable: false }
    expect(faultOf({ describes: () => locked })).toBe('object_not_writable')
    expect(faultOf({ kind: 'status_update', mapping: null, object: 'Lead' })).toBe('none')
  })
})

describe('a status update', () => {
  const draft = mapping([
    map('email', 'Email'),
    map('status', 'Status', { default: 'Open', value_map: { done: 'Closed' } }),
    map('once', 'Once__c'),
    map('phone', 'Phone', { required: true }),
  ])
  const judge = (row: unknown, nullPolicy: PushOptions['null_policy'] = 'skip') =>
    preparerOf(draft, { kind: 'status_update', nullPolicy }).judge(0, row).row

  it('changes the fields it names of a record found by id or key, and no others', () => {
    const byId = { match: { id: LEAD_ID.slice(0, 15) }, fields: { status: 'done' } }
    expect(readyOf(judge(byId))).toEqual({
      index: 0,
      key: LEAD_ID,
      object: 'Lead',
      operation: 'update',
      matchField: 'Id',
      matchValue: LEAD_ID,
      fields: { Status: 'Closed' },
      lockKeys: [],
    })
    expect(
      readyOf(judge({ match: { email: 'a@b.de' }, fields: { email: 'c@d.de' } })),
    ).toMatchObject({
      matchField: 'Email',
      matchValue: 'a@b.de',
      fields: { Email: 'c@d.de' },
    })
  })

  it('needs exactly one field that identifies records', () => {
    const codes = (match: unknown) => codesOf(judge({ match, fields: { status: 'Open' } }))
    expect(codes({ key: 'K' })).toEqual([])
    expect(codes({ key: 'K', id: LEAD_ID })).toEqual(['INVALID_MATCH match'])
    expect(codes({})).toEqual(['INVALID_MATCH match'])
    expect(codes(null)).toEqual(['INVALID_MATCH match'])
    expect(codes({ name: 'Ada' })).toEqual(['INVALID_MATCH name'])
    expect(codes({ kye: 'K' })).toEqual(['UNKNOWN_FIELD kye'])
    expect(codes({ key: ' ' })).toEqual(['KEY_MISSING key'])
    expect(codes({ id: null })).toEqual(['KEY_MISSING match'])
    expect(codes({ id: ACCOUNT_ID })).toEqual(['MALFORMED_ID match'])
    expect(codes({ id: 'x' })).toEqual(['MALFORMED_ID match'])
  })

  it('that has nothing to change is skipped, which is a success', () => {
    for (const fields of [{}, { phone: null }, { phone: '' }]) {
      const row = judge({ match: { key: 'K' }, fields })
      expect('result' in row && row.result).toMatchObject({
        action: 'skipped',
        success: true,
        errors: [],
      })
    }
    expect(codesOf(judge({ match: { key: 'K' }, fields: { phone: null } }, 'blank'))).toEqual([
      'REQUIRED_FIELD_MISSING phone',
    ])
  })

  it('reports what is wrong with its fields', () => {
    const codes = (fields: unknown) => codesOf(judge({ match: { key: 'K' }, fields }))
    expect(codes({ once: 'a' })).toEqual(['INVALID_FIELD_FOR_INSERT_UPDATE once'])
    expect(codes({ status: 'Bad', other: 1 })).toEqual([
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST status',
      'UNKNOWN_FIELD other',
    ])
    expect(codes(undefined)).toEqual(['INVALID_ROW fields'])
    expect(codesOf(judge({ match: { key: 'K' }, fields: { status: 'Open' }, id: 1 }))).toEqual([
      'UNKNOWN_FIELD id',
    ])
  })

  it('without a mapping uses Salesforce’s own names', () => {
    const compiled = compileMapping({
      kind: 'status_update',
      mapping: null,
      object: 'lead',
      describes,
      options: { null_policy: 'skip' },
    })
    if ('faults' in compiled) throw new Error('faults')
    const judgeIt = (row: unknown) => compiled.preparer.judge(0, row).row
    expect(
      readyOf(
        judgeIt({
          match: { external_key__c: 'K' },
          fields: { status: 'closed', 'Company__r.Key__c': 'A' },
        }),
      ),
    ).toMatchObject({
      object: 'Lead',
      matchField: 'External_Key__c',
      fields: { Status: 'Closed', Company__r: { Key__c: 'A' } },
    })
    expect(codesOf(judgeIt({ match: { id: LEAD_ID }, fields: { Statsu: 'Open' } }))).toEqual([
      'UNKNOWN_FIELD Statsu',
    ])
  })
})

describe('a link', () => {
  const account = mapping([], {
    canonical_object: 'company',
    sfdc_object: 'Account',
    external_id_field: 'Key__c',
    fields: [map('key', 'Key__c')],
  })
  const person = mapping([
    map('company', 'Company__r.Key__c'),
    map('partner', 'Partner__c'),
    map('score', 'Score__c'),
    map('phone', 'Phone'),
  ])
  const links = compileLinks({
    mappings: (name) => (name === 'company' ? account : name === 'person' ? person : null),
    describes,
    objectNames: ['Lead', 'Account', 'Membership__c', 'Contact'],
    options: { null_policy: 'skip' },
  })
  const judge = (row: unknown) => links.judge(0, row).row
  const base = { object: 'person', match: { key: 'K' }, field: 'company' }

  it('sets a lookup to a record found by key or id', () => {
    const byKey = { ...base, target: { object: 'company', match: { key: 'ACME' } } }
    expect(readyOf(judge(byKey))).toEqual({
      index: 0,
      key: 'K',
      object: 'Lead',
      operation: 'update',
      matchField: 'External_Key__c',
      matchValue: 'K',
      fields: { Company__r: { Key__c: 'ACME' } },
      lockKeys: ['Account.Key__c=acme'],
    })
    const byId = {
      ...base,
      field: 'partner',
      target: { object: 'Account', match: { id: ACCOUNT_ID } },
    }
    expect(readyOf(judge(byId)).fields).toEqual({ Partner__c: ACCOUNT_ID })
    const polymorphic = {
      ...base,
      field: 'Partner__c',
      target: { object: 'company', match: { key: 'A' } },
    }
    expect(readyOf(judge(polymorphic)).fields).toEqual({
      Partner__r: { attributes: { type: 'Account' }, Key__c: 'A' },
    })
  })

  it('is refused where it names what does not fit', () => {
    const target = { object: 'company', match: { key: 'A' } }
    const codes = (row: object) => codesOf(judge({ ...base, target, ...row }))
    expect(codes({})).toEqual([])
    expect(codes({ object: 'persno' })).toEqual(['UNKNOWN_OBJECT object'])
    expect(codes({ object: 7 })).toEqual(['INVALID_ROW object'])
    expect(codes({ match: { name: 'x' } })).toEqual(['INVALID_MATCH name'])
    expect(codes({ field: 'nope' })).toEqual(['UNKNOWN_FIELD nope'])
    expect(codes({ field: 'phone' })).toEqual(['INVALID_FIELD phone'])
    expect(codes({ field: 'score' })).toEqual(['INVALID_FIELD_FOR_INSERT_UPDATE score'])
    expect(codes({ field: undefined })).toEqual(['INVALID_ROW field'])
    expect(codes({ target: null })).toEqual(['INVALID_ROW target'])
    expect(codes({ target: { object: 'company', match: { site: 1 } } })).toEqual([
      'UNKNOWN_FIELD site',
    ])
    expect(codes({ target: { object: 'person', match: { key: 'A' } } })).toEqual([
      'FIELD_INTEGRITY_EXCEPTION company',
    ])
    expect(codes({ extra: 1 })).toEqual(['UNKNOWN_FIELD extra'])
    expect(codesOf(judge('x'))).toEqual(['INVALID_ROW A link'])
  })

  it('of another lookup of the same record is not a repetition; of the same one it is', () => {
    const rows = createRowJudge(links)
    const target = { object: 'company', match: { key: 'A' } }
    const results = [base, { ...base, field: 'partner' }, { ...base, match: { key: 'k' } }]
    expect(results.map((row, at) => codesOf(rows.judge(at, { ...row, target })))).toEqual([
      [],
      [],
      ['DUPLICATE_KEY_IN_INPUT '],
    ])
    expect(rows.profile()).toBe(null)
  })

  const junction = {
    object: 'person',
    match: { key: 'K' },
    target: { object: 'company', match: { id: ACCOUNT_ID } },
    junction: {
      object: 'Membership__c',
      fields: { Role__c: 'Chief' },
      external_id: { Key__c: 'K/A' },
    },
  }

  it('by a junction upserts its record, joined to both by the lookups that lead there', () => {
    expect(readyOf(judge(junction))).toEqual({
      index: 0,
      key: 'K/A',
      object: 'Membership__c',
      operation: 'upsert',
      matchField: 'Key__c',
      matchValue: 'K/A',
      fields: {
        Role__c: 'Chief',
        Lead__r: { External_Key__c: 'K' },
        Account__c: ACCOUNT_ID,
      },
      lockKeys: ['Lead.External_Key__c=k', ACCOUNT_ID],
    })
  })

  it('by a junction may name both records by the junction’s own lookups', () => {
    const fields = {
      Lead__c: { object: 'person', match: { id: LEAD_ID } },
      Account__c: { object: 'company', match: { key: 'A' } },
    }
    const own = { junction: { ...junction.junction, fields } }
    expect(readyOf(judge(own)).fields).toEqual({ Lead__c: LEAD_ID, Account__r: { Key__c: 'A' } })
    expect(codesOf(judge({ ...junction, junction: own.junction }))).toEqual([
      'INVALID_ROW match',
      'INVALID_ROW target',
    ])
  })

  it('by a junction is refused where the record could not be found again or created', () => {
    const codes = (change: object) =>
      codesOf(judge({ ...junction, junction: { ...junction.junction, ...change } }))
    expect(codes({ external_id: undefined })).toEqual(['INVALID_MATCH junction.external_id'])
    expect(codes({ external_id: { Key__c: '' } })).toEqual(['KEY_MISSING Key__c'])
    expect(codes({ external_id: { id: 'a0MRM000003oLrB' } })).toEqual([
      'INVALID_MATCH junction.external_id',
    ])
    expect(codes({ object: 'Nope__c' })).toEqual(['UNKNOWN_OBJECT junction.object'])
    expect(codes({ fields: { Role__c: 'x'.repeat(11), Other__c: 1 } })).toEqual([
      'STRING_TOO_LONG Role__c',
      'UNKNOWN_FIELD Other__c',
    ])
    const alone = { junction: { ...junction.junction, fields: { Role__c: 'Chief' } } }
    expect(
      codesOf(
        judge({
          ...alone,
          junction: { ...alone.junction, object: 'company', external_id: 'A', fields: {} },
        }),
      ),
    ).toEqual(['REQUIRED_FIELD_MISSING Name'])
  })
})

describe('rows of one push', () => {
  it('with one key: the first that can be sent is ready, the others fail', () => {
    const rows = createRowJudge(preparerOf(mapping([map('phone', 'Phone')])))
    const codes = ['A', 'a', ' A ', 'b'].map((key, at) => codesOf(rows.judge(at, { key })))
    const repeated = ['DUPLICATE_KEY_IN_INPUT key']
    expect(codes).toEqual([[], repeated, repeated, []])
    expect(codesOf(rows.judge(4, { key: 'c', phone: [] }))).toEqual([
      'INVALID_TYPE_ON_FIELD_IN_RECORD phone',
    ])
    expect(codesOf(rows.judge(5, { key: 'c' }))).toEqual([])
  })

  it('of a case-sensitive external id are two', () => {
    const draft = mapping([], {
      external_id_field: 'Case_Key__c',
      fields: [map('key', 'Case_Key__c'), map('name', 'LastName', { default: 'x' })],
    })
    const rows = createRowJudge(preparerOf(draft))
    expect(['A', 'a', 'A'].map((key, at) => codesOf(rows.judge(at, { key })).length)).toEqual([
      0, 0, 1,
    ])
  })

  it('each have one result of their own index, ready or failed, whatever they are', () => {
    const draft = mapping([
      map('phone', 'Phone'),
      map('born', 'Born__c'),
      map('n', 'Revenue__c'),
      map('skills', 'Skills__c'),
      map('company', 'Company__r.Key__c'),
    ])
    const values = [
      undefined,
      null,
      '',
      'x',
      '2026-01-01',
      0,
      -1,
      1e9,
      true,
      [],
      ['Crane'],
      {},
      { a: [1] },
      '\0',
      '\ud800',
    ]
    for (const nullPolicy of ['skip', 'blank'] as const) {
      const rows = createRowJudge(preparerOf(draft, { nullPolicy }))
      let seed = 7
      const any = () => {
        seed = (seed * 1103515245 + 12345) % 2147483648
        return values[seed % values.length]
      }
      let ready = 0
      for (let index = 0; index < 3000; index += 1) {
        const row = {
          key: index % 5 === 0 ? any() : `k${index}`,
          phone: any(),
          born: any(),
          n: any(),
          skills: any(),
          company: any(),
        }
        const judged = rows.judge(index, row)
        expect(('ready' in judged ? judged.ready : judged.result).index).toBe(index)
        if ('ready' in judged) {
          ready += 1
          expect(judged.ready.key).not.toBe('')
          expect(JSON.stringify(judged.ready.fields).isWellFormed()).toBe(true)
        } else {
          expect(judged.result.errors.length).toBeGreaterThan(0)
          for (const error of judged.result.errors) {
            expect(error.code).toMatch(/^[A-Z_]+$/)
            expect(error.fields.length).toBeGreaterThan(0)
          }
        }
      }
      expect(rows.profile()?.rows).toBe(ready)
      expect(ready).toBeGreaterThan(0)
      expect(ready).toBeLessThan(3000)
    }
  })
})

// What is kept in memory about a push's rows: their keys, and statistics of their values.

import { describe, expect, it } from 'vitest'
import { prepareBench } from './bench.ts'
import { createExplain } from './explain.ts'
import { KeySet } from './key-set.ts'
import { createProfile, mergeProfiles } from './profile.ts'
import { map, mapping, preparerOf, readyOf } from './testing/fixtures.ts'

describe('the set of keys', () => {
  it('knows each of many keys, and takes none for another, in at most 16 bytes a key', () => {
    const keys = new KeySet()
    const count = 400_000
    let repeated = 0
    for (let at = 0; at < count; at += 1) if (!keys.add(`row-${at}`)) repeated += 1
    expect(repeated).toBe(0)
    expect(keys.size).toBe(count)
    expect(keys.bytes / count).toBeLessThanOrEqual(16)
    let fresh = 0
    for (let at = 0; at < count; at += 1) if (keys.add(`row-${at}`)) fresh += 1
    expect(fresh).toBe(0)
  })

  it('distinguishes keys that differ by a letter, their order or their length', () => {
    const keys = new KeySet()
    const texts = [
      '',
      'a',
      'b',
      'aa',
      'ab',
      'ba',
      'a ',
      'ä',
      '\u0000',
      '\u0000\u0000',
      'a'.repeat(5000),
    ]
    expect(texts.map((text) => keys.add(text))).toEqual(texts.map(() => true))
    expect(texts.map((text) => keys.add(text))).toEqual(texts.map(() => false))
  })
})

describe('the value profile', () => {
  const preparer = preparerOf(
    mapping([
      map('phone', 'Phone'),
      map('revenue', 'Revenue__c'),
      map('status', 'Status'),
      map('skills', 'Skills__c'),
      map('company', 'Company__r.Key__c'),
    ]),
    { nullPolicy: 'blank' },
  )
  const profileOf = (rows: readonly object[]) => {
    const profile = createProfile(preparer.profiled)
    for (const [index, row] of rows.entries()) profile.note(readyOf(preparer.judge(index, row).row))
    return profile.result()
  }
  const rows = [
    {
      key: 'K1',
      phone: '12345',
      revenue: -5,
      status: 'open',
      skills: ['Crane', 'Forklift'],
      company: 'A',
    },
    { key: 'K22', phone: '1', revenue: 7.5, status: 'Open', skills: 'Crane', company: null },
    { key: 'K3', phone: null, status: 'Closed', company: 'B' },
    { key: 'K4' },
  ]

  it('counts what is empty, the extremes, and each picklist value; it keeps no other value', () => {
    const profile = profileOf(rows)
    const none = { longest: null, smallest: null, largest: null, values: null }
    expect(profile.rows).toBe(4)
    expect(profile.fields).toEqual({
      External_Key__c: { ...none, empty: 0, longest: 3 },
      LastName: { ...none, empty: 0, longest: 7 },
      Phone: { ...none, empty: 2, longest: 5 },
      Revenue__c: { ...none, empty: 2, smallest: -5, largest: 7.5 },
      Status: { ...none, empty: 1, longest: 6, values: { Open: 2, Closed: 1 } },
      Skills__c: { ...none, empty: 2, longest: 14, values: { Crane: 2, Forklift: 1 } },
      Company__c: { ...none, empty: 2 },
    })
    expect(JSON.stringify(profile)).not.toMatch(/12345|K22|"A"/)
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
  })

  it('of two halves is that of the whole', () => {
    for (let cut = 0; cut <= rows.length; cut += 1) {
      expect(mergeProfiles(profileOf(rows.slice(0, cut)), profileOf(rows.slice(cut)))).toEqual(
        profileOf(rows),
      )
    }
  })

  it('stays small where a picklist is used for any text', () => {
    const open = preparerOf(mapping([map('source', 'Source')]))
    const profile = createProfile(open.profiled)
    for (let at = 0; at < 3000; at += 1) {
      profile.note(readyOf(open.judge(at, { key: `k${at}`, source: `s${at}` }).row))
    }
    expect(Object.keys(profile.result().fields.Source?.values ?? {})).toHaveLength(1000)
  })
})

describe('Salesforce’s errors', () => {
  const explain = createExplain([
    mapping([map('company', 'Company__r.Key__c'), map('mail', 'Email')]),
  ])
  const one = (code: string, message = 'text', fields: string[] = []) =>
    explain([{ code, message, fields }])[0]

  it('keep code and text, and get canonical fields and a remedy', () => {
    expect(one('INVALID_EMAIL_ADDRESS', 'Email: invalid email address: x', ['Email'])).toEqual({
      code: 'INVALID_EMAIL_ADDRESS',
      message: 'Email: invalid email address: x',
      fields: ['mail'],
      remedy: 'Correct the address, or send nothing.',
    })
    expect(one('X', '', ['email', 'EMAIL', 'Other__c'])?.fields).toEqual(['mail', 'Other__c'])
  })

  it('name the fields that only their text tells', () => {
    expect(
      one('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName, Company]')?.fields,
    ).toEqual(['name', 'Company'])
    expect(one('INVALID_FIELD', "No such column 'Email' on sobject of type Lead")?.fields).toEqual([
      'mail',
    ])
    const missing = one(
      'INVALID_FIELD',
      'Foreign key external ID: 0116 not found for field Key__c in entity Account',
    )
    expect(missing?.remedy).toContain('push the parent first')
  })

  it('about fields that cannot be written differ by what is behind them', () => {
    const about = (object: string, field: string) =>
      one(
        'INVALID_FIELD_FOR_INSERT_UPDATE',
        `${object}: bad field names on insert/update call: ${field}`,
      )
    expect(about('Account', 'Email')?.remedy).toContain('record type')
    expect(about('Account', 'AccountId')?.remedy).toContain('contact of a person account')
    // As others met it where the user may not read the object that a lookup leads to.
    const custom = about('Log__c', 'Email')
    expect(custom?.remedy).toContain('read access to the object')
    expect(custom?.fields).toEqual(['mail'])
  })

  it('have a remedy each, their own where the code is a usual one', () => {
    const usual =
      'STRING_TOO_LONG REQUIRED_FIELD_MISSING DUPLICATE_VALUE DUPLICATES_DETECTED UNABLE_TO_LOCK_ROW ENTITY_IS_DELETED FIELD_CUSTOM_VALIDATION_EXCEPTION INSUFFICIENT_ACCESS_OR_READONLY CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY STORAGE_LIMIT_EXCEEDED INVALID_CROSS_REFERENCE_KEY ALL_OR_NONE_OPERATION_ROLLED_BACK'.split(
        ' ',
      )
    const remedies = usual.map((code) => one(code)?.remedy)
    expect(new Set(remedies).size).toBe(usual.length)
    expect(remedies).not.toContain(one('SOMETHING_NEW')?.remedy)
    expect(one('constructor')?.remedy).toBe(one('SOMETHING_NEW')?.remedy)
  })
})

describe('the bench', () => {
  it('prepares rows that are all ready', () => {
    expect(prepareBench(2_000)).toMatchObject({ rows: 2_000, ready: 2_000 })
  })
})

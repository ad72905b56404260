// push/link sets lookups. A row that names a missing or ambiguous record reports it.

import { beforeAll, describe, expect, it } from 'vitest'
import { company, person, startLinkRig, told, type LinkRig } from './push-link-rig.ts'
import { placements, pushRecords, type Row } from './push-support.ts'

let linkRig: LinkRig
let accounts: Map<string, string>
let contacts: Map<string, string>

beforeAll(async () => {
  linkRig = await startLinkRig()
  ;({ accounts, contacts } = linkRig)
})

const link: LinkRig['link'] = (...call) => linkRig.link(...call)
const list: LinkRig['list'] = (...call) => linkRig.list(...call)

describe.each(['collections', 'bulk'])('links by %s', (transport) => {
  const prefix = `li-${transport}`
  const options = { transport }
  const of = (n: number) => ({ object: 'placement', match: { key: `${prefix}-${n}` } })
  const placementsNow = async () =>
    new Map(
      (await list('Placement__c')).map((record) => [String(record['External_Key__c']), record]),
    )

  it('say of each row which record was missing or ambiguous, and set the lookups of the others', async () => {
    await pushRecords(linkRig.org.api, linkRig, placements(prefix, 12))
    const to = (target: unknown, n: number) => ({ ...of(n), field: 'company', target })
    const before = await linkRig.act('records/count', {
      org: linkRig.salesforceOrg,
      object: 'Account',
    })
    const { push, results } = await link(
      [
        to(company({ key: 'one' }), 0),
        to(company({ legacy: 'single' }), 1),
        to(company({ id: accounts.get('Two') }), 2),
        to(company({ key: 'ONE' }), 3),
        to(company({ key: 'nobody' }), 4),
        to(company({ legacy: 'nobody' }), 5),
        to(company({ legacy: 'twins' }), 6),
        to(company({ id: '001000000000000AAA' }), 7),
        to(company({ key: 'one' }), 999),
        {
          object: 'company',
          match: { legacy: 'twins' },
          field: 'ParentId',
          target: company({ key: 'one' }),
        },
        to(person('p1'), 8),
        { ...of(8), field: 'title', target: company({ key: 'one' }) },
        { ...of(8), field: 'compnay', target: company({ key: 'one' }) },
        { ...of(8), field: 'company', target: { object: 'Nothing__c', match: { key: 'one' } } },
        { ...of(8), field: 'candidate', target: { object: 'person', match: { last: 'P1' } } },
        to(company({ key: '' }), 8),
        to(company({ key: 'two' }), 0),
        { ...of(0), field: 'candidate', target: person('p1') },
      ],
      options,
    )
    expect(push).toMatchObject({ transport, created_count: 0 })
    expect(told(results)).toEqual([
      ['updated', null],
      ['updated', null],
      ['updated', null],
      ['updated', null],
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'TARGET_AMBIGUOUS'],
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'RECORD_NOT_FOUND'],
      ['failed', 'AMBIGUOUS_MATCH'],
      ['failed', 'FIELD_INTEGRITY_EXCEPTION'],
      ['failed', 'INVALID_FIELD'],
      ['failed', 'UNKNOWN_FIELD'],
      ['failed', 'UNKNOWN_OBJECT'],
      ['failed', 'INVALID_MATCH'],
      ['failed', 'KEY_MISSING'],
      ['failed', 'DUPLICATE_KEY_IN_INPUT'],
      ['updated', null],
    ])
    for (const n of [4, 5]) expect(results[n]?.errors[0]?.message).toContain('nobody')
    for (const n of [4, 5, 6, 7]) expect(results[n]?.errors[0]?.fields).toEqual(['company'])
    for (const { success, errors } of results) {
      if (!success) expect(errors[0]?.remedy).toMatch(/\w/)
    }
    const now = await placementsNow()
    const companies = Array.from(
      { length: 12 },
      (_, n) => now.get(`${prefix}-${n}`)?.['Company__c'] ?? null,
    )
    const [one, two] = [accounts.get('One'), accounts.get('Two')]
    expect(companies).toEqual([one, two, two, one, ...Array.from({ length: 8 }, () => null)])
    expect(now.get(`${prefix}-0`)?.['Candidate__c']).toBe(contacts.get('P1'))
    expect(
      await linkRig.act('records/count', { org: linkRig.salesforceOrg, object: 'Account' }),
    ).toEqual(before)
  })

  it('change none of several records that one value finds', async () => {
    const { results } = await link(
      [
        {
          object: 'Account',
          match: { Legacy_Key__c: 'twins' },
          field: 'ParentId',
          target: { object: 'Account', match: { Key__c: 'one' } },
        },
        {
          object: 'Account',
          match: { Legacy_Key__c: 'single' },
          field: 'ParentId',
          target: { object: 'Account', match: { Key__c: 'one' } },
        },
      ],
      options,
    )
    expect(told(results)).toEqual([
      ['failed', 'AMBIGUOUS_MATCH'],
      ['updated', null],
    ])
    const parents = new Map((await list('Account')).map((row) => [row['Name'], row['ParentId']]))
    expect(parents.get('Twin 1') ?? parents.get('Twin 2') ?? null).toBeNull()
    expect(parents.get('Two')).toBe(accounts.get('One'))
  })

  it('follow a lookup that leads to several objects to the one that is named', async () => {
    const key = (n: number) => `${prefix}-task-${n}`
    await linkRig.act('records/insert', {
      org: linkRig.salesforceOrg,
      object: 'Lead',
      rows: [{ LastName: 'L', Company: 'L', Source_Key__c: `${prefix}-lead` }],
    })
    await linkRig.act('records/insert', {
      org: linkRig.salesforceOrg,
      object: 'Task',
      rows: Array.from({ length: 5 }, (_, n) => ({ Subject: 'Call', Key__c: key(n) })),
    })
    const who = (n: number, target: Row) => ({
      object: 'Task',
      match: { Key__c: key(n) },
      field: 'WhoId',
      target,
    })
    const { results } = await link(
      [
        who(0, person('p2')),
        who(1, { object: 'Lead', match: { Source_Key__c: `${prefix}-lead` } }),
        // The same key exists, but on a Lead.
        who(2, person(`${prefix}-lead`)),
        who(3, company({ key: 'one' })),
        who(4, { object: 'Contact', match: { id: contacts.get('P3') } }),
        {
          object: 'Task',
          match: { Key__c: key(3) },
          field: 'WhatId',
          target: company({ key: 'two' }),
        },
      ],
      options,
    )
    expect(told(results)).toEqual([
      ['updated', null],
      ['updated', null],
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'FIELD_INTEGRITY_EXCEPTION'],
      ['updated', null],
      ['updated', null],
    ])
    const [lead] = await list('Lead', { Source_Key__c: `${prefix}-lead` })
    const tasks = new Map((await list('Task')).map((row) => [row['Key__c'], row]))
    expect(
      Array.from({ length: 5 }, (_, n) => tasks.get(key(n))).map((task) => [
        task?.['WhoId'] ?? null,
        task?.['WhatId'] ?? null,
      ]),
    ).toEqual([
      [contacts.get('P2'), null],
      [lead?.['Id'], null],
      [null, null],
      [null, accounts.get('Two')],
      [contacts.get('P3'), null],
    ])
  })
})

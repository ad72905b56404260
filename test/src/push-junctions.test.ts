// push/link creates the record between two others: once, and only if both exist.

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

describe.each(['collections', 'bulk'])('junctions by %s', (transport) => {
  const prefix = `ju-${transport}`
  const options = { transport }
  const junction = (n: number, target: Row = company({ key: 'one' })) => ({
    ...person(`p${n}`),
    target,
    junction: {
      object: 'Membership__c',
      fields: { Role__c: 'Member', Referrer__c: person('p59') },
      external_id: { Key__c: `${prefix}-${n}` },
    },
  })
  const memberships = async () =>
    (await list('Membership__c')).filter(({ Key__c }) => String(Key__c).startsWith(`${prefix}-`))

  it('go into the lookup that leads there, which the row names where it is one of several', async () => {
    const { results } = await link([junction(0)], options)
    // Contact__c and Referrer__c lead to contacts, and the row gives Referrer__c itself.
    expect(told(results)).toEqual([['created', null]])
    const bare = {
      ...company({ key: 'one' }),
      target: person('p1'),
      junction: { object: 'Membership__c', fields: {}, external_id: { Key__c: `${prefix}-1` } },
    }
    const refused = await link([bare], options)
    expect(told(refused.results)).toEqual([['failed', 'INVALID_ROW']])
    expect(refused.results[0]?.errors[0]?.message).toContain('Contact__c and Referrer__c')
    const named = await link([{ ...bare, field: 'Referrer__c' }], options)
    expect(told(named.results)).toEqual([['created', null]])
    expect(await memberships()).toMatchObject([
      {
        Key__c: `${prefix}-0`,
        Contact__c: contacts.get('P0'),
        Referrer__c: contacts.get('P59'),
        Account__c: accounts.get('One'),
        Role__c: 'Member',
      },
      { Key__c: `${prefix}-1`, Referrer__c: contacts.get('P1'), Account__c: accounts.get('One') },
    ])
  })

  it('are created once, however often they are pushed and by how many at once', async () => {
    const rows = Array.from({ length: 50 }, (_, n) => junction(n))
    const first = await Promise.all(Array.from({ length: 4 }, () => link(rows, options)))
    const again = await link(rows, options)
    const all = [...first, again]
    expect(all.flatMap(({ results }) => results.filter(({ success }) => !success))).toEqual([])
    const created = all.flatMap(({ results }) =>
      results.filter(({ action }) => action === 'created').map(({ key }) => key),
    )
    // The previous ones already exist.
    expect(created.toSorted()).toEqual(
      rows
        .slice(2)
        .map((_, n) => `${prefix}-${n + 2}`)
        .toSorted(),
    )
    expect(again.push.created_count).toBe(0)
    const now = await memberships()
    expect(now).toHaveLength(50)
    const ids = new Map(now.map(({ Key__c, Id }) => [Key__c, Id]))
    expect(
      all.flatMap(({ results }) => results.filter(({ id, key }) => ids.get(key) !== id)),
    ).toEqual([])
    expect(
      now.filter(
        ({ Key__c, Contact__c }) =>
          Contact__c !== contacts.get(`P${String(Key__c).slice(prefix.length + 1)}`),
      ),
    ).toEqual([])
  })

  it('are not made where one of the two is missing or ambiguous, and the row says which', async () => {
    const before = await memberships()
    const { results } = await link(
      [
        junction(101, company({ key: 'one' })),
        { ...junction(102, company({ key: 'nobody' })), ...person('p2') },
        { ...junction(103, company({ legacy: 'twins' })), ...person('p3') },
        { ...junction(104), ...person('p4') },
        { ...junction(104), ...person('p5') },
        { ...junction(105), ...person('') },
        { ...junction(106, company({ id: '001000000000000AAA' })), ...person('p6') },
      ],
      options,
    )
    expect(told(results)).toEqual([
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'TARGET_NOT_FOUND'],
      ['failed', 'TARGET_AMBIGUOUS'],
      ['created', null],
      ['failed', 'DUPLICATE_KEY_IN_INPUT'],
      ['failed', 'KEY_MISSING'],
      ['failed', 'TARGET_NOT_FOUND'],
    ])
    expect(results.map(({ errors: [error] }) => error?.fields)).toEqual([
      ['Contact__c'],
      ['Account__c'],
      ['Account__c'],
      undefined,
      [],
      ['key'],
      ['Account__c'],
    ])
    expect(results[0]?.errors[0]?.message).toContain('p101')
    expect(results[1]?.errors[0]?.message).toContain('nobody')
    const now = await memberships()
    expect(now.map(({ Key__c }) => Key__c)).toEqual([
      ...before.map(({ Key__c }) => Key__c),
      `${prefix}-104`,
    ])
    expect(now.at(-1)?.['Contact__c']).toBe(contacts.get('P4'))
  })

  it('whose master cannot be changed are left as they are, or say so', async () => {
    await pushRecords(linkRig.org.api, linkRig, placements(prefix, 2))
    const fee = (n: number, payer = 'one') => ({
      object: 'placement',
      match: { key: `${prefix}-${n}` },
      target: company({ key: payer }),
      junction: {
        object: 'Placement_Fee__c',
        fields: { Amount__c: 10 },
        external_id: { Key__c: `${prefix}-fee` },
      },
    })
    expect(told((await link([fee(0)], options)).results)).toEqual([['created', null]])
    const fees = async () =>
      (await list('Placement_Fee__c')).filter(({ Key__c }) => Key__c === `${prefix}-fee`)
    const before = await fees()
    expect(before).toMatchObject([{ Payer__c: accounts.get('One'), Amount__c: 10 }])
    expect(told((await link([fee(0)], options)).results)).toEqual([['skipped', null]])
    const moved = await link([fee(1)], options)
    expect(told(moved.results)).toEqual([['failed', 'INVALID_FIELD_FOR_INSERT_UPDATE']])
    expect(await fees()).toEqual(before)
  })
})

import { describe, expect, it } from 'vitest'
import { type JsonValue } from '../../../salesforce/json.ts'
import { KeyIndex, PartLedger } from './bulk-ledger.ts'
import { newItem, packItems, restoreItems, succeed } from './items.ts'
import { columnsOf, compareFields, compareValue } from './stored-values.ts'
import { placements } from './testing/rig.ts'

describe('a stored value', () => {
  const same: [JsonValue, unknown][] = [
    ['text', 'text'],
    ['  text ', 'text'],
    ['a\r\nb', 'a\nb'],
    ['', null],
    ['  ', null],
    [null, null],
    [12, 12],
    ['12.50', 12.5],
    [0.1 + 0.2, 0.3],
    [true, true],
    ['TRUE', true],
    ['2026-02-03', '2026-02-03'],
    ['2026-02-03T10:00:00Z', '2026-02-03T10:00:00.000+0000'],
    ['2026-02-03T10:00:00.999Z', '2026-02-03T10:00:00.000+0000'],
    ['2026-02-03T12:00:00+02:00', '2026-02-03T10:00:00.000+0000'],
    ['10:30', '10:30:00.000Z'],
    ['001Ax0000000001', '001Ax0000000001IAA'],
  ]
  const alike: [JsonValue, unknown][] = [
    ['Jane@Example.com', 'jane@example.com'],
    ['offer', 'Offer'],
    ['B;A', 'A;B'],
    ['415 555 1212', '(415) 555-1212'],
    [12.345, 12.35],
  ]
  const different: [JsonValue, unknown][] = [
    ['text', 'texts'],
    ['text', null],
    [null, 'text'],
    [null, 0],
    [0, null],
    [12, 13],
    [true, false],
    ['2026-02-03', '2026-02-04'],
    ['2026-02-03T10:00:01Z', '2026-02-03T10:00:00.000+0000'],
    ['001Ax0000000001', '001Ax0000000002IAA'],
    ['A;B', 'A;C'],
    ['text', undefined],
    ['abc', 12],
  ]

  it.each(same)('%j is what was sent where it is %j', (sent, stored) => {
    expect(compareValue(sent, stored)).toBe('same')
  })
  it.each(alike)('%j may be what was sent where it is %j', (sent, stored) => {
    expect(compareValue(sent, stored)).toBe('alike')
  })
  it.each(different)('%j is not what was sent where it is %j', (sent, stored) => {
    expect(compareValue(sent, stored)).toBe('different')
  })

  it('of a parent is told by its key, in whatever case the names are', () => {
    const fields = { Company__r: { Key__c: 'x' }, name: 'n' }
    expect(columnsOf(fields)).toEqual(['Company__r.Key__c', 'name'])
    const record = { Name: 'n', company__r: { attributes: {}, Key__c: 'x' } }
    expect(compareFields(fields, record)).toBe('same')
    expect(compareFields(fields, { ...record, company__r: null })).toBe('different')
  })

  it('of a parent that may be of several kinds cannot be asked for', () => {
    expect(columnsOf({ Owner: { attributes: { type: 'User' }, Email: 'x' } })).toBeNull()
  })
})

describe('the journal of items', () => {
  it('puts them back as they were, and is short while they are alike', () => {
    const rows = placements(200)
    const items = rows.map(newItem)
    for (const item of items) {
      item.attempts = 1
      item.sentAt = new Date(5_000)
    }
    const short = packItems(items, 0)
    expect(JSON.stringify(short).length).toBeLessThan(60)
    for (const item of items.slice(0, 3)) succeed(item, '001Ax0000000001IAA', 'created')
    for (const item of items.slice(3, 5)) {
      item.sentAt = null
      item.resent = true
      item.attempts = 2
    }
    const state = JSON.parse(JSON.stringify(packItems(items, 3))) as ReturnType<typeof packItems>
    const back = rows.map(newItem)
    expect(restoreItems(back, state)).toBe(3)
    expect(back).toEqual(items)
  })
})

describe('the ledger of a part', () => {
  it('finds each row by its key, and refuses a key that is there', () => {
    const rows = 50_000
    const index = new KeyIndex(rows)
    for (let n = 0; n < rows; n += 1) expect(index.add(`key-${n}`, n)).toBe(true)
    for (let n = 0; n < rows; n += 97) expect(index.get(`key-${n}`)).toBe(n)
    expect(index.add('key-77', 5)).toBe(false)
    expect(index.get('key-77')).toBe(77)
    expect(index.get('other')).toBeNull()
  })

  it('keeps ids of 15 and of 18 characters', () => {
    const ledger = new PartLedger(3)
    ledger.targets.set(1, '001Ax0000000001IAA')
    ledger.targets.set(2, '001Ax0000000001IAA')
    ledger.targets.set(2, '001Ax0000000002')
    expect([0, 1, 2].map((at) => ledger.targets.get(at))).toEqual([
      null,
      '001Ax0000000001IAA',
      '001Ax0000000002',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { assign, assigned, doubledFields, missingFields } from './columns.ts'

const FIELDS = [
  { canonical_field: 'key', sfdc_field: 'Agency_Key__c', required: true, default: null },
  { canonical_field: 'last_name', sfdc_field: 'LastName', required: true, default: null },
  { canonical_field: 'source', sfdc_field: 'LeadSource', required: true, default: 'Web' },
  { canonical_field: 'title', sfdc_field: 'Job_Title__c', required: false, default: null },
]

describe('the columns of a file', () => {
  it('are recognised by either name of a field, each field once, the exact name first', () => {
    expect(
      assign(['Last Name', 'key', 'Job Title', 'Agency Key', 'other', '_error'], FIELDS),
    ).toEqual({
      'Last Name': 'last_name',
      key: 'key',
      'Job Title': 'title',
      'Agency Key': null,
      other: null,
      _error: null,
    })
  })

  it('tell which required fields nothing fills, and which are filled twice', () => {
    expect(missingFields({ a: 'key' }, FIELDS)).toEqual(['last_name'])
    expect(doubledFields({ a: 'key', b: 'key', c: null, d: null })).toEqual(['key'])
  })

  it('become members of the rows that are sent', async () => {
    async function* rows() {
      yield { a: '1', b: 'x', later: true }
    }
    const sent = []
    const counts: number[] = []
    for await (const row of assigned({ rows }, { a: 'key', b: null }, (n) => counts.push(n))) {
      sent.push(row)
    }
    expect(sent).toEqual([{ key: '1', later: true }])
    expect(counts).toEqual([1])
  })
})

import { describe, expect, it } from 'vitest'
import { type DiffLine, linesOf, linesWith } from './lines.ts'

const DIFF: Parameters<typeof linesOf>[0] = {
  objects: [
    {
      api_name: 'Lead',
      change: 'changed',
      fields_count: null,
      attributes: [{ name: 'label', before: 'Lead', after: 'Prospect' }],
      fields: [
        {
          api_name: 'Segment__c',
          change: 'changed',
          attributes: [{ name: 'length', before: 40, after: 80 }],
        },
        { api_name: 'Rating', change: 'removed', attributes: [] },
      ],
      record_types: [{ api_name: 'Partner', change: 'added', attributes: [] }],
      child_relationships: [],
    },
    {
      api_name: 'Job__c',
      change: 'added',
      fields_count: 12,
      attributes: [],
      fields: [],
      record_types: [],
      child_relationships: [],
    },
  ],
  automations: [{ type: 'flow', api_name: 'Rate_Leads', change: 'removed', attributes: [] }],
}

const namesOf = (lines: readonly DiffLine[]) =>
  lines.map(({ depth, name }) => `${'  '.repeat(depth)}${name}`)

describe('the lines of a diff', () => {
  it('have parts below their object, and what differs below both', () => {
    expect(namesOf(linesOf(DIFF))).toEqual([
      'Lead',
      '  label',
      '  Segment__c',
      '    length',
      '  Rating',
      '  Partner',
      'Job__c',
      'Rate_Leads',
    ])
    expect(new Set(linesOf(DIFF).map(({ key }) => key)).size).toBe(8)
  })

  it('that fit a search come with what they are in, and with what is in them', () => {
    expect(namesOf(linesWith(linesOf(DIFF), 'SEGMENT'))).toEqual([
      'Lead',
      '  Segment__c',
      '    length',
    ])
    expect(namesOf(linesWith(linesOf(DIFF), 'job'))).toEqual(['Job__c'])
    expect(linesWith(linesOf(DIFF), 'lead')).toHaveLength(7)
    expect(linesWith(linesOf(DIFF), 'nothing')).toEqual([])
  })
})

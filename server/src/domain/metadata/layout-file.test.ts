import { describe, expect, it } from 'vitest'
import { parsePlan } from '../plan/check.ts'
import { type PlanObject } from '../plan/schema.ts'
import { everyTypePlan, JOB_PLAN, LEAD_LAYOUT } from '../plan/testing/samples.ts'
import { fileDifferences } from './equality.ts'
import { mergeLayout, missingRequired, newLayout, takeOutOfLayout } from './layout-file.ts'
import { childrenNamed, childText, readDocument } from './xml-tree.ts'

const objectAt = (index: number): PlanObject => {
  const object = parsePlan(JOB_PLAN).objects[index]
  if (object === undefined) throw new Error(`no object ${index}`)
  return object
}
const lead = objectAt(1)
/** Fields of each column from top to bottom, by the label of their section; null for other items. */
const fieldsOf = (text: string): Record<string, (string | null)[][]> =>
  Object.fromEntries(
    childrenNamed(readDocument(text, 'Layout').root, 'layoutSections').map((section) => [
      childText(section, 'label') ?? childText(section, 'style') ?? '',
      childrenNamed(section, 'layoutColumns').map((column) =>
        childrenNamed(column, 'layoutItems').map((item) => childText(item, 'field')),
      ),
    ]),
  )
const BOTH = ['Job_Title__c', 'Score__c']

describe('mergeLayout', () => {
  it('makes a section behind that of `after`, and leaves every other byte', () => {
    const { text, change } = mergeLayout(LEAD_LAYOUT, lead, {
      section: 'Job data',
      fields: BOTH,
      after: 'Company',
    })
    expect(Object.keys(fieldsOf(text))).toEqual([
      'Lead Information',
      'Job data',
      'Notes & More',
      'System Information',
      'CustomLinks',
    ])
    expect(fieldsOf(text)['Job data']).toEqual([['Job_Title__c'], ['Score__c']])
    expect(change).toEqual({ created: false, fields: BOTH, sections: ['Job data'] })
    expect(takeOutOfLayout(text, change)).toEqual({
      text: LEAD_LAYOUT,
      removed: [...BOTH, 'Job data'],
      kept: [],
    })
  })

  it("makes a section before Salesforce's own closing ones without `after`", () => {
    const { text } = mergeLayout(LEAD_LAYOUT, lead, { section: 'Job data', fields: BOTH })
    expect(Object.keys(fieldsOf(text)).slice(1, 4)).toEqual([
      'Notes & More',
      'Job data',
      'System Information',
    ])
  })

  it('puts fields behind `after` in an existing section', () => {
    const { text, change } = mergeLayout(LEAD_LAYOUT, lead, {
      section: 'lead information',
      fields: BOTH,
      after: 'name',
    })
    expect(fieldsOf(text)['Lead Information']).toEqual([['Name', ...BOTH, 'Company'], [null]])
    expect(takeOutOfLayout(text, change).text).toBe(LEAD_LAYOUT)
  })

  it('fills the shorter column without `after`', () => {
    const { text, change } = mergeLayout(LEAD_LAYOUT, lead, {
      section: 'Lead Information',
      fields: BOTH,
    })
    expect(fieldsOf(text)['Lead Information']).toEqual([
      ['Name', 'Company', 'Score__c'],
      [null, 'Job_Title__c'],
    ])
    expect(takeOutOfLayout(text, change).text).toBe(LEAD_LAYOUT)
  })

  it('opens an empty column', () => {
    const { text, change } = mergeLayout(LEAD_LAYOUT, lead, {
      section: 'Notes & More',
      fields: BOTH,
    })
    expect(fieldsOf(text)['Notes & More']).toEqual([BOTH])
    const { text: back } = takeOutOfLayout(text, change)
    expect(fileDifferences('Layout', LEAD_LAYOUT, back)).toEqual([])
  })

  it('makes formulas read-only and required fields required', () => {
    const { text } = mergeLayout(LEAD_LAYOUT, objectAt(0), {
      section: 'X',
      fields: ['Opens__c', 'Job_Title__c'],
    })
    expect(text).toMatch(/<behavior>Required<\/behavior>\s*<field>Opens__c/)
    expect(text).toMatch(/<behavior>Edit<\/behavior>\s*<field>Job_Title__c/)
    const score = mergeLayout(LEAD_LAYOUT, lead, { section: 'X', fields: ['Score__c'] })
    expect(score.text).toMatch(/<behavior>Readonly<\/behavior>\s*<field>Score__c/)
  })

  it('shows a field once, wherever it is', () => {
    const once = mergeLayout(LEAD_LAYOUT, lead, { section: 'A', fields: BOTH }).text
    expect(mergeLayout(once, lead, { section: 'B', fields: BOTH })).toEqual({
      text: once,
      change: { created: false, fields: [], sections: [] },
    })
  })
})

describe('takeOutOfLayout', () => {
  it('keeps a section of ours that now holds something else', () => {
    const { text, change } = mergeLayout(LEAD_LAYOUT, lead, { section: 'Job data', fields: BOTH })
    const used = text.replace(
      '<field>Score__c</field>',
      '<field>Score__c</field></layoutItems><layoutItems><behavior>Edit</behavior><field>Rating</field>',
    )
    const taken = takeOutOfLayout(used, change)
    expect(taken).toMatchObject({ removed: BOTH, kept: ['Job data'] })
    expect(fieldsOf(taken.text)['Job data']).toEqual([[], ['Rating']])
  })

  it('finds nothing to do where the fields are gone already', () => {
    const change = { created: false, fields: BOTH, sections: [] }
    expect(takeOutOfLayout(LEAD_LAYOUT, change)).toEqual({
      text: LEAD_LAYOUT,
      removed: [],
      kept: [],
    })
  })
})

describe('newLayout', () => {
  it('shows name, owner and system fields; a detail has no owner', () => {
    expect(fieldsOf(newLayout(objectAt(0)))).toEqual({
      Information: [['Name'], ['OwnerId']],
      'System Information': [['CreatedById'], ['LastModifiedById']],
    })
    const [detail] = everyTypePlan().objects
    if (detail === undefined) throw new Error('no object')
    expect(fieldsOf(newLayout(detail)).Information).toEqual([['Name'], []])
    expect(missingRequired(newLayout(detail), detail)).toEqual([
      'Required__c',
      'Company__c',
      'Parent__c',
    ])
  })
})

describe('a column that was empty', () => {
  const layoutWith = (columns: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>
<Layout xmlns="http://soap.sforce.com/2006/04/metadata">
    <layoutSections>
        <customLabel>true</customLabel>
        <label>Dates</label>${columns}
        <style>TwoColumnsLeftToRight</style>
    </layoutSections>
</Layout>
`
  const wish = { section: 'Dates', fields: BOTH }

  it.each([
    ['closed in itself', '\n        <layoutColumns/>\n        <layoutColumns/>'],
    ['closed in itself behind a blank', '\n        <layoutColumns />\n        <layoutColumns />'],
    ['with both tags', '\n        <layoutColumns></layoutColumns>'],
    ['on two lines', '\r\n        <layoutColumns>\r\n        </layoutColumns>'],
    [
      'beside one that is not',
      '\n        <layoutColumns>\n            <layoutItems>\n                <field>Phone</field>\n            </layoutItems>\n        </layoutColumns>\n        <layoutColumns />',
    ],
    ['and is none at all', ''],
  ])('%s is so again, byte for byte', (_how, columns) => {
    const before = layoutWith(columns)
    const merged = mergeLayout(before, lead, wish)
    expect(Object.values(fieldsOf(merged.text)).flat(2)).toEqual(expect.arrayContaining(BOTH))
    expect(takeOutOfLayout(merged.text, merged.change).text).toBe(before)
  })

  it('stays open while it holds the field of somebody else', () => {
    const merged = mergeLayout(layoutWith('\n        <layoutColumns/>'), lead, wish)
    const theirs = merged.text.replace(
      '</layoutColumns>',
      '<layoutItems><field>Fax</field></layoutItems></layoutColumns>',
    )
    const { text } = takeOutOfLayout(theirs, merged.change)
    expect(fieldsOf(text).Dates).toEqual([['Fax']])
  })

  it('is closed as Salesforce writes it where a change of before does not tell', () => {
    const before = layoutWith('\n        <layoutColumns/>')
    const { text, change } = mergeLayout(before, lead, wish)
    const { columns: _columns, ...old } = change
    expect(takeOutOfLayout(text, old).text).toBe(before)
  })
})

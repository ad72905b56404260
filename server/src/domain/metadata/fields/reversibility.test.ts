import { describe, expect, it } from 'vitest'
import { planField } from './field-kinds.ts'
import { gainedValues, reversibilityOfChange, reversibilityOfMade } from './reversibility.ts'
import { type FieldShape, shapeOfPlanned } from './shape.ts'

const shape = (field: object): FieldShape =>
  shapeOfPlanned(planField.parse({ api_name: 'F__c', label: 'F', ...field }))

const text = (length: number) => shape({ type: 'Text', length })
const number = (type: string, precision: number, scale: number) => shape({ type, precision, scale })
const listed = (type: string, ...values: string[]) => shape({ type, values })
const long = shape({ type: 'LongTextArea', length: 1_000 })
const email = shape({ type: 'Email' })
const html = shape({ type: 'Html', length: 1_000 })

const levelOf = (was: FieldShape, next: FieldShape, lostRows: number | null = 0): string =>
  reversibilityOfChange({ was, next, lostRows }).level
const reasonOf = (was: FieldShape, next: FieldShape, lostRows: number | null = 0): string =>
  reversibilityOfChange({ was, next, lostRows }).reason

describe('a field that is made', () => {
  it('holds data by the time of a rollback, unless it is calculated', () => {
    expect(reversibilityOfMade('Text', false)).toMatchObject({ level: 'reversible_with_data_loss' })
    expect(reversibilityOfMade('Text', true).reason).toContain('with its object')
    expect(reversibilityOfMade('Formula', false)).toMatchObject({ level: 'reversible' })
    expect(reversibilityOfMade('Summary', true)).toMatchObject({ level: 'reversible' })
  })
})

describe('a field that is changed', () => {
  it.each<[string, FieldShape, FieldShape]>([
    ['numbers of the same digits', number('Number', 18, 2), number('Currency', 18, 2)],
    ['texts of the same length', text(80), email],
    ['a shorter text', text(80), text(40)],
    ['values that are left out', listed('Picklist', 'A', 'B'), listed('Picklist', 'A')],
    ['a lookup', shape(link('Lookup')), shape(link('MasterDetail'))],
  ])('is put back where nothing can be lost: %s', (_name, was, next) => {
    expect(levelOf(was, next)).toBe('reversible')
  })

  it.each<[string, FieldShape, FieldShape, string]>([
    ['a longer text', text(40), text(80), 'everything after 40 characters'],
    ['a long text', text(40), long, 'everything after 40 characters'],
    ['more digits', number('Number', 8, 0), number('Number', 10, 2), 'beyond 8 before and 0 after'],
    ['a date', text(40), shape({ type: 'Date' }), 'all values'],
    ['several values', listed('Picklist', 'A'), listed('MultiselectPicklist', 'A'), 'all values'],
  ])('is put back at the cost of what was entered since: %s', (_name, was, next, loses) => {
    const { level, reason } = reversibilityOfChange({ was, next, lostRows: 0 })
    expect(level).toBe('reversible_with_data_loss')
    expect(reason).toContain(loses)
    expect(reason).toContain('requires allow_data_loss')
  })

  it('that takes something from records says what, from how many, and that it stays lost', () => {
    expect(levelOf(text(80), text(40), 3)).toBe('irreversible')
    expect(reasonOf(text(80), text(40), 3)).toBe(
      'Made smaller, the field loses everything after 40 characters in 3 records. Rollback does not bring that back.',
    )
    expect(reasonOf(text(80), shape({ type: 'Date' }), 1)).toContain('Converted to Date')
    expect(levelOf(long, text(40), null)).toBe('irreversible')
    expect(reasonOf(long, text(40), null)).toContain('an unknown number of records')
  })

  it('that Salesforce does not make the same again says so', () => {
    expect(levelOf(text(40), html)).toBe('irreversible')
    expect(reasonOf(text(40), html)).toContain('does not convert a Html back into a Text')
    expect(levelOf(text(40), shape({ type: 'Location' }))).toBe('irreversible')
    expect(reversibilityOfChange({ was: null, next: text(40), lostRows: 0 }).level).toBe(
      'irreversible',
    )
  })

  it('that is a picklist keeps the values that it gains', () => {
    const [was, next] = [listed('Picklist', 'A'), listed('Picklist', 'B', 'A', 'C')]
    expect(gainedValues(was, next)).toEqual(['B', 'C'])
    expect(levelOf(was, next)).toBe('irreversible')
    expect(reasonOf(was, next)).toContain('deactivates B, C')
    expect(gainedValues(text(40), next)).toEqual([])
    expect(gainedValues(was, shape({ type: 'Picklist', global_value_set: 'Set' }))).toEqual([])
  })
})

function link(type: string): object {
  return { type, reference_to: 'Account', relationship_name: 'Fs' }
}

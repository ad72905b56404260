import { describe, expect, it } from 'vitest'
import { filledMeasure, measureOf } from './at-stake.ts'
import { planField } from './field-kinds.ts'
import { type FieldShape, shapeOfPlanned } from './shape.ts'

const shape = (field: object): FieldShape =>
  shapeOfPlanned(planField.parse({ api_name: 'F__c', label: 'F', ...field }))
const text = shape({ type: 'Text', length: 80 })
const long = shape({ type: 'LongTextArea' })
const secret = shape({ type: 'EncryptedText' })
const number = shape({ type: 'Number', precision: 10, scale: 2 })

describe('rows in which something was entered', () => {
  it('are asked for by what each type can be filtered by', () => {
    expect(filledMeasure('F__c', 'Text')?.where?.text).toBe('F__c != null')
    expect(filledMeasure('F__c', 'Location')?.where?.text).toBe('F__Latitude__s != null')
    expect(filledMeasure('F__c', 'Checkbox', 'true')?.where?.text).toBe('F__c != true')
    expect(filledMeasure('F__c', 'Checkbox')?.where?.text).toBe('F__c != false')
    expect(filledMeasure('F__c', null)?.where?.text).toBe('F__c != null')
    for (const type of ['LongTextArea', 'Html', 'EncryptedText'] as const) {
      expect(filledMeasure('F__c', type), type).toBeNull()
    }
  })
})

describe('rows at stake', () => {
  it('are all filled ones where every value may go, long texts found by looking', () => {
    const filled = { rows: 'filled' } as const
    expect(measureOf('F__c', text, filled)?.where?.text).toBe('F__c != null')
    const looked = measureOf('F__c', long, filled)
    expect(['a', '', null].map((value) => looked?.counts?.(value))).toEqual([true, false, false])
    expect(measureOf('F__c', secret, filled)).toBeNull()
  })

  it('of longer texts are asked for by a pattern, or found by looking', () => {
    const longer = { rows: 'longer', than: 3 } as const
    expect(measureOf('F__c', text, longer)?.where?.text).toBe("F__c LIKE '____%'")
    const looked = measureOf('F__c', long, longer)
    expect(looked?.where).toBeNull()
    expect(['abc', 'abcd', null].map((value) => looked?.counts?.(value))).toEqual([
      false,
      true,
      false,
    ])
    expect(measureOf('F__c', secret, longer)).toBeNull()
  })

  it('of numbers with more digits are asked for, and found by looking behind the point', () => {
    const whole = measureOf('F__c', number, { rows: 'more digits', whole: 3, scale: 2 })
    expect(whole?.where?.text).toBe('(F__c >= 1000 OR F__c <= -1000)')
    expect(whole?.counts).toBeNull()
    const looked = measureOf('F__c', number, { rows: 'more digits', whole: 3, scale: 1 })
    expect(looked?.where?.text).toBe('F__c != null')
    const values = [999.5, 1.25, -1000, 1e-7, 0, null]
    expect(values.map((value) => looked?.counts?.(value))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ])
  })

  it('of unlisted values are asked for, unless the list is too long for a question', () => {
    const few = measureOf('F__c', text, { rows: 'unlisted', values: ['A', "B'"] })
    expect(few?.where?.text).toBe("F__c != null AND F__c NOT IN ('A', 'B\\'')")
    const values = Array.from({ length: 300 }, (_, n) => `V${n}`)
    const many = measureOf('F__c', text, { rows: 'unlisted', values })
    expect(many?.where?.text).toBe('F__c != null')
    expect([many?.counts?.('V7'), many?.counts?.('Other')]).toEqual([false, true])
  })
})

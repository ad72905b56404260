import { expect, it } from 'vitest'
import { type BlueprintParameter } from '@sfdc-engine-x/client'
import { parameterValuesOf, typedValue } from './parameters.ts'

const declared: BlueprintParameter[] = [
  { name: 'label', type: 'text', required: true },
  { name: 'length', type: 'number', required: false },
  { name: 'unique', type: 'boolean', required: false },
  { name: 'values', type: 'list', required: false },
]

it('reads each value by its type, and leaves out what is not typed', () => {
  const typed = { label: ' Tier ', length: '80', unique: 'true', values: 'Gold, Silver,' }
  expect(parameterValuesOf(declared, typed)).toEqual({
    label: 'Tier',
    length: 80,
    unique: true,
    values: ['Gold', 'Silver'],
  })
  expect(parameterValuesOf(declared, { label: 'x', length: ' ' })).toEqual({ label: 'x' })
})

it('says which value is not of its type', () => {
  expect(() => parameterValuesOf(declared, { length: 'long' })).toThrow('length is a number')
  expect(() => parameterValuesOf(declared, { unique: 'yes' })).toThrow('unique is true or false')
})

it('shows a value as it would be typed', () => {
  expect([typedValue(['a', 'b']), typedValue(3), typedValue(false)]).toEqual(['a, b', '3', 'false'])
})

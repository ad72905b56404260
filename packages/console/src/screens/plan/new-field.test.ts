import { describe, expect, it } from 'vitest'
import { emptyField, faultsOf, fieldOf } from './new-field.ts'

describe('the form for a field', () => {
  it('makes a field of the attributes that its type has, and of no other', () => {
    const typed = {
      ...emptyField('Lead'),
      label: ' Stage ',
      api_name: 'Stage__c',
      length: '80',
      values: 'Open\n\n Closed \nOpen',
      unique: true,
    }
    expect(fieldOf({ ...typed, type: 'Text' })).toEqual({
      api_name: 'Stage__c',
      label: 'Stage',
      type: 'Text',
      length: 80,
      unique: true,
    })
    expect(fieldOf({ ...typed, type: 'Picklist' })).toEqual({
      api_name: 'Stage__c',
      label: 'Stage',
      type: 'Picklist',
      values: ['Open', 'Closed'],
      restricted: true,
    })
    expect(fieldOf({ ...typed, type: 'Checkbox' })).toEqual({
      api_name: 'Stage__c',
      label: 'Stage',
      type: 'Checkbox',
    })
  })

  it('names what is missing for the type', () => {
    const lookup = { ...emptyField('Lead'), label: 'A', api_name: 'A__c', type: 'Lookup' as const }
    expect(Object.keys(faultsOf(lookup))).toEqual(['reference_to', 'relationship_name'])
    expect(Object.keys(faultsOf({ ...emptyField(''), length: '12.5' }))).toEqual([
      'object',
      'label',
      'api_name',
      'length',
    ])
  })
})

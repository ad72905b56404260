import { describe, expect, it } from 'vitest'
import { planSchema } from '../plan/schema.ts'
import { objectsOf } from './snapshot-facts.ts'
import { workflow } from './testing/facts.ts'

const named = (...workflows: Parameters<typeof objectsOf>[1]): string[] =>
  objectsOf(planSchema.parse({}), workflows).toSorted()

describe('objects whose describes a check reads', () => {
  it('of a flow are those of its elements, variables, choices and global records', () => {
    const definition = {
      start: { object: 'Lead' },
      recordLookups: { object: 'Account' },
      dynamicChoiceSets: { object: 'Campaign' },
      variables: { name: 'v', dataType: 'SObject', objectType: 'Case' },
      formulas: { expression: '{!$User.Email} & {!$Setup.Limits__c.Most__c}' },
    }
    expect(named(workflow('flow', 'F', { definition }))).toEqual([
      'Account',
      'Campaign',
      'Case',
      'Lead',
      'Limits__c',
      'User',
    ])
  })

  it('of an assignment rule are its own and those that its criteria ask', () => {
    const definition = {
      ruleEntry: { criteriaItems: [{ field: 'Account.Type' }, { field: 'Case.Origin' }] },
    }
    expect(named(workflow('assignment_rule', 'Case.R', { definition }))).toEqual([
      'Account',
      'Case',
    ])
  })

  it('of formulas are those of global records and custom settings', () => {
    const plan = planSchema.parse({
      objects: [
        {
          api_name: 'Lead',
          fields: [
            {
              ...{ api_name: 'F__c', label: 'F', type: 'Formula', result_type: 'Text' },
              formula: '$User.Email & $Setup.Limits__c.Most__c & $Label.Hello & Account.Name',
            },
          ],
        },
      ],
    })
    expect(objectsOf(plan, []).toSorted()).toEqual(['Lead', 'Limits__c', 'User'])
  })
})

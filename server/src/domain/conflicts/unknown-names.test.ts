import { expect, it } from 'vitest'
import { checkPlan } from './check.ts'
import {
  described,
  describedObject,
  factsFor,
  formula,
  onLead,
  type Setup,
  workflow,
} from './testing/facts.ts'

const startOn = (object: string, field?: string) =>
  workflow('flow', 'My_Flow', {
    definition: { start: { object, ...(field === undefined ? {} : { filters: { field } }) } },
  })

it.each<[string, Setup, string]>([
  [
    'an object to add to',
    { plan: { objects: [{ api_name: 'Leed', fields: [] }] } },
    'Did you mean Lead?',
  ],
  [
    'what a lookup refers to',
    {
      plan: {
        objects: [
          {
            api_name: 'Lead',
            fields: [
              {
                api_name: 'L__c',
                label: 'L',
                type: 'Lookup',
                reference_to: 'Leed',
                relationship_name: 'Ls',
              },
            ],
          },
        ],
      },
    },
    'Did you mean Lead?',
  ],
  [
    'the field of a formula',
    {
      plan: onLead(formula('A__c', 'UPPER(Stauts__c)')),
      describes: [describedObject('Lead', [described('Status__c')])],
    },
    'Did you mean Status__c?',
  ],
  ['the object of a workflow', { workflows: [startOn('Leed')] }, 'Did you mean Lead?'],
  ['the field of a workflow', { workflows: [startOn('Lead', 'Nam')] }, 'Did you mean Lead.Name?'],
])('a name that nothing has, but is nearly one, is found out: %s', async (_what, setup, words) => {
  const { findings } = await checkPlan(factsFor(setup))
  const red = findings.filter(({ severity }) => severity === 'red')
  expect(red.map(({ message }) => message).join('\n')).toContain(words)
})

import { expect, it } from 'vitest'
import { type Automation } from '@sfdc-engine-x/client'
import { objectsOf, phasesOf, type Step } from './order.ts'

const step = (timing: Step['timing'], type: Step['type'], api_name: string): Step => ({
  timing,
  type,
  api_name,
  order: null,
})

it('keeps the order of Salesforce, and names each phase once', () => {
  const phases = phasesOf(
    [
      step('before', 'flow', 'A'),
      step('before', 'flow', 'B'),
      step('before', 'apex_trigger', 'T'),
      step('before', 'validation_rule', 'V'),
      step('after', 'apex_trigger', 'T'),
      step('after', 'flow', 'Old'),
      step('after', 'flow', 'C'),
    ],
    new Set(['Old']),
  )
  expect(phases.map(({ name, steps }) => [name, steps.length])).toEqual([
    ['Flows before the record is saved', 2],
    ['Apex triggers before the record is saved', 1],
    ['Validation rules', 1],
    ['Apex triggers after the record is saved', 1],
    ['Processes', 1],
    ['Flows after the record is saved', 1],
  ])
})

it('lists objects by what is active, and what no record starts at the end', () => {
  const automation = (object: string | null, active: boolean | null) =>
    ({ object, active }) as Automation
  expect(
    objectsOf([
      automation(null, true),
      automation(null, true),
      automation('Lead', true),
      automation('Account', false),
      automation('Lead', null),
    ]),
  ).toEqual([
    { object: 'Lead', all: 2, active: 1 },
    { object: 'Account', all: 1, active: 0 },
    { object: null, all: 2, active: 2 },
  ])
})

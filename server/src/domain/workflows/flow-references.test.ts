// Elements and resources that a flow refers to.

import { describe, expect, it } from 'vitest'
import { danglingReferences } from './flow-references.ts'

const flow = {
  start: {
    object: 'Lead',
    connector: { targetReference: 'Ask' },
    scheduledPaths: { name: 'Later', connector: { targetReference: 'Late' } },
  },
  screens: {
    name: 'Ask',
    fields: { name: 'Answer', choiceReferences: ['Yes', 'No'] },
    connector: { targetReference: 'Choose' },
  },
  choices: [{ name: 'Yes' }, { name: 'No' }],
  decisions: {
    name: 'Choose',
    rules: {
      name: 'Said_Yes',
      conditions: [
        { leftValueReference: 'answer', rightValue: { elementReference: 'Yes' } },
        { leftValueReference: 'Said_Yes' },
        { leftValueReference: '$Record.Name' },
        { leftValueReference: '43b39932-ea5b-4476-bad0-05ba0a396a0a.Status' },
      ],
      connector: { targetReference: 'late' },
    },
    defaultConnector: { targetReference: 'Count' },
  },
  variables: { name: 'list' },
  loops: {
    name: 'Count',
    collectionReference: 'list',
    assignNextValueToReference: 'item',
    nextValueConnector: { targetReference: 'Late' },
  },
  assignments: { name: 'Late', assignmentItems: { assignToReference: 'item' } },
}

describe('references within a flow', () => {
  it('to elements, outcomes, screen components, choices and loops are known, whatever their case', () => {
    expect(danglingReferences(flow)).toEqual([])
  })

  it.each<[string, object, string]>([
    ['a start that leads nowhere', { startElementReference: 'Gone' }, 'Gone'],
    [
      'an outcome that leads nowhere',
      { waits: { name: 'W', waitEvents: { connector: { targetReference: 'Gone' } } } },
      'Gone',
    ],
    [
      'a fault path that leads nowhere',
      { recordUpdates: { name: 'U', faultConnector: { targetReference: 'Gone' } } },
      'Gone',
    ],
    [
      'a connector to a variable',
      { steps: { name: 'S', connectors: { targetReference: 'list' } } },
      'list',
    ],
    [
      'a value that is not there',
      { constants: { name: 'C', value: { elementReference: 'Gone.Name' } } },
      'Gone.Name',
    ],
    [
      'what is not there in a text',
      { textTemplates: { name: 'T', text: 'Dear {!Answer} and {!Nobody.Name}' } },
      'Nobody.Name',
    ],
    [
      'what is not there in a formula',
      { formulas: { name: 'F', expression: '{!Nobody} & {!$Label.Bye}' } },
      'Nobody',
    ],
    ['a record that starts nothing', { start: {} }, '$Record.Name'],
    ['a choice that is not there', { screens: { fields: { choiceReferences: 'Maybe' } } }, 'Maybe'],
  ])('name %s', (_what, more, reference) => {
    expect(danglingReferences({ ...flow, ...more })).toContain(reference)
  })
})

// What a save returns if a flow fails, or does something that is not simulated.

import { describe, expect, it } from 'vitest'
import { addFlow } from '../seeds/small-automations.ts'
import { addOn, errorOf, FAILED, lead, ref, setField, createRig, text } from './testing/rig.ts'

describe('a flow that fails', () => {
  const create = {
    name: 'Make',
    object: 'Opportunity',
    inputAssignments: { field: 'Name', value: text('x') },
  }

  it("fails the row in Salesforce's words, with the error of the record that could not be saved", async () => {
    const sim = createRig()
    addOn(sim, 'Lead', 'RecordAfterSave', 'Make', { recordCreates: create })
    const before = sim.rows('Lead').length
    const [outcome] = await sim.save({ operation: 'insert', object: 'Lead', rows: [lead] })
    expect(errorOf(outcome)).toEqual([
      FAILED,
      "We can't save this record because the “Test flow” process failed. Give your Salesforce admin these details. This error occurred when the flow tried to create records: REQUIRED_FIELD_MISSING: Required fields are missing: [StageName, CloseDate]. You can look up ExceptionCode values in the SOAP API Developer Guide. Error element Make (FlowRecordCreate).",
    ])
    expect(sim.rows('Lead').length).toBe(before)
    expect(sim.state.locks.size).toBe(0)
  })

  it('goes its fault path where it has one', async () => {
    const sim = createRig()
    addOn(sim, 'Lead', 'RecordAfterSave', 'Make', {
      recordCreates: { ...create, faultConnector: { targetReference: 'Note' } },
      recordUpdates: setField('Note', 'Description', ref('$Flow.FaultMessage')),
    })
    const id = await sim.insert('Lead', lead)
    expect(sim.row('Lead', id)['Description']).toContain('REQUIRED_FIELD_MISSING')
  })

  it.each([
    ['a loop', { loops: { name: 'X' } }, 'Error element X (FlowLoop): the simulator'],
    [
      'a callout',
      { actionCalls: { name: 'X', actionType: 'apex', actionName: 'Foo' } },
      'Error element X (FlowActionCall): the simulator does not run actions of the type apex',
    ],
    ['nothing', {}, 'its connector leads to X, which does not exist'],
    [
      'a formula',
      {
        assignments: {
          name: 'X',
          assignmentItems: {
            assignToReference: '$Record.Title',
            operator: 'Assign',
            value: ref('F'),
          },
        },
        formulas: { name: 'F', dataType: 'String', expression: 'IMAGE("a", "b")' },
      },
      'Error element X (FlowAssignment): the simulator does not evaluate the formula function IMAGE()',
    ],
    [
      'an operator',
      {
        decisions: {
          name: 'X',
          rules: {
            name: 'R',
            conditions: { leftValueReference: '$Record.Title', operator: 'WasSet' },
          },
        },
      },
      'Error element X (FlowDecision): the simulator does not know the operator WasSet',
    ],
    [
      'itself without end',
      { assignments: { name: 'X', connector: { targetReference: 'X' } } },
      'ran more than 2000 elements',
    ],
  ])('says where it comes to what is not simulated: %s', async (_what, body, said) => {
    const sim = createRig()
    addOn(sim, 'Lead', 'RecordAfterSave', 'X', body)
    const [outcome] = await sim.save({ operation: 'insert', object: 'Lead', rows: [lead] })
    const [code, message] = errorOf(outcome)
    expect(code).toBe(FAILED)
    expect(message).toContain('An unhandled fault has occurred in this flow')
    expect(message).toContain(said)
  })

  it.each([
    ['scheduled paths', { scheduledPaths: { name: 'Later', offsetNumber: 1 } }],
    ['unknown filters', { filters: { field: 'Title', operator: 'Within', value: text('x') } }],
  ])('fails at its start: %s', async (_what, more) => {
    const sim = createRig()
    addOn(sim, 'Lead', 'RecordAfterSave', 'X', {}, { start: more })
    const [outcome] = await sim.save({ operation: 'insert', object: 'Lead', rows: [lead] })
    expect(errorOf(outcome)[1]).toContain('Error element $Start (FlowStart): the simulator')
  })

  it('is a process of Process Builder with anything in it', async () => {
    const sim = createRig()
    addFlow(sim.org, {
      name: 'Old_Process',
      label: 'Old process',
      processType: 'Workflow',
      body: {
        startElementReference: 'D',
        decisions: { name: 'D' },
        processMetadataValues: { name: 'ObjectType', value: text('Lead') },
      },
      versions: 1,
      active: 1,
    })
    const [outcome] = await sim.save({ operation: 'insert', object: 'Lead', rows: [lead] })
    expect(errorOf(outcome)[1]).toContain('does not run processes of Process Builder')
  })
})

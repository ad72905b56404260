import { describe, expect, it } from 'vitest'
import { type Trigger } from '../topology/automations/automation.ts'
import { apexMomentsOf, type Candidate, executionOrder } from './execution-order.ts'

const one = (
  type: Candidate['type'],
  api_name: string,
  trigger: Partial<Trigger>,
  more: Partial<Candidate> = {},
): Candidate => ({
  type,
  api_name,
  process_type: null,
  moments: null,
  trigger: { object: 'Lead', events: ['create'], timing: 'after', order: null, ...trigger },
  ...more,
})
const flow = (api_name: string, order: number | null, timing: Trigger['timing'] = 'before') =>
  one('flow', api_name, { order, timing })

const namesAt = (event: string, ...candidates: Candidate[]): string[] =>
  executionOrder('Lead', candidates)
    .find((order) => order.event === event)
    ?.steps.map(({ api_name: name, timing }) => `${timing} ${name}`) ?? []

describe('the order of execution', () => {
  it('is that of a save in Salesforce, whatever the order of the list', () => {
    const candidates = [
      flow('After', null, 'after'),
      one('flow', 'Process', {}, { process_type: 'Workflow' }),
      one('workflow_rule', 'Lead.Old', {}),
      one('assignment_rule', 'Lead.Standard', {}),
      one('validation_rule', 'Lead.Check', { timing: 'before' }),
      one(
        'apex_trigger',
        'T',
        { timing: 'both' },
        { moments: new Set(['before create', 'after create']) },
      ),
      flow('Before', null),
    ]
    const expected = [
      'before Before',
      'before T',
      'before Lead.Check',
      'after T',
      'after Lead.Standard',
      'after Lead.Old',
      'after Process',
      'after After',
    ]
    expect(namesAt('create', ...candidates)).toEqual(expected)
    expect(namesAt('create', ...candidates.toReversed())).toEqual(expected)
  })

  it('has flows of an order up to 1,000 first, then those without, then those above', () => {
    expect(
      namesAt(
        'create',
        flow('Late', 1001),
        flow('None', null),
        flow('B', 10),
        flow('A', 10),
        flow('Edge', 1000),
        flow('First', 1),
      ),
    ).toEqual(['First', 'A', 'B', 'Edge', 'None', 'Late'].map((name) => `before ${name}`))
  })

  it('knows the moments of a trigger from its head, and names both where they are unknown', () => {
    const code = '// on\ntrigger T on Lead (before insert,\n  after Update, after undelete) { }'
    const trigger: Partial<Trigger> = { timing: 'both', events: ['create', 'update', 'undelete'] }
    const known = one('apex_trigger', 'T', trigger, { moments: apexMomentsOf(code) })
    expect(namesAt('create', known)).toEqual(['before T'])
    expect(namesAt('update', known)).toEqual(['after T'])
    expect(namesAt('undelete', known)).toEqual(['after T'])
    expect(namesAt('create', one('apex_trigger', 'T', trigger))).toEqual(['before T', 'after T'])
    expect(apexMomentsOf('(hidden)')).toBeNull()
  })

  it('leaves out what no save starts', () => {
    expect(
      executionOrder('Lead', [
        one('flow', 'Nightly', { events: [], timing: 'scheduled' }),
        one('flow', 'On_Event', { events: ['event'], timing: 'async' }),
        one('flow', 'Screen', {}, { trigger: null }),
      ]),
    ).toEqual([])
    const gone = one('flow', 'Gone', { events: ['delete'], timing: 'before' })
    expect(executionOrder('Lead', [gone])).toEqual([
      {
        object: 'Lead',
        event: 'delete',
        steps: [{ timing: 'before', type: 'flow', api_name: 'Gone', order: null }],
      },
    ])
  })
})

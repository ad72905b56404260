// What the tests of flows share: an org of its own, and flows as Flow Builder writes them.

import { createOrg } from '../../org/create.ts'
import { viewerOf } from '../../org/visibility.ts'
import { saveRecords, type RowOutcome, type SaveRequest } from '../../records/save.ts'
import { recordStateOf } from '../../records/state.ts'
import { addFlow } from '../../seeds/small-automations.ts'
import { runFlowsIn } from '../record-flows.ts'
import { seedSmall } from '../../seeds/small.ts'

type Save = Partial<SaveRequest> & Pick<SaveRequest, 'object' | 'operation' | 'rows'>

/** An org filled with the small seed, saves by one of its users, and what is stored. */
export const createRig = (username = 'admin') => {
  const org = createOrg({ name: 'Flows', edition: 'Enterprise' }, 0)
  seedSmall(org)
  runFlowsIn(org)
  const user = [...org.users.values()].find((each) => each.username.startsWith(username))
  if (user === undefined) throw new Error('no user')
  const state = recordStateOf(org)
  const save = (request: Save) =>
    saveRecords(
      { org, user, viewer: viewerOf(org, user) },
      {
        options: { allOrNone: false, assignmentRule: 'none', allowDuplicates: true },
        ...request,
      },
    )
  const rows = (object: string) => [...(org.records.get(object.toLowerCase())?.values() ?? [])]
  const row = (object: string, id: string) => {
    const found = org.records.get(object.toLowerCase())?.get(id)
    if (found === undefined) throw new Error(`no ${object} ${id}`)
    return found
  }
  const insert = async (object: string, one: Record<string, unknown>) =>
    idOf((await save({ operation: 'insert', object, rows: [one] }))[0])
  const update = (object: string, Id: string, one: Record<string, unknown>) =>
    save({ operation: 'update', object, rows: [{ Id, ...one }] })
  return { org, state, save, insert, update, rows, row }
}

export const idOf = (outcome: RowOutcome | undefined): string => {
  if (outcome?.success === true) return outcome.id
  throw new Error(JSON.stringify(outcome))
}

export const errorOf = (outcome: RowOutcome | undefined): [string, string] => {
  if (outcome?.success !== false) throw new Error('the row was saved')
  return [outcome.errors[0]?.statusCode ?? '', outcome.errors[0]?.message ?? '']
}

type Rig = ReturnType<typeof createRig>

export const addOn = (
  { org }: Rig,
  object: string,
  timing: 'RecordBeforeSave' | 'RecordAfterSave' | 'RecordBeforeDelete',
  first: string,
  body: Record<string, unknown>,
  more: {
    start?: Record<string, unknown>
    on?: string
    name?: string
    active?: number | null
  } = {},
) =>
  addFlow(org, {
    name: more.name ?? 'Test_Flow',
    label: more.name ?? 'Test flow',
    processType: 'AutoLaunchedFlow',
    trigger: { type: timing, object, on: more.on ?? 'CreateAndUpdate' },
    start: {
      object,
      triggerType: timing,
      recordTriggerType: more.on ?? 'CreateAndUpdate',
      connector: { targetReference: first },
      ...more.start,
    },
    body,
    versions: 1,
    active: more.active === undefined ? 1 : more.active,
  })

export const setField = (
  name: string,
  field: string,
  value: Record<string, unknown>,
  next?: string,
) => ({
  name,
  inputReference: '$Record',
  inputAssignments: { field, value },
  ...(next === undefined ? {} : { connector: { targetReference: next } }),
})

export const text = (stringValue: string) => ({ stringValue })
export const ref = (elementReference: string) => ({ elementReference })
export const lead = { LastName: 'Ada', Company: 'Engines' }
export const FAILED = 'CANNOT_EXECUTE_FLOW_TRIGGER'

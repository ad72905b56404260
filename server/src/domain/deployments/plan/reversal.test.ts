import { expect, it } from 'vitest'
import { mergePermissionSet, readAccess } from '../../metadata/entries.ts'
import { type Component, keyOf } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { wantedAccess } from '../../plan/compile.ts'
import { type ComponentRow } from '../rows.ts'
import { reverse } from './reversal.ts'

const SET = 'permissionsets/Set.permissionset'

const row = ({ type, fullName }: Component, position: number): ComponentRow => ({
  ...{ org_id: '', client_id: '', deployment_id: '', position, path: '' },
  ...{ type, full_name: fullName, action: 'created', reversibility: 'reversible' },
  ...{ reason: null, success: true, problem: null },
})
const field = (fullName: string): Component => ({ type: 'CustomField', fullName })
const PERMISSION_SET: Component = { type: 'PermissionSet', fullName: 'Set' }
const text = (api_name: string) => ({ api_name, label: api_name, type: 'Text', length: 40 })

/** The permission set that is sent when only these of the plan's components are rolled back, and the set. */
const setSentFor = (
  input: object,
  { object, made, named }: { object: string; made: Component[]; named: Component[] },
) => {
  const plan = parsePlan({ ...input, permissions: { permission_set: 'Set' } })
  const set = mergePermissionSet(
    'Set',
    wantedAccess(plan, 'PermissionSet', () => []),
    null,
  )
  const fields = plan.objects
    .flatMap((one) => one.fields)
    .map(
      ({ api_name }) =>
        `<fields><fullName>${api_name}</fullName><length>40</length><type>Text</type></fields>`,
    )
    .join('')
  const objectFile = `objects/${object}.object`
  const files = new Map([
    [objectFile, `<CustomObject>${fields}</CustomObject>`],
    ...made
      .filter(({ type }) => type === 'CustomTab')
      .map(({ fullName }) => [`tabs/${fullName}.tab`, '<CustomTab/>'] as const),
    [SET, set.text],
  ])
  const reversal = reverse({
    plan,
    rows: [...made, PERMISSION_SET].map(row),
    before: new Map([[objectFile, '<CustomObject/>']]),
    after: files,
    now: files,
    rolledBack: [],
    removedBefore: [],
    changes: {
      ...{ permissionSets: { Set: set.changes }, profiles: {}, layouts: {} },
      assignment: null,
    },
    named: new Set([...named, PERMISSION_SET].map(keyOf)),
    assignments: [],
    beside: { file: () => null, readable: new Map() },
    users: new Map(),
    holding: new Map(),
  })
  return readAccess(reversal.package.files[SET] ?? '', 'PermissionSet')
}

it('a field of activities that stays is still open on tasks and events, where it is permitted', () => {
  const sent = setSentFor(
    { objects: [{ api_name: 'Activity', fields: [text('Called__c'), text('Heard__c')] }] },
    {
      object: 'Activity',
      made: [field('Activity.Called__c'), field('Activity.Heard__c')],
      named: [field('Activity.Called__c')],
    },
  )
  expect(sent.fieldPermissions).toMatchObject([
    { field: 'Task.Heard__c' },
    { field: 'Event.Heard__c' },
  ])
})

it('a tab that goes is no longer shown, though its object is still open for a field that stays', () => {
  const tab: Component = { type: 'CustomTab', fullName: 'Job__c' }
  const sent = setSentFor(
    { objects: [{ api_name: 'Job__c', fields: [text('Title__c')] }], tabs: ['Job__c'] },
    { object: 'Job__c', made: [field('Job__c.Title__c'), tab], named: [tab] },
  )
  expect(sent.objectPermissions).toMatchObject([{ object: 'Job__c' }])
  expect(sent.tabSettings).toBeUndefined()
})

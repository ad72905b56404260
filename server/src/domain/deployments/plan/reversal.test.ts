import { expect, it } from 'vitest'
import { mergePermissionSet, readAccess } from '../../metadata/entries.ts'
import { keyOf } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { wantedAccess } from '../../plan/compile.ts'
import { type ComponentRow } from '../rows.ts'
import { reverse } from './reversal.ts'

const CALLED = 'Activity.Called__c'
const SET = 'permissionsets/Set.permissionset'

const row = (type: string, full_name: string, position: number): ComponentRow => ({
  ...{ org_id: '', client_id: '', deployment_id: '', position, path: '', type, full_name },
  ...{ action: 'created', reversibility: 'reversible', reason: null, success: true, problem: null },
})

it('a field of activities that stays is still open on tasks, where it is permitted', () => {
  const text = (api_name: string) => ({ api_name, label: api_name, type: 'Text', length: 40 })
  const plan = parsePlan({
    objects: [{ api_name: 'Activity', fields: [text('Called__c'), text('Heard__c')] }],
    permissions: { permission_set: 'Set' },
  })
  const set = mergePermissionSet(
    'Set',
    wantedAccess(plan, 'PermissionSet', () => []),
    null,
  )
  const fields = ['Called__c', 'Heard__c']
    .map(
      (name) => `<fields><fullName>${name}</fullName><length>40</length><type>Text</type></fields>`,
    )
    .join('')
  const files = new Map([
    ['objects/Activity.object', `<CustomObject>${fields}</CustomObject>`],
    [SET, set.text],
  ])
  const reversal = reverse({
    plan,
    rows: [
      row('CustomField', CALLED, 0),
      row('CustomField', 'Activity.Heard__c', 1),
      row('PermissionSet', 'Set', 2),
    ],
    before: new Map([['objects/Activity.object', '<CustomObject/>']]),
    after: files,
    now: files,
    removedBefore: [],
    changes: {
      ...{ permissionSets: { Set: set.changes }, profiles: {}, layouts: {} },
      assignment: null,
    },
    named: new Set(
      [
        { type: 'CustomField', fullName: CALLED },
        { type: 'PermissionSet', fullName: 'Set' },
      ].map(keyOf),
    ),
    assignments: null,
    beside: { file: () => null, readable: new Map() },
    users: new Map(),
    holding: new Map(),
  })
  const sent = reversal.package.files[SET] ?? ''
  expect(readAccess(sent, 'PermissionSet').fieldPermissions).toMatchObject([
    { field: 'Task.Heard__c' },
  ])
})

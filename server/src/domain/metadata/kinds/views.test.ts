// Compact layouts, list views and field sets: parts of an object that show its fields.

import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { destructiveChanges } from '../../plan/manifest.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { type PlanInput, planSchema, storedPlan } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { findPart, parseObjectFile } from '../object-file.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { REMOVED } from '../undoing.ts'
import { writeFile } from '../xml-tree.ts'

type ObjectInput = NonNullable<PlanInput['objects']>[number]
type Compact = NonNullable<ObjectInput['compact_layouts']>[number]
type View = NonNullable<ObjectInput['list_views']>[number]
type FieldSet = NonNullable<ObjectInput['field_sets']>[number]

const PATH = 'objects/Account.object'
const compact = (more: Partial<Compact> = {}): Compact => ({
  api_name: 'Short',
  label: 'Short',
  fields: ['Name', 'Phone'],
  ...more,
})
const view = (more: Partial<View> = {}): View => ({
  api_name: 'Big',
  label: 'Big ones',
  columns: ['Name', 'Tier__c', 'CORE.USERS.ALIAS'],
  ...more,
})
const set = (more: Partial<FieldSet> = {}): FieldSet => ({
  api_name: 'Card',
  label: 'Card',
  description: 'On the card',
  displayed_fields: ['Name'],
  ...more,
})
const account = (more: Partial<ObjectInput>): PlanInput => ({
  objects: [{ api_name: 'Account', ...more }],
  permissions: { permission_set: null, assign_to_connected_user: false },
})
const compile = (more: Partial<ObjectInput>, current = '<CustomObject/>') =>
  compilePlan(parsePlan(account(more)), { current: new Map([[PATH, current]]) })
const textOf = (more: Partial<ObjectInput>, current?: string): string =>
  compile(more, current).files.get(PATH) ?? '<CustomObject/>'
const errorsOf = (more: Partial<ObjectInput>) =>
  checkPlan(planSchema.parse(account(more))).map(({ path, code }) => `${path} ${code}`)

describe('a compact layout', () => {
  const SHORT: Component = { type: 'CompactLayout', fullName: 'Account.Short' }
  const OBJECT: Component = { type: 'CustomObject', fullName: 'Account' }
  const MINE = textOf({ compact_layouts: [compact()] })
  const fileWith = (more: Record<string, string | object>) =>
    writeFile('CustomObject', {
      compactLayouts: { fullName: 'Short', fields: ['Name', 'Phone'], label: 'Short' },
      ...(more as object),
    })

  it('is an element of its object, in the order of its fields, and in place the second time', () => {
    expect(MINE).toContain(`<compactLayouts>
        <fullName>Short</fullName>
        <fields>Name</fields>
        <fields>Phone</fields>
        <label>Short</label>
    </compactLayouts>`)
    expect(compile({ compact_layouts: [compact()] }, MINE).unchanged).toMatchObject([SHORT])
    expect(textOf({ compact_layouts: [compact({ fields: ['Phone', 'Name'] })] }, MINE)).toMatch(
      /Phone.*Name/s,
    )
  })

  it('becomes the primary one by a change of its object, which keeps its other settings', () => {
    const current = '<CustomObject><enableFeeds>true</enableFeeds></CustomObject>'
    const { files, members } = compile({ compact_layouts: [compact({ assign: true })] }, current)
    expect([...members.keys()]).toEqual(['CustomObject', 'CompactLayout'])
    const { settings } = parseObjectFile(files.get(PATH) ?? '')
    expect(settings).toEqual({ enableFeeds: 'true', compactLayoutAssignment: 'Short' })
    const again = compile({ compact_layouts: [compact({ assign: true })] }, files.get(PATH))
    expect(again.files.size).toBe(0)
  })

  it('is refused twice, with a field twice, and as a second primary one', () => {
    expect(
      errorsOf({
        compact_layouts: [
          compact({ assign: true, fields: ['Name', 'name'] }),
          compact({ api_name: 'SHORT', assign: true }),
        ],
      }),
    ).toEqual([
      'objects.0.compact_layouts.1.api_name duplicate',
      'objects.0.compact_layouts.0.fields.1 duplicate',
      'objects.0.compact_layouts.1.assign duplicate',
    ])
  })

  it('goes where the deployment made it, unless it is assigned to something that stays', () => {
    const undo = (now: string, isTakenBack = false) =>
      undone({ component: SHORT, made: true }, sceneAt([{}, { [PATH]: MINE }, { [PATH]: now }]), {
        isTakenBack: () => isTakenBack,
      })
    expect(undo(MINE)).toEqual(REMOVED)
    const primary = fileWith({ compactLayoutAssignment: 'short' })
    expect(undo(primary).kept?.reason).toBe(
      'It is the primary compact layout of Account. Assign a different one first.',
    )
    // The same rollback puts the object back.
    expect(undo(primary, true)).toEqual(REMOVED)
    const type = { fullName: 'Shop', compactLayoutAssignment: 'Short' }
    expect(undo(fileWith({ recordTypes: type }), true).kept?.reason).toBe(
      'It is assigned to the record type Shop. Assign a different one first.',
    )
    expect(
      undone(
        { component: OBJECT, made: false },
        sceneAt([
          { [PATH]: fileWith({ compactLayoutAssignment: 'SYSTEM' }) },
          { [PATH]: primary },
          { [PATH]: primary },
        ]),
      ).restore,
    ).toMatchObject({ element: { compactLayoutAssignment: 'SYSTEM' } })
  })
})

describe('a list view', () => {
  const elementOf = (more: Partial<View>, current?: string) =>
    findPart(parseObjectFile(textOf({ list_views: [view(more)] }, current)), 'listViews', 'Big')

  it("names columns as Salesforce does, where it is known, and passes Salesforce's own names on", () => {
    expect(
      elementOf({
        columns: ['name', 'Phone', 'Tier__c', 'CORE.USERS.ALIAS', 'Fax'],
        filters: [{ field: 'Type', operation: 'not_equals', value: 'Prospect' }],
      }),
    ).toEqual({
      fullName: 'Big',
      columns: ['ACCOUNT.NAME', 'ACCOUNT.PHONE1', 'Tier__c', 'CORE.USERS.ALIAS', 'Fax'],
      filterScope: 'Everything',
      filters: { field: 'ACCOUNT.TYPE', operation: 'notEqual', value: 'Prospect' },
      label: 'Big ones',
    })
  })

  it('is shared with those of the plan, or keeps those that it has', () => {
    const shared_to = { all_internal_users: true, roles: ['CEO', 'COO'] }
    const current = textOf({ list_views: [view({ shared_to })] })
    expect(elementOf({ shared_to })?.sharedTo).toEqual({
      allInternalUsers: '',
      role: ['CEO', 'COO'],
    })
    expect(compile({ list_views: [view()] }, current).files.size).toBe(0)
    // Sharing with all internal users matters, although its element is empty.
    const roles = view({ shared_to: { roles: ['CEO', 'COO'] } })
    expect(compile({ list_views: [roles] }, current).files.size).toBe(1)
    expect(elementOf({ shared_to: {} }, current)?.sharedTo).toBeUndefined()
  })

  it('keeps filters and what a plan cannot say, and loses what the plan says otherwise', () => {
    const current = textOf({
      list_views: [
        view({
          filters: [{ field: 'Type', operation: 'equals' }],
          boolean_filter: '1',
          filter_scope: 'Queue',
          queue: 'Desk',
        }),
      ],
    }).replace('<label>', '<language>en_US</language><label>')
    expect(elementOf({ label: 'New' }, current)).toMatchObject({
      booleanFilter: '1',
      filters: { field: 'ACCOUNT.TYPE' },
      filterScope: 'Queue',
      queue: 'Desk',
      language: 'en_US',
    })
    const all = elementOf({ filter_scope: 'Everything' }, current)
    expect([all?.filterScope, all?.queue]).toEqual(['Everything', undefined])
    const bare = elementOf({ filters: [] }, current)
    expect([bare?.filters, bare?.booleanFilter]).toEqual([undefined, undefined])
  })

  it('is refused with a queue that its scope does not have, and with a filter that does not fit', () => {
    const filters: View['filters'] = [
      { field: 'Type', operation: 'equals' },
      { field: 'Tier__c', operation: 'equals' },
    ]
    expect(
      errorsOf({
        list_views: [
          view({ filter_scope: 'Queue' }),
          view({ api_name: 'B', queue: 'Desk' }),
          view({ api_name: 'C', filters, boolean_filter: '1 AND 3' }),
          view({ api_name: 'D', filters, boolean_filter: '1' }),
          view({ api_name: 'E', filters, boolean_filter: '1 XOR 2' }),
          view({ api_name: 'F', filters, boolean_filter: '(1 or NOT 2)' }),
        ],
      }),
    ).toEqual([
      'objects.0.list_views.0.queue missing',
      'objects.0.list_views.1.queue attribute_not_allowed',
      'objects.0.list_views.2.boolean_filter bad_boolean_filter',
      'objects.0.list_views.3.boolean_filter bad_boolean_filter',
      'objects.0.list_views.4.boolean_filter bad_boolean_filter',
    ])
  })
})

describe('a field set', () => {
  const flags = { isFieldManaged: 'false', isRequired: 'false' }
  const current = writeFile('CustomObject', {
    fieldSets: {
      fullName: 'Card',
      availableFields: [
        { field: 'Fax', ...flags },
        { field: 'Site', ...flags },
      ],
      description: 'On the card',
      displayedFields: { field: 'Phone', isFieldManaged: 'true', isRequired: 'false' },
      label: 'Card',
    },
  })
  const elementOf = (more: Partial<FieldSet>) =>
    findPart(parseObjectFile(textOf({ field_sets: [set(more)] }, current)), 'fieldSets', 'Card')

  it('gets fields before its own, and a field that it offered is one of the displayed', () => {
    expect(
      elementOf({ displayed_fields: ['Name', 'site'], available_fields: ['Rating', 'PHONE'] }),
    ).toMatchObject({
      displayedFields: [
        { field: 'Name' },
        { field: 'Site', ...flags },
        { field: 'Phone', isFieldManaged: 'true' },
      ],
      availableFields: [{ field: 'Rating' }, { field: 'Fax' }],
    })
  })

  it('is in place where its fields are, whatever flags Salesforce gave them', () => {
    const same = set({ displayed_fields: ['Phone'], available_fields: ['Fax'] })
    expect(compile({ field_sets: [same] }, current).files.size).toBe(0)
  })

  it('is refused without fields, and with one in both lists', () => {
    expect(
      errorsOf({
        field_sets: [
          set({ displayed_fields: [] }),
          set({ api_name: 'B', available_fields: ['NAME'] }),
        ],
      }),
    ).toEqual([
      'objects.0.field_sets.0.displayed_fields missing',
      'objects.0.field_sets.1.available_fields.0 duplicate',
    ])
  })
})

describe('what a deployment changed and somebody else too', () => {
  const VIEW: Component = { type: 'ListView', fullName: 'Account.Big' }
  const at = (more: Partial<View>) => ({ [PATH]: textOf({ list_views: [view(more)] }) })
  const before = at({ filters: [{ field: 'Type', operation: 'equals' }] })
  const after = at({ label: 'Bigger', columns: ['Name'], filters: [] })

  it('is restored as far as nobody else changed it', () => {
    const now = at({ label: 'Biggest', columns: ['Name'] })
    const { restore, kept } = undone(
      { component: VIEW, made: false },
      sceneAt([before, after, now]),
    )
    expect(restore).toMatchObject({
      element: {
        fullName: 'Big',
        columns: ['ACCOUNT.NAME', 'Tier__c', 'CORE.USERS.ALIAS'],
        filters: { field: 'ACCOUNT.TYPE', operation: 'equals' },
        label: 'Biggest',
      },
    })
    expect(kept).toMatchObject({ drifted: true, removable: true })
  })

  it('stays as a whole where all of it was changed, and is restored as a whole where it is named', () => {
    const now = at({
      label: 'Biggest',
      columns: ['Phone'],
      filters: [{ field: 'Site', operation: 'equals' }],
    })
    const change = { component: VIEW, made: false }
    expect(undone(change, sceneAt([before, after, now])).restore).toBeNull()
    const named = sceneAt([before, after, now], { named: new Set(['listview:account.big']) })
    expect(undone(change, named)).toMatchObject({
      restore: { element: { label: 'Big ones' } },
      kept: null,
    })
  })
})

describe('a plan with such parts', () => {
  it('deletes them before the fields that they show', () => {
    const plan = parsePlan(account({ compact_layouts: [compact()], field_sets: [set()] }))
    const made = ['CustomField', 'FieldSet', 'ListView', 'CompactLayout'].map((type) => ({
      type,
      fullName: 'Account.X',
    }))
    expect([...destructiveChanges(made, plan).deleteAfter.keys()]).toEqual([
      'CompactLayout',
      'ListView',
      'FieldSet',
      'CustomField',
    ])
  })

  it('has the hash that it had before there were such, and is read where it was stored then', () => {
    const plan = parsePlan(account({ record_types: [{ api_name: 'R', label: 'R' }] }))
    const [{ compact_layouts: _a, list_views: _b, field_sets: _c, ...old } = {}] = plan.objects
    const stored = storedPlan({ ...plan, objects: [old] })
    expect(stored).toEqual(plan)
    expect(planHash(stored)).toBe(planHash(plan))
    const one = account({ list_views: [view(), view({ api_name: 'B' })] })
    const other = account({ list_views: [view({ api_name: 'B' }), view()] })
    expect(planHash(parsePlan(one))).toBe(planHash(parsePlan(other)))
    const turned = account({ list_views: [view({ columns: ['Tier__c', 'Name'] })] })
    expect(planHash(parsePlan(turned))).not.toBe(
      planHash(parsePlan(account({ list_views: [view()] }))),
    )
  })
})

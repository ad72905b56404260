import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { destructiveChanges } from '../../plan/manifest.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type Scene } from '../undoing.ts'

type GroupInput = NonNullable<PlanInput['permission_set_groups']>[number]

const PATH = 'permissionsetgroups/Sales.permissionsetgroup'
const SALES: Component = { type: 'PermissionSetGroup', fullName: 'Sales' }

const planned = (more: Partial<GroupInput> = {}): GroupInput => ({
  api_name: 'Sales',
  label: 'Sales people',
  permission_sets: ['Sell'],
  ...more,
})
const compile = (one: GroupInput, current?: string) =>
  compilePlan(parsePlan({ permission_set_groups: [one] }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const file = (label: string, ...sets: string[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<PermissionSetGroup xmlns="http://soap.sforce.com/2006/04/metadata">
    <hasActivationRequired>false</hasActivationRequired>
    <label>${label}</label>
${sets.map((name) => `    <permissionSets>${name}</permissionSets>`).join('\n')}
</PermissionSetGroup>
`

describe('a permission set group', () => {
  it('is made with its permission sets', () => {
    const { files, members } = compile(planned())
    expect([...members]).toEqual([['PermissionSetGroup', ['Sales']]])
    expect(files.get(PATH)).toBe(file('Sales people', 'Sell'))
  })

  it('gets sets and loses none, and is not sent when all of it is in place', () => {
    const there = file('Sales people', 'Report').replace(
      '</PermissionSetGroup>',
      '    <status>Outdated</status>\n</PermissionSetGroup>',
    )
    expect(compile(planned(), there).files.get(PATH)).toBe(file('Sales people', 'Report', 'Sell'))
    const same = planned({ permission_sets: ['report'] })
    expect(compile(same, there).unchanged).toMatchObject([SALES])
  })

  it('reports what is wrong with its name and sets', () => {
    const errorsOf = (...permission_set_groups: GroupInput[]) =>
      checkPlan(planSchema.parse({ permission_set_groups })).map(
        ({ path, code }) => `${path} ${code}`,
      )
    expect(errorsOf(planned(), planned({ api_name: 'sales' }))).toEqual([
      'permission_set_groups.1.api_name duplicate',
    ])
    expect(errorsOf(planned({ api_name: 'Sales_', permission_sets: ['A', 'a'] }))).toEqual([
      'permission_set_groups.0.api_name name_trailing_underscore',
      'permission_set_groups.0.permission_sets.1 duplicate',
    ])
  })
})

describe('a permission set group rolled back', () => {
  const [BEFORE, LEFT] = [file('Sales', 'Report'), file('Sales people', 'Report', 'Sell')]
  const undo = (made: boolean, now: string, more: Partial<Scene> = {}) =>
    undone(
      { component: SALES, made },
      sceneAt([{ [PATH]: made ? null : BEFORE }, { [PATH]: LEFT }, { [PATH]: now }], more),
    )

  it('goes before the permission sets that it holds, where the deployment made it', () => {
    expect(undo(true, LEFT).remove).toBe(true)
    const plan = parsePlan({ permission_set_groups: [planned()] })
    const set = { type: 'PermissionSet', fullName: 'Sell' }
    expect([...destructiveChanges([set, SALES], plan).deleteAfter.keys()]).toEqual([
      'PermissionSetGroup',
      'PermissionSet',
    ])
  })

  it('stays while somebody has it, or since somebody changed it', () => {
    const heldBy = () => [{ object: 'PermissionSetAssignment', rows: 2 }]
    expect(undo(true, LEFT, { heldBy }).kept).toMatchObject({
      reason: 'It is assigned to 2 users. Unassign it first.',
    })
    expect(undo(true, file('Sales people', 'Report')).kept).toMatchObject({ drifted: true })
  })

  it('that was there before loses what the plan added, and keeps what others did since', () => {
    expect(undo(false, LEFT).restore).toMatchObject({
      element: { label: 'Sales', permissionSets: ['Report'] },
    })
    const since = file('Sales force', 'Forecast', 'Report', 'Sell')
    expect(undo(false, since)).toMatchObject({
      restore: { element: { label: 'Sales force', permissionSets: ['Forecast', 'Report'] } },
      kept: { reason: 'Changed by somebody else since: label.', drifted: true },
    })
    // Rolled back already.
    expect(undo(false, file('Sales', 'Forecast', 'Report'))).toMatchObject({
      restore: null,
      kept: null,
    })
    expect(undo(false, file('Sales', 'Report'))).toMatchObject({ restore: null, kept: null })
  })

  it('keeps a permission set of the same deployment that stays in it', () => {
    const set: Component = { type: 'PermissionSet', fullName: 'Sell' }
    const text = `<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><label>Sell</label></PermissionSet>`
    const at = { [PATH]: LEFT, 'permissionsets/Sell.permissionset': text }
    const scene = sceneAt([{}, at, at])
    expect(undone({ component: set, made: true }, scene).remove).toBe(true)
    expect(undone({ component: set, made: true }, scene, { kept: [SALES] }).kept).toMatchObject({
      reason: 'It is in the permission set group Sales. Remove it there first.',
      removable: true,
    })
  })

  describe('that somebody else put a permission set of ours into', () => {
    const set: Component = { type: 'PermissionSet', fullName: 'Sell' }
    const text = (fields: string) => `<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">${fields}<label>Sell</label></PermissionSet>`
    const entry =
      '<fieldPermissions><editable>true</editable><field>Lead.A__c</field><readable>true</readable></fieldPermissions>'
    const at = { 'permissionsets/Sell.permissionset': text(entry) }
    const changes = {
      permissionSets: {
        Sell: [{ list: 'fieldPermissions' as const, key: 'Lead.A__c', before: null, after: {} }],
      },
      profiles: {},
      layouts: {},
    }
    const group = (fullName: string): Component => ({ type: 'PermissionSetGroup', fullName })
    const undo = (groups: string[], settled: Parameters<typeof undone>[2] = {}) =>
      undone(
        { component: set, made: true },
        sceneAt([{}, at, at], { usersOf: () => groups.map(group), changes }),
        settled,
      )

    it('keeps it, without our entries, and names the group', () => {
      expect(undo(['Desk']).kept).toMatchObject({
        reason: 'It is in the permission set group Desk. Remove it there first.',
        removable: true,
      })
      expect(undo(['Desk']).remove).toBe(false)
    })

    it('names each group once, whoever put it there', () => {
      expect(undo(['Desk', 'desk', 'Night']).kept?.reason).toBe(
        'It is in the permission set groups Desk, Night. Remove it there first.',
      )
    })

    it('lets it go with a group that the same rollback deletes', () => {
      expect(undo(['Desk'], { isTakenBack: ({ fullName }) => fullName === 'Desk' })).toMatchObject({
        remove: true,
        kept: null,
      })
      expect(undo([]).remove).toBe(true)
    })
  })
})

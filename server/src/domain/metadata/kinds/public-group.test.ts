import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { destructiveChanges } from '../../plan/manifest.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'

type GroupInput = NonNullable<PlanInput['public_groups']>[number]

const PATH = 'groups/Staff.group'
const STAFF: Component = { type: 'Group', fullName: 'Staff' }

const planned = (more: Partial<GroupInput> = {}): GroupInput => ({
  api_name: 'Staff',
  label: 'All staff',
  ...more,
})
const compile = (one: GroupInput, current?: string) =>
  compilePlan(parsePlan({ public_groups: [one] }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const file = (content: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<Group xmlns="http://soap.sforce.com/2006/04/metadata">
    ${content}
</Group>
`
const MADE = file(`<doesIncludeBosses>true</doesIncludeBosses>
    <name>All staff</name>`)

describe('a public group', () => {
  it('is made with access by hierarchy, as Salesforce makes one', () => {
    const { files, members } = compile(planned())
    expect([...members]).toEqual([['Group', ['Staff']]])
    expect(files.get(PATH)).toBe(MADE)
  })

  it('keeps what the plan does not say, and is not sent when all of it is in place', () => {
    const there = file(`<description>Everybody</description>
    <doesIncludeBosses>false</doesIncludeBosses>
    <name>Staff</name>`)
    expect(compile(planned(), there).files.get(PATH)).toBe(there.replace('Staff', 'All staff'))
    expect(compile(planned({ label: 'Staff' }), there).unchanged).toMatchObject([STAFF])
    const said = compile(planned({ grant_access_using_hierarchies: true }), there).files.get(PATH)
    expect(said).toContain('<doesIncludeBosses>true<')
  })

  it('reports what is wrong with its name', () => {
    const errorsOf = (...public_groups: GroupInput[]) =>
      checkPlan(planSchema.parse({ public_groups })).map(({ path, code }) => `${path} ${code}`)
    expect(errorsOf(planned(), planned({ api_name: 'staff' }))).toEqual([
      'public_groups.1.api_name duplicate',
    ])
    expect(errorsOf(planned({ api_name: '1st' }))).toEqual([
      'public_groups.0.api_name name_bad_start',
    ])
  })
})

describe('a public group rolled back', () => {
  const undo = (made: boolean, before: string | null, now: string, rows = 0) =>
    undone(
      { component: STAFF, made },
      sceneAt([{ [PATH]: before }, { [PATH]: MADE }, { [PATH]: now }], {
        heldBy: () => (rows === 0 ? [] : [{ object: 'GroupMember', rows }]),
      }),
    )

  it('goes where the deployment made it, behind the queues that have it as a member', () => {
    expect(undo(true, null, MADE).remove).toBe(true)
    const plan = parsePlan({ public_groups: [planned()] })
    const desk = { type: 'Queue', fullName: 'Desk' }
    expect([...destructiveChanges([STAFF, desk], plan).deleteAfter.keys()]).toEqual([
      'Queue',
      'Group',
    ])
  })

  it('stays where somebody gave it members, or changed it', () => {
    expect(undo(true, null, MADE, 3)).toMatchObject({
      remove: false,
      kept: { reason: 'It has 3 members. Remove them first.', removable: true },
    })
    expect(undo(true, null, MADE.replace('All', 'Some')).kept).toMatchObject({ drifted: true })
  })

  it('that was there before is put back as it was', () => {
    const before = MADE.replace('All staff', 'Staff')
    expect(undo(false, before, MADE).restore).toMatchObject({ element: { name: 'Staff' } })
  })
})

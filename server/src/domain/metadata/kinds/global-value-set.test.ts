import { describe, expect, it } from 'vitest'
import { listObjects } from '../../../salesforce/xml.ts'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { componentsOf, componentsToRead } from '../../plan/components.ts'
import { destructiveChanges } from '../../plan/manifest.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component, keyOf } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type Undoing } from '../undoing.ts'
import { readRoot } from '../xml-tree.ts'
import { globalValueSet } from './global-value-set.ts'

type SetInput = NonNullable<PlanInput['global_value_sets']>[number]

const PATH = 'globalValueSets/Industry_List.globalValueSet'
const SET: Component = { type: 'GlobalValueSet', fullName: 'Industry_List' }

const planned = (more: Partial<SetInput> = {}): SetInput => ({
  api_name: 'Industry_List',
  label: 'Industries',
  values: ['Energy', { value: 'Health', label: 'Health care' }],
  ...more,
})
const compile = (set: SetInput, current?: string, more: PlanInput = {}) =>
  compilePlan(parsePlan({ ...more, global_value_sets: [set] }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const textOf = (set: SetInput, current?: string): string =>
  compile(set, current).files.get(PATH) ?? ''
const valuesIn = (text: string) => listObjects(readRoot(text, 'GlobalValueSet').customValue)

/** As in a retrieve, with an inactive value and members that plans do not support. */
const THERE = `<?xml version="1.0" encoding="UTF-8"?>
<GlobalValueSet xmlns="http://soap.sforce.com/2006/04/metadata">
    <customValue>
        <fullName>Mining</fullName>
        <color>#FF6600</color>
        <default>true</default>
        <label>Mining</label>
    </customValue>
    <customValue>
        <fullName>Energy</fullName>
        <default>false</default>
        <isActive>false</isActive>
        <label>Energy &amp; more</label>
    </customValue>
    <description>What companies do</description>
    <masterLabel>Industries</masterLabel>
    <sorted>true</sorted>
</GlobalValueSet>
`

describe('a global value set that does not exist', () => {
  it('is made with its values in their order', () => {
    const { files, members, components } = compile(planned({ default: 'Health', sorted: true }))
    expect([...files.keys()]).toEqual([PATH])
    expect([...members]).toEqual([['GlobalValueSet', ['Industry_List']]])
    expect(components).toEqual([{ ...SET, path: 'global_value_sets.0' }])
    expect(files.get(PATH)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<GlobalValueSet xmlns="http://soap.sforce.com/2006/04/metadata">
    <customValue>
        <fullName>Energy</fullName>
        <default>false</default>
        <label>Energy</label>
    </customValue>
    <customValue>
        <fullName>Health</fullName>
        <default>true</default>
        <label>Health care</label>
    </customValue>
    <masterLabel>Industries</masterLabel>
    <sorted>true</sorted>
</GlobalValueSet>
`)
  })

  it('needs no permission set and no object beside it', () => {
    const plan = parsePlan({ global_value_sets: [planned()] })
    expect(componentsOf(plan).map(({ type }) => type)).toEqual(['GlobalValueSet'])
    expect(componentsToRead(plan)).toEqual([SET])
  })

  it('travels with the fields that use it', () => {
    const { members } = compile(planned(), undefined, {
      objects: [
        {
          api_name: 'Lead',
          fields: [
            {
              api_name: 'Kind__c',
              label: 'Kind',
              type: 'Picklist',
              global_value_set: 'Industry_List',
            },
          ],
        },
      ],
    })
    expect(members.get('CustomField')).toEqual(['Lead.Kind__c'])
    expect(members.get('GlobalValueSet')).toEqual(['Industry_List'])
  })
})

describe('a global value set that exists', () => {
  it('keeps every value that the plan does not name, its order and its colours', () => {
    const values = valuesIn(textOf(planned(), THERE))
    expect(values).toEqual([
      { fullName: 'Mining', color: '#FF6600', default: 'true', label: 'Mining' },
      { fullName: 'Energy', default: 'false', label: 'Energy & more' },
      { fullName: 'Health', default: 'false', label: 'Health care' },
    ])
  })

  it('keeps its description and its sorting until the plan says otherwise', () => {
    const kept = readRoot(textOf(planned({ label: 'Trades' }), THERE), 'GlobalValueSet')
    expect(kept).toMatchObject({
      masterLabel: 'Trades',
      description: 'What companies do',
      sorted: 'true',
    })
    const said = planned({ description: 'Else', sorted: false })
    expect(readRoot(textOf(said, THERE), 'GlobalValueSet')).toMatchObject({
      description: 'Else',
      sorted: 'false',
    })
  })

  it('has one default value: the one that the plan names', () => {
    const defaults = valuesIn(textOf(planned({ default: 'health' }), THERE))
      .filter((value) => value.default === 'true')
      .map(({ fullName }) => fullName)
    expect(defaults).toEqual(['Health'])
    expect(
      valuesIn(textOf(planned({ values: ['Energy'], default: 'Mining' }), THERE)),
    ).toHaveLength(2)
  })

  it('is not sent when all of it is in place', () => {
    const sent = textOf(planned({ default: 'Health' }), THERE)
    const again = compile(planned({ default: 'Health' }), sent)
    expect([again.files.size, again.unchanged.length]).toEqual([0, 1])
    expect(compile(planned({ values: ['Mining'] }), THERE).files.size).toBe(0)
  })

  it('is refused a default that it does not have, or that is switched off', () => {
    const refused = (set: SetInput) => {
      try {
        compile(set, THERE)
        return null
      } catch (error) {
        return (error as { errors?: unknown }).errors
      }
    }
    expect(refused(planned({ default: 'Fishing' }))).toMatchObject([
      { path: 'global_value_sets.0.default', code: 'unknown_value' },
    ])
    expect(refused(planned({ values: ['Health'], default: 'Energy' }))).toMatchObject([
      { path: 'global_value_sets.0.default', code: 'unknown_value' },
    ])
    const many = Array.from({ length: 999 }, (_, index) => `Value ${index}`)
    expect(refused(planned({ values: many }))).toMatchObject([
      { path: 'global_value_sets.0.values', code: 'too_many' },
    ])
  })
})

describe('a plan of global value sets', () => {
  const errorsOf = (...sets: SetInput[]) =>
    checkPlan(planSchema.parse({ global_value_sets: sets })).map(
      ({ path, code }) => `${path} ${code}`,
    )

  it('reports what is wrong with names and values', () => {
    expect(errorsOf(planned())).toEqual([])
    expect(errorsOf(planned({ api_name: 'Industry_List__gvs' }))).toEqual([
      'global_value_sets.0.api_name name_double_underscore',
    ])
    expect(errorsOf(planned(), planned({ api_name: 'INDUSTRY_list' }))).toEqual([
      'global_value_sets.1.api_name duplicate',
    ])
    expect(errorsOf(planned({ values: ['A', 'B', 'a'] }))).toEqual([
      'global_value_sets.0.values.2 duplicate',
    ])
    expect(errorsOf(planned({ values: ['A', { value: 'B', label: 'a' }] }))).toEqual([
      'global_value_sets.0.values.1 duplicate',
    ])
  })

  it('has the hash of the same sets in another order, and another one for other values', () => {
    const hashOf = (...sets: SetInput[]) => planHash(parsePlan({ global_value_sets: sets }))
    const other = planned({ api_name: 'Other' })
    expect(hashOf(planned(), other)).toBe(hashOf(other, planned()))
    expect(hashOf(planned({ values: ['A', 'B'] }))).not.toBe(
      hashOf(planned({ values: ['B', 'A'] })),
    )
  })
})

describe('a global value set rolled back', () => {
  const file = (values: Record<string, boolean>): string =>
    `<?xml version="1.0" encoding="UTF-8"?><GlobalValueSet xmlns="http://soap.sforce.com/2006/04/metadata">${Object.entries(
      values,
    )
      .map(
        ([name, active]) =>
          `<customValue><fullName>${name}</fullName><default>false</default>${active ? '' : '<isActive>false</isActive>'}<label>${name}</label></customValue>`,
      )
      .join('')}<masterLabel>L</masterLabel><sorted>false</sorted></GlobalValueSet>`
  type Moment = Record<string, boolean> | null
  const FIELD: Component = { type: 'CustomField', fullName: 'Lead.Kind__c' }
  const lead = `<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><fields><fullName>Kind__c</fullName><type>Picklist</type><valueSet><valueSetName>Industry_List__gvs</valueSetName></valueSet></fields></CustomObject>`

  const undo = (
    made: boolean,
    moments: readonly [Moment, Moment, Moment],
    {
      users = [],
      gone = [],
      kept = [],
    }: Partial<Record<'users' | 'gone' | 'kept', Component[]>> = {},
  ): Undoing => {
    const [before, after, now] = moments
    const at = (values: Moment) => ({
      'objects/Lead.object': lead,
      [PATH]: values === null ? null : file(values),
    })
    const taken = new Set(gone.map(keyOf))
    return undone(
      { component: SET, made },
      sceneAt([at(before), at(after), at(now)], { usersOf: () => users }),
      { isTakenBack: (component) => taken.has(keyOf(component)), kept },
    )
  }

  it('goes where the deployment made it, after the fields that use it', () => {
    const moments = [null, { A: true }, { A: true }] as const
    expect(undo(true, moments).remove).toBe(true)
    expect(undo(true, moments, { users: [FIELD], gone: [FIELD] }).remove).toBe(true)
    const { deleteAfter } = destructiveChanges(
      [SET, FIELD],
      parsePlan({ global_value_sets: [planned()] }),
    )
    expect([...deleteAfter.keys()]).toEqual(['CustomField', 'GlobalValueSet'])
  })

  it('stays while something that stays uses it, by name', () => {
    const moments = [null, { A: true }, { A: true }] as const
    const told = { remove: false, kept: { reason: 'It is used by Lead.Kind__c.', removable: true } }
    expect(undo(true, moments, { users: [FIELD] })).toMatchObject(told)
    // Even if Salesforce does not say what uses it: a field of ours that stays is known.
    expect(undo(true, moments, { kept: [FIELD] })).toMatchObject(told)
  })

  it('stays where somebody changed it since', () => {
    expect(undo(true, [null, { A: true }, { A: true, B: true }]).kept).toMatchObject({
      drifted: true,
    })
  })

  it('that was there before has the values that it gained switched off', () => {
    const moments = [{ A: true }, { A: true, B: true }, { A: true, B: true }] as const
    expect(undo(false, moments)).toMatchObject({
      restore: {
        element: { customValue: [{ fullName: 'A' }, { fullName: 'B', isActive: 'false' }] },
      },
      kept: { reason: expect.stringContaining('deactivates B') as string, removable: false },
    })
    expect(undo(false, [{ A: true }, { A: false }, { A: false }])).toMatchObject({ kept: null })
    expect(undo(false, [{ A: true }, { A: true, B: true }, { A: true, B: false }])).toMatchObject({
      restore: null,
      kept: { removable: false },
    })
  })

  it('is said to be reversible where nothing but its labels change', () => {
    const part = (values: Record<string, boolean>) => readRoot(file(values), 'GlobalValueSet')
    const step = { made: false, withObject: false, lostRows: 0, before: part({ A: true }) }
    const { reversibility } = globalValueSet
    expect(reversibility({ ...step, after: part({ A: true }) }).level).toBe('reversible')
    expect(reversibility({ ...step, after: part({ A: true, B: true }) })).toMatchObject({
      level: 'irreversible',
      reason: expect.stringContaining('deactivates B') as string,
    })
    expect(reversibility({ ...step, made: true, after: part({ A: true }) }).level).toBe(
      'reversible',
    )
  })
})

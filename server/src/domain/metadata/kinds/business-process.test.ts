import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { type PlanInput, planSchema, storedPlan } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type Undoing } from '../undoing.ts'
import { readRoot } from '../xml-tree.ts'

type ObjectInput = NonNullable<PlanInput['objects']>[number]
type ProcessInput = NonNullable<ObjectInput['business_processes']>[number]

const PATH = 'objects/Opportunity.object'
const DIRECT: Component = { type: 'BusinessProcess', fullName: 'Opportunity.Direct Sales' }

const planned = (more: Partial<ProcessInput> = {}): ProcessInput => ({
  api_name: 'Direct Sales',
  values: ['Prospecting', 'Proposal/Price Quote'],
  ...more,
})
const on = (api_name: string, ...business_processes: ProcessInput[]): PlanInput => ({
  objects: [{ api_name, business_processes }],
  permissions: { permission_set: null, assign_to_connected_user: false },
})
const objectFile = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">${content}</CustomObject>`
const process = (values: string, more = '') =>
  `<businessProcesses><fullName>Direct Sales</fullName>${more}<isActive>true</isActive>${values}</businessProcesses>`
const value = (name: string, isDefault = false) =>
  `<values><fullName>${name}</fullName><default>${String(isDefault)}</default></values>`
const compile = (plan: PlanInput, path = PATH, current = objectFile('')) =>
  compilePlan(parsePlan(plan), { current: new Map([[path, current]]) })
const processIn = (plan: PlanInput, path = PATH, current?: string) =>
  readRoot(compile(plan, path, current).files.get(path) ?? '<CustomObject/>', 'CustomObject')
    .businessProcesses

describe('a business process that does not exist', () => {
  it('is made with its values, percent-encoded as Salesforce writes them', () => {
    const { files, members, components } = compile(on('Opportunity', planned()))
    expect([...members]).toEqual([['BusinessProcess', [DIRECT.fullName]]])
    expect(components).toEqual([{ ...DIRECT, path: 'objects.0.business_processes.0' }])
    expect(files.get(PATH)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">
    <businessProcesses>
        <fullName>Direct Sales</fullName>
        <isActive>true</isActive>
        <values>
            <fullName>Prospecting</fullName>
            <default>false</default>
        </values>
        <values>
            <fullName>Proposal%2FPrice Quote</fullName>
            <default>false</default>
        </values>
    </businessProcesses>
</CustomObject>
`)
  })

  it('starts with its first value where records have a status, unless the plan says which', () => {
    const defaultsOf = (plan: PlanInput) => {
      const found = processIn(plan, 'objects/Lead.object') as { values: { default: string }[] }
      return found.values.map((each) => each.default)
    }
    expect(defaultsOf(on('Lead', planned()))).toEqual(['true', 'false'])
    const second = planned({ default: 'Proposal/Price Quote' })
    expect(defaultsOf(on('Lead', second))).toEqual(['false', 'true'])
  })
})

describe('a business process that exists', () => {
  const there = objectFile(
    process(
      value('Closed Won') + value('Proposal%2FPrice Quote'),
      '<description>Ours</description>',
    ),
  )

  it('keeps its values and what the plan does not say, in front of what the plan adds', () => {
    expect(processIn(on('Opportunity', planned()), PATH, there)).toMatchObject({
      description: 'Ours',
      values: [
        { fullName: 'Closed Won' },
        { fullName: 'Proposal%2FPrice Quote' },
        { fullName: 'Prospecting' },
      ],
    })
  })

  it('is not sent when all of it is in place', () => {
    const { files, unchanged } = compile(
      on('Opportunity', planned({ values: ['Proposal/Price Quote', 'Closed Won'] })),
      PATH,
      there,
    )
    expect([files.size, unchanged.length]).toEqual([0, 1])
  })
})

describe('a plan of business processes', () => {
  const errorsOf = (plan: PlanInput) =>
    checkPlan(planSchema.parse(plan)).map(({ path, code }) => `${path} ${code}`)
  const at = 'objects.0.business_processes'

  it.each([
    ['nothing', on('Opportunity', planned()), []],
    ['an object without any', on('Account', planned()), [`${at} attribute_not_allowed`]],
    [
      'a name twice',
      on('Case', planned(), planned({ api_name: 'direct sales' })),
      [`${at}.1.api_name duplicate`],
    ],
    [
      'the name of all values',
      on('Case', planned({ api_name: 'Master' })),
      [`${at}.0.api_name name_reserved`],
    ],
    [
      'a name that files write otherwise',
      on('Case', planned({ api_name: 'A/B' })),
      [`${at}.0.api_name name_bad_character`],
    ],
    [
      'a value twice',
      on('Case', planned({ values: ['New', 'new'] })),
      [`${at}.0.values.1 duplicate`],
    ],
    [
      'a default that is no value',
      on('Case', planned({ default: 'New' })),
      [`${at}.0.default unknown_value`],
    ],
    [
      'a stage as the default',
      on('Opportunity', planned({ default: 'Prospecting' })),
      [`${at}.0.default attribute_not_allowed`],
    ],
  ] as const)('is told of %s', (_what, plan, errors) => {
    expect(errorsOf(plan)).toEqual(errors)
  })

  it('has the hash of the same processes in another order, and without any the one that it always had', () => {
    const hashOf = (plan: PlanInput) => planHash(parsePlan(plan))
    const other = planned({ api_name: 'Other' })
    expect(hashOf(on('Case', planned(), other))).toBe(hashOf(on('Case', other, planned())))
    const lead = parsePlan({ objects: [{ api_name: 'Lead', validation_rules: [RULE] }] })
    const { business_processes: _, ...object } = lead.objects[0] ?? {}
    expect(planHash(storedPlan({ ...lead, objects: [object] }))).toBe(planHash(lead))
  })
})

const RULE = { api_name: 'R', error_condition_formula: 'false', error_message: 'No.' }

describe('a business process rolled back', () => {
  const MINE = objectFile(process(value('Prospecting')))
  const used = (recordType: string) =>
    objectFile(
      `${process(value('Prospecting'))}<recordTypes><fullName>${recordType}</fullName><businessProcess>Direct Sales</businessProcess></recordTypes>`,
    )
  const undo = (
    made: boolean,
    [before, after, now]: readonly [string | null, string | null, string | null],
    takenBack: string[] = [],
  ): Undoing =>
    undone(
      { component: DIRECT, made },
      sceneAt([{ [PATH]: before }, { [PATH]: after }, { [PATH]: now }]),
      { isTakenBack: ({ fullName }) => takenBack.includes(fullName) },
    )

  it('goes where the deployment made it', () => {
    expect(undo(true, [objectFile(''), MINE, MINE]).remove).toBe(true)
  })

  it('stays while a record type uses it that is not put back itself', () => {
    const now = used('Direct')
    expect(undo(true, [objectFile(''), MINE, now])).toMatchObject({
      remove: false,
      kept: { reason: 'It is used by the record type Opportunity.Direct.' },
    })
    expect(undo(true, [objectFile(''), MINE, now], ['Opportunity.Direct']).remove).toBe(true)
  })

  it('that was there before is put back as it was', () => {
    const was = objectFile(process(value('Closed Won')))
    const left = objectFile(process(value('Closed Won') + value('Prospecting')))
    expect(undo(false, [was, left, left]).restore).toMatchObject({
      element: { values: { fullName: 'Closed Won' } },
    })
  })
})

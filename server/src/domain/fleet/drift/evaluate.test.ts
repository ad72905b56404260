// How a client stands against a blueprint, component by component, and what of it somebody accepted.

import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../../salesforce/json.ts'
import { keyOf } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { type Automation } from '../../topology/automations/automation.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import { type ComponentDrift, evaluate, type Override } from './evaluate.ts'
import { fileFacts, type Granted, keyOfEntry } from './files.ts'
import { type Deployed } from './history.ts'
import { withOverrides } from './overrides.ts'
import { type DriftReading } from './readings.ts'
import { describedObject, type Facts, type Wanted, wantedComponents } from './standing.ts'

const TIER = { api_name: 'Tier__c', label: 'Tier', type: 'Text', length: 40 }
const LEVELS = { api_name: 'Level__c', label: 'Level', type: 'Picklist', values: ['A', 'B'] }
const RULE = {
  api_name: 'Given',
  error_condition_formula: 'ISBLANK(Tier__c)',
  error_message: 'Give a tier.',
}
const NONE = { permissions: { permission_set: null, assign_to_connected_user: false } }
const planOf = (objects: object[]): Wanted => ({
  plan: parsePlan({ objects, ...NONE }),
  workflows: [],
  mappings: [],
})
const lead = (...fields: object[]): Wanted => planOf([{ api_name: 'Lead', fields }])

const text = (name: string, more: JsonObject = {}): JsonObject => ({
  ...{ name, label: name.replace('__c', ''), type: 'string', length: 40, custom: true },
  ...{ nillable: true, unique: false, externalId: false, calculated: false },
  ...more,
})
const picklist = (...values: string[]): JsonObject => ({
  ...text('Level__c', { type: 'picklist', length: 255 }),
  picklistValues: values.map((value) => ({ value, label: value, active: true })),
})
const rule = (definition: JsonObject | null, active = true): Automation => ({
  ...{ type: 'validation_rule', api_name: 'Lead.Given', label: null, object: 'Lead', active },
  ...{ active_version: null, latest_version: null, versions: [], process_type: null },
  ...{ managed: false, last_modified_at: '2026-11-20T00:00:00.000Z', trigger: null },
  ...{ definition_version: null, definition },
})
const DEFINITION = {
  fullName: 'Given',
  active: 'true',
  errorConditionFormula: 'ISBLANK(Tier__c)',
  errorMessage: 'Give a tier.',
}
const facts = (
  fields: JsonObject[],
  more: {
    automations?: Automation[]
    hidden?: string[]
    object?: JsonObject
    reading?: DriftReading
    granted?: Granted
  } = {},
): Facts => ({
  describes: new Map([
    [
      'lead',
      describedObject({ name: 'Lead', label: 'Lead', fields, ...more.object }, [
        'Tier__c',
        'level__C',
      ]),
    ],
  ]),
  automations: new Map(
    (more.automations ?? []).map((one) => [`${one.type}/${one.api_name}`.toLowerCase(), one]),
  ),
  mappings: new Map(),
  hidden: new Set(more.hidden ?? []),
  files: fileFacts(more.reading ?? null, more.granted ?? new Map()),
})

const HOT = { api_name: 'Hot', label: 'Hot', objects: ['Lead'] }
const withPlan = (plan: object): Wanted => ({ plan: parsePlan(plan), workflows: [], mappings: [] })
/** What a pull has read of all that is wanted. */
const readingOf = (wanted: Wanted, files: Record<string, string>): DriftReading => ({
  sfdcOrgId: '00D',
  readAt: new Date('2026-11-22T00:00:00.000Z'),
  error: null,
  components: new Map(
    wantedComponents(wanted).map((one) => [
      keyOf(one),
      { at: '2026-11-21T00:00:00.000Z', by: 'Kim' },
    ]),
  ),
  files: new Map(Object.entries(files)),
})

const TAKEN = new Date('2026-11-22T00:00:00.000Z')
const OURS: Deployed = { deployment_id: 'd', at: '2026-11-20T00:00:00.000Z', by: null }

const drift = (
  wanted: Wanted,
  found: Facts,
  known: { deployed?: Deployed | null; older?: Wanted[]; overrides?: Override[] } = {},
) =>
  evaluate(wanted, {
    facts: found,
    takenAt: TAKEN,
    deployedOf: () => (known.deployed === undefined ? OURS : known.deployed),
    older: () => (known.older ?? []).map((one, at) => ({ version: 9 - at, wanted: one })),
    overrides: known.overrides ?? [],
  })
const states = (...input: Parameters<typeof drift>) =>
  drift(...input).components.map(({ full_name: name, state }) => `${name} ${state}`)

describe('a component', () => {
  it('is in sync where a deploy would leave it unchanged', () => {
    const wanted = planOf([{ api_name: 'Lead', fields: [TIER, LEVELS], validation_rules: [RULE] }])
    const found = facts([text('Tier__c'), picklist('A', 'B')], { automations: [rule(DEFINITION)] })
    expect(drift(wanted, found)).toMatchObject({ state: 'in_sync', counts: { in_sync: 3 } })
  })

  it('is modified or missing where ours was in place, and not applied where it never was', () => {
    const [changed, gone] = [facts([text('Tier__c', { length: 90 })]), facts([])]
    expect(states(lead(TIER), changed)).toEqual(['Lead.Tier__c modified'])
    expect(states(lead(TIER), gone)).toEqual(['Lead.Tier__c missing'])
    for (const found of [changed, gone]) {
      expect(states(lead(TIER), found, { deployed: null })).toEqual(['Lead.Tier__c not_applied'])
    }
    expect(drift(lead(TIER), changed).components[0]).toMatchObject({
      differences: [{ attribute: 'length', wanted: 40, deployed: null, found: 90 }],
      deployed: OURS,
      path: 'plan.objects.0.fields.0',
    })
  })

  it('is behind where it stands as an older version wanted it', () => {
    const older = [lead({ ...TIER, length: 80 }), lead({ ...TIER, length: 90 })]
    const found = facts([text('Tier__c', { length: 90 })])
    expect(drift(lead(TIER), found, { older }).components[0]).toMatchObject({
      state: 'behind',
      stands_at: 8,
    })
  })

  it('is ahead where the client added to it, or to an object that the blueprint defines', () => {
    expect(states(lead(LEVELS), facts([picklist('A', 'New', 'B')]))).toEqual([
      'Lead.Level__c ahead',
    ])
    expect(states(lead(LEVELS), facts([picklist('B', 'A', 'C')]))).toEqual([
      'Lead.Level__c modified',
    ])
    const job = {
      ...{ api_name: 'Job__c', label: 'Job', plural_label: 'Jobs', fields: [TIER] },
      name_field: { label: 'Job', type: 'Text' },
    }
    const described = {
      ...{ name: 'Job__c', label: 'Job', labelPlural: 'Jobs' },
      fields: [
        { name: 'Name', nameField: true, label: 'Job', custom: false },
        ...['Tier__c', 'Own__c', 'pkg__Theirs__c'].map((name) => text(name)),
      ],
    }
    const found: Facts = {
      ...facts([]),
      describes: new Map([['job__c', describedObject(described, ['Tier__c'])]]),
    }
    expect(states(planOf([job]), found)).toEqual([
      'Job__c in_sync',
      'Job__c.Tier__c in_sync',
      'Job__c.Own__c ahead',
    ])
    // Nothing on an object that is only added to is the blueprint's.
    expect(states(lead(TIER), facts([text('Tier__c'), text('Own__c')]))).toEqual([
      'Lead.Tier__c in_sync',
    ])
  })

  it('is a dependent picklist whose controlling field the blueprint does not have', () => {
    const bits = (bit: number) => Buffer.from([bit]).toString('base64')
    const dependent = (a: number) => ({
      ...picklist('A', 'B'),
      ...{ controllerName: 'Make__c' },
      picklistValues: [
        { value: 'A', label: 'A', active: true, validFor: bits(a) },
        { value: 'B', label: 'B', active: true, validFor: bits(0b1000_0000) },
      ],
    })
    const make = { ...text('Make__c', { type: 'picklist' }), picklistValues: [{ value: 'Audi' }] }
    const wanted = lead({
      ...LEVELS,
      ...{ controlling_field: 'Make__c' },
      value_settings: [{ value: 'A', controlling_values: ['Audi'] }],
    })
    expect(states(wanted, facts([make, dependent(0b1000_0000)]))).toEqual(['Lead.Level__c in_sync'])
    expect(drift(wanted, facts([make, dependent(0)])).components[0]?.differences).toMatchObject([
      { attribute: 'value_settings' },
    ])
  })

  it('is unreadable where the connected user does not see it', () => {
    expect(states(lead(TIER), facts([], { hidden: ['lead.tier__c'] }))).toEqual([
      'Lead.Tier__c unreadable',
    ])
    const wanted = planOf([{ api_name: 'Lead', validation_rules: [RULE] }])
    expect(states(wanted, facts([], { automations: [rule(null)] }))).toEqual([
      'Lead.Given unreadable',
    ])
  })

  it('is unknown, with the reason, where no pull has read its file, or it was taken before ours was in place', () => {
    const wanted = withPlan({ queues: [HOT], ...NONE })
    const unread = drift(wanted, facts([]))
    expect(unread).toMatchObject({ state: 'in_sync', counts: { unknown: 1 } })
    expect(unread.components).toMatchObject([{ reason: { code: 'not_read' } }])
    const refused = { ...readingOf(wanted, {}), error: { code: 'not_read', message: 'No right.' } }
    expect(drift(wanted, facts([], { reading: refused })).components).toMatchObject([
      { state: 'unknown', reason: { message: 'No right.' } },
    ])
    const later = { ...OURS, at: '2026-11-23T00:00:00.000Z' }
    expect(drift(lead(TIER), facts([]), { deployed: later })).toMatchObject({
      state: 'unknown',
      reason: { code: 'snapshot_before_deployment' },
    })
  })

  it('in a file is in sync where a deploy would leave it unchanged', () => {
    const wanted = withPlan({ queues: [HOT], ...NONE })
    const file = (label: string) => ({
      'queues/Hot.queue': `<Queue><doesSendEmailToMembers>false</doesSendEmailToMembers><name>${label}</name><queueSobject><sobjectType>Lead</sobjectType></queueSobject></Queue>`,
    })
    const [same, other] = [readingOf(wanted, file('Hot')), readingOf(wanted, file('Cold'))]
    expect(states(wanted, facts([], { reading: same }))).toEqual(['Hot in_sync'])
    expect(drift(wanted, facts([], { reading: other })).components).toMatchObject([
      {
        ...{ state: 'modified', changed_by: 'Kim', changed_at: '2026-11-21T00:00:00.000Z' },
        differences: [{ attribute: 'name', wanted: 'Hot', found: 'Cold' }],
      },
    ])
    expect(states(wanted, facts([], { reading: readingOf(wanted, {}) }))).toEqual(['Hot missing'])
    // What was read before our deployment says nothing about it.
    const before = { ...other, readAt: new Date('2026-11-19T00:00:00.000Z') }
    expect(drift(wanted, facts([], { reading: before })).state).toBe('unknown')
  })

  it('on a layout, or in the file of an object, is compared as a deploy merges it', () => {
    const wanted = withPlan({
      objects: [
        {
          api_name: 'Lead',
          fields: [TIER],
          compact_layouts: [{ api_name: 'Short', label: 'Short', fields: ['Name', 'Tier__c'] }],
        },
      ],
      layouts: [{ object: 'Lead', layout: 'Lead Layout', section: 'Ours', fields: ['Tier__c'] }],
      custom_labels: [{ api_name: 'Greeting', value: 'Hello' }],
      ...NONE,
    })
    const layout = (field: string) =>
      `<Layout><layoutSections><customLabel>true</customLabel><label>Ours</label><layoutColumns><layoutItems><behavior>Edit</behavior><field>${field}</field></layoutItems></layoutColumns><style>TwoColumnsTopToBottom</style></layoutSections></Layout>`
    const compact = (fields: string) =>
      `<CustomObject><compactLayouts><fullName>Short</fullName>${fields}<label>Short</label></compactLayouts></CustomObject>`
    const labels = (value: string) =>
      `<CustomLabels><labels><fullName>Greeting</fullName><language>en_US</language><protected>false</protected><shortDescription>Greeting</shortDescription><value>${value}</value></labels></CustomLabels>`
    const files = (field: string, fields: string, value: string) => ({
      'layouts/Lead-Lead Layout.layout': layout(field),
      'objects/Lead.object': compact(fields),
      'labels/CustomLabels.labels': labels(value),
    })
    const of = (found: Record<string, string>) =>
      drift(wanted, facts([text('Tier__c')], { reading: readingOf(wanted, found) })).components
    const [name, tier] = ['<fields>Name</fields>', '<fields>Tier__c</fields>']
    const stateIn = (components: ComponentDrift[]) =>
      Object.fromEntries(components.map((one) => [one.full_name, one.state]))
    expect(stateIn(of(files('Tier__c', name + tier, 'Hello')))).toEqual({
      'Lead.Tier__c': 'in_sync',
      'Lead.Short': 'in_sync',
      'Lead-Lead Layout': 'in_sync',
      Greeting: 'in_sync',
    })
    const changed = of(files('Name', name, 'Goodbye'))
    expect(stateIn(changed)).toEqual({
      'Lead.Tier__c': 'in_sync',
      'Lead.Short': 'modified',
      'Lead-Lead Layout': 'modified',
      Greeting: 'modified',
    })
    expect(changed.find(({ type }) => type === 'Layout')?.differences).toMatchObject([
      { attribute: 'fields', wanted: ['Tier__c'] },
    ])
    expect(changed.find(({ type }) => type === 'CustomLabel')?.differences).toMatchObject([
      { attribute: 'value', wanted: 'Hello', found: 'Goodbye' },
    ])
    expect(stateIn(of({}))).toMatchObject({
      'Lead.Short': 'missing',
      'Lead-Lead Layout': 'missing',
      Greeting: 'missing',
    })
  })

  it('that is the own permission set of the blueprint gives what it says, less, or more', () => {
    const wanted = withPlan({
      objects: [{ api_name: 'Lead', fields: [TIER] }],
      permissions: { permission_set: 'Tiers' },
    })
    const field = (name: string, editable = true) =>
      `<fieldPermissions><editable>${editable}</editable><field>Lead.${name}</field><readable>true</readable></fieldPermissions>`
    const setOf = (more: { entries?: string; granted?: Granted; describe?: JsonObject[] }) =>
      drift(
        wanted,
        facts([text('Tier__c')], {
          ...(more.granted === undefined ? {} : { granted: more.granted }),
          reading: readingOf(wanted, {
            'permissionsets/Tiers.permissionset': `<PermissionSet>${more.entries ?? ''}<label>Tiers</label></PermissionSet>`,
          }),
        }),
      ).components.find(({ type }) => type === 'PermissionSet')
    expect(setOf({ entries: field('Tier__c') })).toMatchObject({ state: 'in_sync' })
    expect(setOf({ entries: field('Tier__c', false) })).toMatchObject({
      state: 'modified',
      differences: [
        {
          attribute: 'fieldPermissions.Lead.Tier__c',
          wanted: { editable: 'true' },
          found: { editable: 'false' },
        },
      ],
    })
    const more = `${field('Tier__c')}${field('Secret__c')}<userPermissions><enabled>true</enabled><name>ViewAllData</name></userPermissions>`
    expect(setOf({ entries: more })).toMatchObject({
      state: 'extra_grant',
      differences: [
        { attribute: 'fieldPermissions.Lead.Secret__c', wanted: null, found: { readable: 'true' } },
        { attribute: 'userPermissions.ViewAllData', found: { enabled: 'true' } },
      ],
    })
    // What a deployment of ours gave is no extra.
    const granted = new Map([
      [
        keyOfEntry('Tiers', 'fieldPermissions', 'Lead.Secret__c'),
        { editable: 'true', readable: 'true' },
      ],
    ])
    expect(setOf({ entries: field('Tier__c') + field('Secret__c'), granted })).toMatchObject({
      state: 'in_sync',
    })
  })

  it('of an automation says what changed and when', () => {
    const workflows = parseWorkflows([
      {
        ...{ type: 'validation_rule', api_name: 'Lead.Given', activate: true },
        definition: {
          ...{ form: 'validation', condition: 'ISBLANK(Tier__c)', message: 'Give a tier.' },
        },
      },
    ])
    const wanted = { plan: null, workflows, mappings: [] }
    const changed = rule({ ...DEFINITION, errorMessage: 'Oh.' }, false)
    expect(drift(wanted, facts([], { automations: [changed] })).components).toMatchObject([
      {
        type: 'ValidationRule',
        state: 'modified',
        changed_at: '2026-11-20T00:00:00.000Z',
        differences: [
          { attribute: 'errorMessage', wanted: 'Give a tier.', found: 'Oh.' },
          { attribute: 'active', wanted: true, found: false },
        ],
      },
    ])
    expect(states(wanted, facts([], { automations: [rule(DEFINITION)] }))).toEqual([
      'Lead.Given in_sync',
    ])
  })
})

describe('an override', () => {
  const overrideOf = ({ type, full_name, state, differences }: ComponentDrift): Override => ({
    ...{ type, full_name, state, differences, note: null },
    ...{ accepted_by: null, accepted_at: '2026-11-22T00:00:00.000Z' },
  })
  const found = facts([text('Tier__c', { length: 90 })])
  const accepted = drift(lead(TIER), found).components.map(overrideOf)

  it('accepts a component as it stands, until it changes again', () => {
    const now = drift(lead(TIER), found, { overrides: accepted })
    expect(now).toMatchObject({ state: 'in_sync', components: [{ accepted: true }] })
    const again = facts([text('Tier__c', { length: 95 })])
    expect(drift(lead(TIER), again, { overrides: accepted }).state).toBe('drifted')
  })

  it('keeps its state in what is rolled out to the client', () => {
    const content = { plan: { objects: [{ api_name: 'Lead', fields: [TIER, LEVELS] }], ...NONE } }
    expect(withOverrides(content, accepted)).toMatchObject({
      plan: { objects: [{ fields: [{ api_name: 'Tier__c', length: 90 }, LEVELS] }] },
    })
    const missing = drift(lead(TIER), facts([])).components.map(overrideOf)
    expect(withOverrides(content, missing)).toMatchObject({
      plan: { objects: [{ fields: [LEVELS] }] },
    })
    // An object of which nothing is left goes too.
    const only = { plan: { ...content.plan, objects: [{ api_name: 'Lead', fields: [TIER] }] } }
    expect(withOverrides(only, missing)).toMatchObject({ plan: { objects: [] } })
    expect(content.plan.objects[0]?.fields).toHaveLength(2)
  })

  it('of a permission set leaves it alone, and of more access does nothing: no deploy takes it away', () => {
    const content = { plan: { objects: [{ api_name: 'Lead', fields: [TIER] }] } }
    const set = parsePlan(content.plan).permissions.permission_set ?? ''
    const of = (state: 'missing' | 'extra_grant'): Override => ({
      ...{ type: 'PermissionSet', full_name: set, state, differences: [], note: null },
      ...{ accepted_by: null, accepted_at: '2026-11-22T00:00:00.000Z' },
    })
    expect(withOverrides(content, [of('extra_grant')])).toEqual(content)
    expect(withOverrides(content, [of('missing')])).toEqual({
      plan: {
        ...content.plan,
        permissions: { permission_set: null, assign_to_connected_user: false },
      },
    })
    const named = { plan: { ...content.plan, permissions: { permission_sets: ['Sales'] } } }
    expect(withOverrides(named, [{ ...of('missing'), full_name: 'Sales' }])).toMatchObject({
      plan: { permissions: { permission_sets: [] } },
    })
  })
})

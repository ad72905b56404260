// Somebody changes a component by hand after the deploy: for each kind, a rollback leaves the change in
// place and names the member that changed.

import { describe, expect, it } from 'vitest'
import { parsePlan } from '../plan/check.ts'
import { compilePlan } from '../plan/compile.ts'
import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { type PlanInput } from '../plan/schema.ts'
import { sameElement } from './equality.ts'
import { COMPONENT_KINDS, filePath } from './kinds.ts'
import { isObjectDrifted } from './kinds/custom-object.ts'
import { type Component, sameName } from './names.ts'
import { partsIn, writeParts } from './parts.ts'
import { type Moment, sceneAt, undone } from './testing/scenes.ts'
import { type Undoing } from './undoing.ts'

const xml = (root: string, inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://soap.sforce.com/2006/04/metadata">${inner}</${root}>\n`

const PLAN: PlanInput = {
  objects: [
    {
      api_name: 'Job__c',
      label: 'Job',
      plural_label: 'Jobs',
      name_field: { label: 'Job', type: 'Text' },
      description: 'Work to do',
    },
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Title__c', label: 'Title', type: 'Text', length: 40 }],
      record_types: [
        { api_name: 'Big', label: 'Big', description: 'Big ones', business_process: 'Inbound' },
      ],
      business_processes: [{ api_name: 'Inbound', values: ['New'], description: 'Calls' }],
      validation_rules: [
        { api_name: 'Given', error_condition_formula: 'ISBLANK(Name)', error_message: 'Name it.' },
      ],
      compact_layouts: [{ api_name: 'Short', label: 'Short', fields: ['Title__c'] }],
      list_views: [{ api_name: 'Mine', label: 'Mine', columns: ['Title__c'] }],
      field_sets: [
        { api_name: 'Card', label: 'Card', description: 'On it', displayed_fields: ['Title__c'] },
      ],
    },
  ],
  permissions: { permission_set: 'Ours', assign_to_connected_user: false, profiles: ['Admin'] },
  layouts: [
    { object: 'Lead', layout: 'Lead Layout', section: 'Main', fields: ['Title__c'] },
    { object: 'Job__c', layout: 'Job Layout', buttons: ['Send'] },
  ],
  tabs: ['Job__c'],
  global_value_sets: [{ api_name: 'Stages', label: 'Stages', values: ['New'] }],
  public_groups: [{ api_name: 'Desk', label: 'Desk', description: 'Front desk' }],
  queues: [{ api_name: 'Calls', label: 'Calls', objects: ['Lead'], email: 'desk@acme.example' }],
  custom_labels: [{ api_name: 'Hello', value: 'Hello', short_description: 'Greeting' }],
  permission_set_groups: [
    { api_name: 'Sales', label: 'Sales', permission_sets: ['Sell'], description: 'Who sells' },
  ],
  custom_metadata_records: [
    { type: 'Tax__mdt', api_name: 'AT', label: 'Austria', values: { Rate__c: 20 } },
  ],
  app_tabs: [{ app: 'Sales', tabs: ['Job__c'] }],
}

/** What the Salesforce org has before. */
const THERE: Record<string, string> = {
  'objects/Lead.object': xml('CustomObject', '<sharingModel>Private</sharingModel>'),
  'objects/Tax__mdt.object': xml(
    'CustomObject',
    '<fields><fullName>Rate__c</fullName><type>Number</type></fields><label>Tax</label>',
  ),
  'layouts/Lead-Lead Layout.layout': xml(
    'Layout',
    '<layoutSections><label>Main</label><layoutColumns><layoutItems><field>Name</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections>',
  ),
  'profiles/Admin.profile': xml('Profile', '<custom>false</custom>'),
  'applications/Sales.app': xml(
    'CustomApplication',
    '<label>Sales</label><tabs>standard-Home</tabs><uiType>Lightning</uiType>',
  ),
}

const COMPILED = compilePlan(parsePlan(PLAN), { current: new Map(Object.entries(THERE)) })
/** What the deployment left: profiles and objects are sent in part, so what else they hold is added. */
const LEFT: Record<string, string> = { ...THERE, ...Object.fromEntries(COMPILED.files) }

const LEFT_PARTS = partsIn(new Map(Object.entries(LEFT)))
const { components: SENT } = COMPILED

const FLAG = /^(?:true|false)$/

/** The same with one thing in it different; a flag has only one other value. */
const altered = (value: unknown, text: string): JsonObject[string] => {
  if (Array.isArray(value)) {
    const items = value as unknown[]
    return [...items.slice(0, -1), altered(items.at(-1), text)]
  }
  if (isObject(value)) {
    const [name, last] = Object.entries(value).findLast(([, one]) => !FLAG.test(String(one))) ?? [
      '',
      '',
    ]
    return { ...value, [name]: altered(last, text) }
  }
  return value === 'true' ? 'false' : value === 'false' ? 'true' : text
}

/** A moment in which the component has this element and nothing else exists. */
const momentOf = (component: Component, element: JsonObject): Moment =>
  Object.fromEntries(writeParts([{ component, element }]))

const partAt = (component: Component, moment: Moment): JsonObject =>
  partsIn(new Map(Object.entries(moment).map(([path, text]) => [path, text ?? '']))).part(
    component,
  ) ?? {}

/** What a component is after a rollback that does this with it. */
const restored = (component: Component, { restore }: Undoing, now: Moment): JsonObject => {
  if (restore === null) return partAt(component, now)
  return 'element' in restore
    ? partAt(component, momentOf(component, restore.element))
    : partAt(component, { [filePath(component.type, component.fullName) ?? '']: restore.file })
}

interface Sample {
  component: Component
  /** As the deployment left it. */
  left: JsonObject
  member: string
}

/** Kinds of which only single entries belong to a deployment, and those never to all of one component. */
const MERGED = new Set(['PermissionSet', 'Profile', 'Layout', 'CustomApplication'])

const BY_MEMBER = new Set(['CustomMetadata', 'PermissionSetGroup'])

/** A changed value of a record is named by its field. */
const NAMED_AS: Readonly<Record<string, string>> = { 'CustomMetadata values': 'Rate__c' }

/** Others may add to a list of a group; a test beside it says what stays. */
const LISTS = new Set(['PermissionSetGroup permissionSets'])

const SAMPLES: readonly Sample[] = SENT.filter(({ type }) => !MERGED.has(type)).flatMap(
  ({ type, fullName }) => {
    const component = { type, fullName }
    const left = LEFT_PARTS.part(component) ?? {}
    return Object.keys(left)
      .filter((member) => member !== 'fullName')
      .map((member) => ({ component, left, member }))
  },
)
const NAMED_SAMPLES = SAMPLES.map(
  (sample) => [sample.component.type, sample.member, sample] as const,
)

const undoIn = (
  component: Component,
  made: boolean,
  moments: [Moment, Moment, Moment],
): Undoing => {
  const scene = sceneAt(moments)
  const key = sameName(component.fullName)
  const isMadeObject = made && component.type === 'CustomObject'
  const drifted = isMadeObject && isObjectDrifted(component.fullName, scene)
  return undone(
    { component, made },
    {
      ...scene,
      goes: new Set(isMadeObject && !drifted ? [key] : []),
      stays: new Set(drifted ? [key] : []),
    },
  )
}

describe('a component that somebody changed since', () => {
  it('is tried for every kind', () => {
    const tried = new Set([...SAMPLES.map(({ component }) => component.type), ...MERGED])
    expect(tried).toEqual(new Set(COMPONENT_KINDS.map(({ type }) => type)))
  })

  it.each(NAMED_SAMPLES)(
    '%s: one that the deployment made stays, and its %s is named',
    (type, member, { component, left }) => {
      const now = momentOf(component, { ...left, [member]: altered(left[member], 'Hers') })
      const undoing = undoIn(component, true, [{}, momentOf(component, left), now])
      expect(undoing).toMatchObject({ remove: false, restore: null })
      // A record type stays in any case: Salesforce does not delete it by API.
      if (type === 'RecordType') return
      expect(undoing.kept).toMatchObject({ drifted: true, removable: true })
      expect(undoing.kept?.reason).toContain(member)
    },
  )

  it.each(NAMED_SAMPLES.filter(([type, member]) => !LISTS.has(`${type} ${member}`)))(
    '%s: one that was there before keeps its %s, which is named',
    (_type, member, { component, left }) => {
      const other = Object.keys(left).find((name) => name !== 'fullName' && name !== member) ?? ''
      const isFlag = FLAG.test(String(left[member]))
      const was = momentOf(component, {
        ...left,
        ...(isFlag ? {} : { [member]: altered(left[member], 'Was') }),
        [other]: altered(left[other], 'Was'),
      })
      const now = momentOf(component, { ...left, [member]: altered(left[member], 'Hers') })
      const undoing = undoIn(component, false, [was, momentOf(component, left), now])
      // Restored member by member: what the deployment did not change is nothing to report.
      if (!(isFlag && BY_MEMBER.has(component.type))) {
        expect(undoing.kept).toMatchObject({ drifted: true })
        expect(undoing.kept?.reason).toContain(NAMED_AS[`${component.type} ${member}`] ?? member)
      }
      const after = restored(component, undoing, now)
      expect(sameElement(after[member], partAt(component, now)[member])).toBe(true)
    },
  )

  it.each(NAMED_SAMPLES)(
    '%s: it is deleted, or its %s restored, if nobody changed it',
    (type, member, { component, left }) => {
      const as = momentOf(component, left)
      expect(undoIn(component, true, [{}, as, as]).remove).toBe(type !== 'RecordType')
      const was = momentOf(component, { ...left, [member]: altered(left[member], 'Was') })
      const undoing = undoIn(component, false, [was, as, as])
      expect(undoing.kept?.drifted ?? false).toBe(false)
    },
  )
})

describe('a file that holds the work of others too', () => {
  const SET: Component = { type: 'PermissionSet', fullName: 'Ours' }
  const ADMIN: Component = { type: 'Profile', fullName: 'Admin' }
  const pathOf = ({ type, fullName }: Component): string => filePath(type, fullName) ?? ''
  const undo = (component: Component, made: boolean, from: string, to: string) => {
    const left = LEFT[pathOf(component)] ?? ''
    const now = left.replace(from, to)
    expect(now).not.toBe(left)
    const was = THERE[pathOf(component)] ?? null
    const moments = [was, left, now].map((text) => ({ [pathOf(component)]: text }))
    const [first = {}, second = {}, third = {}] = moments
    return undone(
      { component, made },
      sceneAt([first, second, third], { changes: COMPILED.changes }),
    )
  }
  const textOf = ({ restore }: Undoing): string =>
    restore !== null && 'file' in restore ? restore.file : ''

  it.each([
    ['editable', 'fieldPermissions:Lead.Title__c'],
    ['allowDelete', 'objectPermissions:Job__c'],
  ])('keeps a grant of ours whose %s somebody revoked, and names it', (flag, entry) => {
    for (const [component, made] of [
      [SET, true],
      [ADMIN, false],
    ] as const) {
      const undoing = undo(component, made, `<${flag}>true<`, `<${flag}>false<`)
      expect(undoing).toMatchObject({ remove: false, kept: { drifted: true } })
      expect(undoing.kept?.reason).toContain(entry)
    }
  })

  it('has nothing to report of a grant that somebody revoked whole', () => {
    const undoing = undo(
      ADMIN,
      false,
      '<editable>true</editable>\n        <field>Lead.Title__c</field>\n        <readable>true</readable>',
      '<editable>false</editable><field>Lead.Title__c</field><readable>false</readable>',
    )
    expect(undoing.kept).toBeNull()
    expect(textOf(undoing)).not.toContain('Lead.Title__c')
  })

  it.each([
    ['label', '<label>Ours<', '<label>Hers<'],
    ['description', '<description>Access', '<description>Hers'],
    ['hasActivationRequired', 'Required>false<', 'Required>true<'],
  ])('stays, without our entries, if somebody changed the %s of a set', (member, from, to) => {
    const undoing = undo(SET, true, from, to)
    expect(undoing).toMatchObject({ remove: false, kept: { drifted: true, removable: false } })
    expect(undoing.kept?.reason).toContain(`: ${member}.`)
    expect(textOf(undoing)).toContain(to)
    expect(textOf(undoing)).not.toContain('Title__c')
  })

  it.each([
    [{ type: 'Layout', fullName: 'Lead-Lead Layout' }, '<label>Main<', '<label>Hers<'],
    [{ type: 'Layout', fullName: 'Lead-Lead Layout' }, '<style>OneColumn', '<style>TwoColumns'],
    [{ type: 'CustomApplication', fullName: 'Sales' }, '<label>Sales<', '<label>Hers<'],
    [{ type: 'CustomApplication', fullName: 'Sales' }, 'standard-Home<', 'standard-Chatter<'],
  ])('keeps what somebody changed in %o when ours is removed', (component, from, to) => {
    const text = textOf(undo(component, false, from, to))
    expect(text).toContain(to)
    expect(text).not.toMatch(/Title__c|Job__c/)
  })

  it('that the deployment made stays whole: a layout', () => {
    const component = { type: 'Layout', fullName: 'Job__c-Job Layout' }
    const undoing = undo(component, true, '<customButtons>Send<', '<customButtons>Call<')
    expect(undoing).toMatchObject({ remove: false, restore: null, kept: { drifted: true } })
    expect(undoing.kept?.reason).toContain('customButtons')
  })
})

describe('a plan whose components are as it left them', () => {
  const again = (left: Record<string, string>, plan: PlanInput = PLAN) =>
    compilePlan(parsePlan(plan), { current: new Map(Object.entries(left)) })
  /** What objects and profiles have beside what a package holds of them. */
  const whole = {
    ...LEFT,
    'profiles/Admin.profile': (LEFT['profiles/Admin.profile'] ?? '').replace(
      '</Profile>',
      '<custom>false</custom></Profile>',
    ),
  }

  it('is in place for every kind: nothing is sent', () => {
    const { files, unchanged } = again(whole)
    expect([...files.keys()]).toEqual([])
    expect(new Set(unchanged.map(({ type }) => type))).toEqual(
      new Set(COMPONENT_KINDS.map(({ type }) => type)),
    )
  })

  it.each([
    ['flags that are false are not returned', /<(\w+)>false<\/\1>\s*/g, ''],
    ['texts come with other line ends', /\n/g, '\r\n'],
    ['members come in another order', /(<label>[^<]*<\/label>)\s*(<length>40<\/length>)/g, '$2$1'],
  ])('is in place although %s', (_why, from, to) => {
    const returned = Object.fromEntries(
      Object.entries(whole).map(([path, text]) => [path, text.replaceAll(from, to)]),
    )
    expect(returned).not.toEqual(whole)
    expect([...again(returned).files.keys()]).toEqual([])
  })

  it('is in place although Salesforce does not return where a number started', () => {
    const numbered = (starting_number: number): PlanInput => ({
      objects: [
        {
          api_name: 'Lead',
          fields: [
            {
              ...{ api_name: 'No__c', label: 'No', type: 'AutoNumber', starting_number },
              display_format: 'N-{0000}',
            },
          ],
        },
      ],
      permissions: { permission_set: null, assign_to_connected_user: false },
    })
    const { files } = again(THERE, numbered(500))
    const returned = Object.fromEntries(
      [...files].map(([path, text]) => [path, text.replace(/<startingNumber>500<.*>\s*/, '')]),
    )
    expect(returned['objects/Lead.object']).not.toContain('startingNumber')
    expect([...again({ ...THERE, ...returned }, numbered(500)).files.keys()]).toEqual([])
  })
})

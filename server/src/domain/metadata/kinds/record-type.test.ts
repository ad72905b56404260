import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type Undoing } from '../undoing.ts'
import { readRoot } from '../xml-tree.ts'

type ObjectInput = NonNullable<PlanInput['objects']>[number]
type FieldInput = NonNullable<ObjectInput['fields']>[number]
type Offer = NonNullable<
  NonNullable<ObjectInput['record_types']>[number]['picklist_values']
>[number]

const PATH = 'objects/Account.object'
const KEY: Component = { type: 'RecordType', fullName: 'Account.Key' }

const planOf = (offers: Offer[], more: Partial<ObjectInput> = {}): PlanInput => ({
  objects: [
    {
      api_name: 'Account',
      record_types: [{ api_name: 'Key', label: 'Key', picklist_values: offers }],
      ...more,
    },
  ],
  permissions: { permission_set: null, assign_to_connected_user: false },
})
const objectFile = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">${content}</CustomObject>`
const offer = (picklist: string, ...values: string[]) =>
  `<picklistValues><picklist>${picklist}</picklist>${values
    .map((name) => `<values><fullName>${name}</fullName><default>false</default></values>`)
    .join('')}</picklistValues>`
const recordType = (content = '') =>
  objectFile(
    `<recordTypes><fullName>Key</fullName><active>true</active><label>Key</label>${content}</recordTypes>`,
  )
const compile = (offers: Offer[], current: string) =>
  compilePlan(parsePlan(planOf(offers)), { current: new Map([[PATH, current]]) })
const offered = (offers: Offer[], current: string) => {
  const { recordTypes } = readRoot(compile(offers, current).files.get(PATH) ?? '', 'CustomObject')
  return (recordTypes as { picklistValues: unknown }).picklistValues
}

describe('what a record type offers of a picklist', () => {
  it('is said for the picklists of the plan alone where the record type is new', () => {
    const rating = { field: 'Rating', values: ['Hot', 'Warm/Cold'], default: 'Hot' }
    expect(offered([rating], objectFile(''))).toEqual({
      picklist: 'Rating',
      values: [
        { fullName: 'Hot', default: 'true' },
        { fullName: 'Warm%2FCold', default: 'false' },
      ],
    })
  })

  it('is added to what it offers already, and other picklists stay as they are', () => {
    const there = recordType(offer('Industry', 'Media') + offer('Rating', 'Hot'))
    const offers = [
      { field: 'rating', values: ['hot', 'Cold'], default: 'Cold' },
      { field: 'Type', values: ['Partner'] },
    ]
    expect(offered(offers, there)).toEqual([
      { picklist: 'Industry', values: { fullName: 'Media', default: 'false' } },
      {
        picklist: 'Rating',
        values: [
          { fullName: 'Hot', default: 'false' },
          { fullName: 'Cold', default: 'true' },
        ],
      },
      { picklist: 'Type', values: { fullName: 'Partner', default: 'false' } },
    ])
  })

  it('is not sent when all of it is in place', () => {
    const { files, unchanged } = compile(
      [{ field: 'Rating', values: ['Hot'] }],
      recordType(offer('Rating', 'Cold', 'Hot')),
    )
    expect([files.size, unchanged.length]).toEqual([0, 1])
  })
})

describe('a plan of what record types offer', () => {
  const errorsOf = (plan: PlanInput) =>
    checkPlan(planSchema.parse(plan)).map(({ path, code }) => `${path} ${code}`)
  const at = 'objects.0.record_types.0.picklist_values.0'
  const tier: FieldInput = {
    api_name: 'Tier__c',
    label: 'Tier',
    type: 'Picklist',
    values: ['A', 'B'],
  }
  const name: FieldInput = { api_name: 'Nick__c', label: 'Nick', type: 'Text' }
  const lead = (offers: Offer[]): PlanInput => ({
    objects: [
      {
        api_name: 'Lead',
        record_types: [
          { api_name: 'Key', label: 'Key', business_process: 'Main', picklist_values: offers },
        ],
      },
    ],
  })

  it.each([
    ['nothing', planOf([{ field: 'Tier__c', values: ['a'] }], { fields: [tier] }), []],
    [
      'a picklist twice',
      planOf([
        { field: 'Type', values: ['A'] },
        { field: 'type', values: ['B'] },
      ]),
      ['objects.0.record_types.0.picklist_values.1.field duplicate'],
    ],
    [
      'a value twice',
      planOf([{ field: 'Type', values: ['A', 'a'] }]),
      [`${at}.values.1 duplicate`],
    ],
    [
      'a default that it does not offer',
      planOf([{ field: 'Type', values: ['A'], default: 'B' }]),
      [`${at}.default unknown_value`],
    ],
    [
      'a value that the field of the plan does not have',
      planOf([{ field: 'Tier__c', values: ['C'] }], { fields: [tier] }),
      [`${at}.values.0 unknown_value`],
    ],
    [
      'a field that is not a picklist',
      planOf([{ field: 'Nick__c', values: ['C'] }], { fields: [name] }),
      [`${at}.field wrong_type`],
    ],
    [
      'the field that goes by the business process',
      lead([{ field: 'Status', values: ['Open'] }]),
      [`${at}.field attribute_not_allowed`],
    ],
  ] as const)('is told of %s', (_what, plan, errors) => {
    expect(errorsOf(plan)).toEqual(errors)
  })
})

describe('a record type rolled back', () => {
  const undo = (was: string, left: string, takenBack: string[] = []): Undoing =>
    undone(
      { component: KEY, made: false },
      sceneAt([{ [PATH]: was }, { [PATH]: left }, { [PATH]: left }]),
      { isTakenBack: ({ fullName }) => takenBack.includes(fullName) },
    )
  const was = recordType(offer('Rating', 'Hot'))

  it('offers again what it offered before', () => {
    const { restore, kept } = undo(was, recordType(offer('Rating', 'Hot', 'Cold')))
    expect(restore).toMatchObject({
      element: { picklistValues: { picklist: 'Rating', values: { fullName: 'Hot' } } },
    })
    expect(kept).toBeNull()
  })

  it('loses the picklists of fields that go, and keeps those that Salesforce does not take from it', () => {
    const left = recordType(offer('Rating', 'Hot') + offer('Tier__c', 'A'))
    expect(undo(was, left, ['Account.Tier__c'])).toMatchObject({
      restore: { element: { picklistValues: { picklist: 'Rating' } } },
      kept: null,
    })
    expect(undo(was, left)).toMatchObject({
      restore: null,
      kept: { removable: false },
    })
    expect(undo(was, left).kept?.reason).toContain('goes on offering values of Tier__c')
  })
})

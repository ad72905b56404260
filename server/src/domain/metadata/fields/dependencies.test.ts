import { describe, expect, it } from 'vitest'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { codes, onLead } from '../../plan/testing/refusals.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { asXmlValue, readRoot, writeFile } from '../xml-tree.ts'
import { fieldEqualsDescribe } from './describe-equality.ts'
import { fieldElement, readField } from './element.ts'
import { planField, type PlanField } from './field-kinds.ts'
import { reversibilityOfChange } from './reversibility.ts'
import { shapeOfDescribed, shapeOfPlanned } from './shape.ts'

const SETTINGS = [
  { value: 'A4', controlling_values: ['Audi'] },
  { value: 'Van', controlling_values: ['Audi', 'Volvo'] },
]
const input = (more: object = {}) => ({
  api_name: 'Model__c',
  label: 'Model',
  type: 'Picklist',
  values: ['A4', 'Van'],
  controlling_field: 'Make__c',
  value_settings: SETTINGS,
  ...more,
})
const model = (more: object = {}): PlanField => planField.parse(input(more))
const make = { api_name: 'Make__c', label: 'Make', type: 'Picklist', values: ['Audi', 'Volvo'] }

const elementOf = (field: PlanField, current: JsonObject | null = null): JsonObject => {
  const members = fieldElement(field, { current, relationshipOrder: 0 })
  const root = readRoot(writeFile('CustomObject', { fields: members }), 'CustomObject')
  return isObject(root.fields) ? root.fields : {}
}
const settingsIn = ({ valueSet }: JsonObject) => (valueSet as JsonObject).valueSettings

describe('a dependent picklist', () => {
  it('is written with its settings, and read again as the plan says it', () => {
    const element = elementOf(model())
    expect(element.valueSet).toMatchObject({
      controllingField: 'Make__c',
      valueSettings: [
        { controllingFieldValue: 'Audi', valueName: 'A4' },
        { controllingFieldValue: ['Audi', 'Volvo'], valueName: 'Van' },
      ],
    })
    expect(readField(element)).toMatchObject({ field: model(), beyond: [] })
  })

  it('keeps the settings that are there, in their order, and adds those of the plan', () => {
    const there = elementOf(model())
    const more = model({ value_settings: [{ value: 'A4', controlling_values: ['volvo', 'audi'] }] })
    expect(settingsIn(elementOf(more, there))).toEqual([
      { controllingFieldValue: ['Audi', 'volvo'], valueName: 'A4' },
      { controllingFieldValue: ['Audi', 'Volvo'], valueName: 'Van' },
    ])
    const silent = model({ controlling_field: undefined, value_settings: undefined })
    expect(elementOf(silent, there)).toEqual(there)
  })

  const faults: [string, unknown[], string[]][] = [
    ['nothing', [make, input()], []],
    ['settings alone', [input({ controlling_field: undefined })], ['1.controlling_field missing']],
    ['a field alone', [input({ value_settings: undefined })], ['1.value_settings missing']],
    ['itself', [input({ controlling_field: 'model__c' })], ['1.controlling_field circular']],
    [
      'a circle of two',
      [
        input({ controlling_field: 'Two__c' }),
        input({ api_name: 'Two__c', controlling_field: 'Model__c' }),
      ],
      ['0.controlling_field circular', '1.controlling_field circular'],
    ],
    [
      'a controlling field with several values',
      [{ ...make, type: 'MultiselectPicklist' }, input()],
      ['1.controlling_field wrong_type'],
    ],
    [
      'a controlling field that is a formula',
      [
        {
          ...{ api_name: make.api_name, label: 'Make', type: 'Formula' },
          ...{ result_type: 'Checkbox', formula: 'true' },
        },
        input(),
      ],
      ['1.controlling_field wrong_type'],
    ],
    [
      'a controlling field with too many values',
      [
        {
          ...make,
          values: Array.from({ length: 301 }, (_, n) =>
            n === 0 ? 'Audi' : n === 1 ? 'Volvo' : `M${n}`,
          ),
        },
        input(),
      ],
      ['1.controlling_field too_many'],
    ],
    [
      'a value twice and one that it does not have',
      [
        make,
        input({
          value_settings: [SETTINGS[0], SETTINGS[0], { value: 'X', controlling_values: ['Audi'] }],
        }),
      ],
      ['1.value_settings.1.value duplicate', '1.value_settings.2.value unknown_value'],
    ],
    [
      'a controlling value that is none',
      [make, input({ value_settings: [{ value: 'A4', controlling_values: ['Audi', 'Saab'] }] })],
      ['1.value_settings.0.controlling_values.1 unknown_value'],
    ],
    [
      'what a checkbox does not say',
      [
        { api_name: 'Make__c', label: 'Make', type: 'Checkbox' },
        input({ value_settings: [{ value: 'A4', controlling_values: ['true', 'checked'] }] }),
      ],
      ['1.value_settings.0.controlling_values.0 unknown_value'],
    ],
  ]
  it.each(faults)('is told of %s', (_what, fields, expected) => {
    const at = fields.length === 1 ? '0' : null
    expect(codes(onLead(...(fields as object[])))).toEqual(
      expected.map((fault) => `objects.0.fields.${at === null ? fault : fault.replace(/^1/, at)}`),
    )
  })

  const entry = (value: string, bits: number) => ({
    active: true,
    defaultValue: false,
    label: value,
    value,
    validFor: Buffer.from([bits]).toString('base64'),
  })
  const described = (bits: [a4: number, van: number], more: JsonObject = {}): JsonObject => ({
    name: 'Model__c',
    label: 'Model',
    type: 'picklist',
    nillable: true,
    restrictedPicklist: false,
    controllerName: 'Make__c',
    picklistValues: [entry('A4', bits[0]), entry('Van', bits[1])],
    ...more,
  })
  const maker: JsonObject = {
    name: 'Make__c',
    type: 'picklist',
    picklistValues: [{ value: 'Audi' }, { value: 'Volvo' }],
  }
  const attributes = (seen: JsonObject) =>
    fieldEqualsDescribe(model(), seen, () => maker).map(({ attribute }) => attribute)

  it('is compared with the bits of a describe, in which more may be set', () => {
    expect(attributes(described([0b1000_0000, 0b1100_0000]))).toEqual([])
    expect(attributes(described([0b1100_0000, 0b1100_0000]))).toEqual([])
    expect(attributes(described([0b0100_0000, 0b1100_0000]))).toEqual(['value_settings'])
    expect(attributes(described([0, 0], { controllerName: null }))).toEqual(['controlling_field'])
  })

  it('stays as far as it goes, which is said beforehand', () => {
    const next = shapeOfPlanned(model())
    const reversibility = (bits: [number, number]) =>
      reversibilityOfChange({
        was: shapeOfDescribed(described(bits), () => maker),
        next,
        lostRows: 0,
      })
    expect(reversibility([0b1000_0000, 0b1100_0000]).level).toBe('reversible')
    expect(reversibility([0b1000_0000, 0b1000_0000])).toMatchObject({
      level: 'irreversible',
      reason: expect.stringContaining('Van for Volvo') as string,
    })
  })
})

describe('a dependent picklist rolled back', () => {
  const PATH = 'objects/Lead.object'
  const file = (...fields: JsonObject[]) =>
    writeFile('CustomObject', { fields: fields.map(asXmlValue) })
  const component = { type: 'CustomField', fullName: 'Lead.Model__c' }

  it('is put back but for the settings that it gained', () => {
    const was = elementOf(model({ label: 'Old', value_settings: [SETTINGS[0]] }))
    const left = elementOf(model(), was)
    const undo = (now: JsonObject) =>
      undone(
        { component, made: false },
        sceneAt([{ [PATH]: file(was) }, { [PATH]: file(left) }, { [PATH]: file(now) }]),
      )
    const { restore, kept } = undo(left)
    expect(restore).toMatchObject({
      element: {
        label: 'Old',
        valueSet: { valueSettings: [{ valueName: 'A4' }, { valueName: 'Van' }] },
      },
    })
    expect(kept).toMatchObject({ removable: false })
    const back = restore !== null && 'element' in restore ? restore.element : {}
    expect(undo(back)).toMatchObject({ restore: null, kept: { removable: false } })
  })

  it('takes its controlling field along, which stays while another one depends on it', () => {
    const controller = elementOf(planField.parse(make))
    const [ours, theirs] = [elementOf(model()), elementOf(model({ api_name: 'Theirs__c' }))]
    const undo = (now: string) =>
      undone(
        { component: { type: 'CustomField', fullName: 'Lead.Make__c' }, made: true },
        sceneAt([{ [PATH]: file() }, { [PATH]: file(controller, ours) }, { [PATH]: now }]),
      )
    expect(undo(file(controller, ours)).remove).toBe(true)
    expect(undo(file(controller, ours, theirs))).toMatchObject({
      remove: false,
      kept: { reason: 'Lead.Theirs__c depends on it.' },
    })
  })
})

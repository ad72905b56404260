// The form for a new field: which attributes each type has, and the field made of what was typed.

import { type PlanField } from '@sfdc-engine-x/client'

export type FieldType = PlanField['type']

export interface FieldValues {
  object: string
  label: string
  api_name: string
  type: FieldType
  help_text: string
  length: string
  precision: string
  scale: string
  /** One a line. */
  values: string
  restricted: boolean
  reference_to: string
  relationship_name: string
  display_format: string
  required: boolean
  unique: boolean
  external_id: boolean
}

export type Attribute = Exclude<
  keyof FieldValues,
  'object' | 'label' | 'api_name' | 'type' | 'help_text'
>

const KEYS = ['required', 'unique', 'external_id'] as const
const NUMBERS = ['precision', 'scale', 'required'] as const
const PICKLIST = ['values', 'restricted', 'required'] as const

/** The types that the form offers; all others are written in the plan itself. */
export const ATTRIBUTES: Partial<Record<FieldType, readonly Attribute[]>> = {
  Text: ['length', ...KEYS],
  LongTextArea: ['length'],
  Number: [...NUMBERS, 'unique', 'external_id'],
  Currency: NUMBERS,
  Percent: NUMBERS,
  Checkbox: [],
  Date: ['required'],
  DateTime: ['required'],
  Email: KEYS,
  Phone: ['required'],
  Url: ['required'],
  Picklist: PICKLIST,
  MultiselectPicklist: PICKLIST,
  Lookup: ['reference_to', 'relationship_name', 'required'],
  MasterDetail: ['reference_to', 'relationship_name'],
  AutoNumber: ['display_format', 'external_id'],
}

export const FIELD_TYPES = Object.keys(ATTRIBUTES) as FieldType[]

export const emptyField = (object: string): FieldValues => ({
  object,
  label: '',
  api_name: '',
  type: 'Text',
  help_text: '',
  length: '',
  precision: '',
  scale: '',
  values: '',
  restricted: true,
  reference_to: '',
  relationship_name: '',
  display_format: '',
  required: false,
  unique: false,
  external_id: false,
})

const REQUIRED: Partial<Record<Attribute, string>> = {
  values: 'Write one value a line.',
  reference_to: 'Name the object that it refers to.',
  relationship_name: 'Name the relationship, as the other object sees these records.',
  display_format: 'Write the format, with the number between braces: JP-{00000}.',
}

const WHOLE = /^\d+$/

/** What is missing or wrong, by the member. The check of the API says the rest. */
export const faultsOf = (values: FieldValues): Partial<Record<keyof FieldValues, string>> => {
  const faults: Partial<Record<keyof FieldValues, string>> = {}
  if (values.object.trim() === '') faults.object = 'Name the object.'
  if (values.label.trim() === '') faults.label = 'Write a label.'
  if (values.api_name.trim() === '') faults.api_name = 'Write an API name.'
  for (const attribute of ATTRIBUTES[values.type] ?? []) {
    const value = values[attribute]
    const missing = REQUIRED[attribute]
    if (missing !== undefined && typeof value === 'string' && value.trim() === '') {
      faults[attribute] = missing
    }
    const isNumber = attribute === 'length' || attribute === 'precision' || attribute === 'scale'
    if (isNumber && values[attribute] !== '' && !WHOLE.test(values[attribute].trim())) {
      faults[attribute] = 'Write a whole number, or nothing for the default.'
    }
  }
  return faults
}

/** Only attributes of its type, and only those that say something. */
export const fieldOf = (values: FieldValues): PlanField => {
  const { label, api_name, type, help_text } = values
  const said = (ATTRIBUTES[type] ?? []).flatMap((attribute): [string, unknown][] => {
    const value = values[attribute]
    if (attribute === 'values') return [[attribute, linesOf(values.values)]]
    if (attribute === 'length' || attribute === 'precision' || attribute === 'scale') {
      return values[attribute].trim() === '' ? [] : [[attribute, Number(value)]]
    }
    if (typeof value === 'boolean') return value ? [[attribute, true]] : []
    return [[attribute, value.trim()]]
  })
  return {
    api_name: api_name.trim(),
    label: label.trim(),
    type,
    ...(help_text.trim() === '' ? {} : { help_text: help_text.trim() }),
    ...Object.fromEntries(said),
  } as PlanField
}

const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ),
]

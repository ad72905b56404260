// A mapping while it is edited: everything as text, with what it was, so that a number stays a number. Pure: no
// React.

import {
  type MappedField,
  type Mapping,
  type MappingSuggestion,
  type MappingValue,
} from '@sfdc-engine-x/client'
import { textOf, valueOf } from '../../app/typed-value.ts'

export interface DraftValue {
  text: string
  before: unknown
}

export interface DraftField {
  /** Of this draft only. */
  key: number
  canonical_field: string
  sfdc_field: string
  required: boolean
  default: DraftValue
  /** What stands in the record → what is sent for it. */
  values: readonly { from: string; to: DraftValue }[]
}

export interface Draft {
  canonical_object: string
  sfdc_object: string
  /** '': none. */
  external_id_field: string
  fields: readonly DraftField[]
}

const valueDraft = (value: unknown): DraftValue => ({ text: textOf(value), before: value })

const fieldDraft = (field: MappedField, key: number): DraftField => ({
  key,
  canonical_field: field.canonical_field,
  sfdc_field: field.sfdc_field,
  required: field.required,
  default: valueDraft(field.default),
  values: Object.entries(field.value_map ?? {}).map(([from, to]) => ({ from, to: valueDraft(to) })),
})

export const newField = (draft: Draft, names: Partial<DraftField> = {}): DraftField => ({
  canonical_field: '',
  sfdc_field: '',
  required: false,
  default: valueDraft(null),
  values: [],
  ...names,
  key: Math.max(0, ...draft.fields.map(({ key }) => key)) + 1,
})

export const EMPTY: Draft = {
  canonical_object: '',
  sfdc_object: '',
  external_id_field: '',
  fields: [],
}

export const draftOf = (
  mapping: Pick<Mapping, 'canonical_object' | 'sfdc_object' | 'external_id_field' | 'fields'>,
): Draft => ({
  canonical_object: mapping.canonical_object,
  sfdc_object: mapping.sfdc_object,
  external_id_field: mapping.external_id_field ?? '',
  fields: mapping.fields.map((field, at) => fieldDraft(field, at + 1)),
})

/** As the API takes it. A default or a value that was not touched is what it was. */
export const bodyOf = ({ canonical_object, sfdc_object, external_id_field, fields }: Draft) => ({
  canonical_object: canonical_object.trim(),
  sfdc_object: sfdc_object.trim(),
  external_id_field: external_id_field.trim() === '' ? null : external_id_field.trim(),
  fields: fields.map((field) => ({
    canonical_field: field.canonical_field.trim(),
    sfdc_field: field.sfdc_field.trim(),
    required: field.required,
    default: sent(field.default),
    value_map:
      field.values.length === 0
        ? null
        : Object.fromEntries(field.values.map(({ from, to }) => [from, sent(to)])),
  })),
})

const sent = ({ text, before }: DraftValue): MappingValue => valueOf(text, before) as MappingValue

type Proposal = MappingSuggestion['fields'][number]['proposals'][number]

/** Takes a proposal for a field, which is added if the draft does not have it. */
export const takeProposal = (
  draft: Draft,
  canonicalField: string,
  { sfdc_field, required, value_map: map }: Pick<Proposal, 'sfdc_field' | 'required' | 'value_map'>,
): Draft => {
  const values = Object.entries(map ?? {}).map(([from, to]) => ({ from, to: valueDraft(to) }))
  const taken = { canonical_field: canonicalField, sfdc_field, values }
  const known = draft.fields.some(({ canonical_field: name }) => name === canonicalField)
  return {
    ...draft,
    fields: known
      ? draft.fields.map((field) =>
          field.canonical_field === canonicalField ? { ...field, ...taken } : field,
        )
      : [...draft.fields, newField(draft, { ...taken, required })],
  }
}

/** Takes the draft that the API proposes: its object and key where none is written yet, and its fields. */
export const takeSuggestion = (draft: Draft, suggestion: MappingSuggestion): Draft => {
  const { draft: proposed } = suggestion
  if (proposed === null) return draft
  const begun: Draft = {
    ...draft,
    sfdc_object: draft.sfdc_object || proposed.sfdc_object,
    external_id_field: draft.external_id_field || (proposed.external_id_field ?? ''),
  }
  return proposed.fields.reduce(
    (before, field) =>
      takeProposal(before, field.canonical_field, {
        sfdc_field: field.sfdc_field,
        required: field.required,
        value_map: field.value_map as Record<string, string> | null,
      }),
    begun,
  )
}

/**
 * Names of fields that somebody pasted, one a line, or a header with commas, semicolons or tabs: as the API takes
 * them. `Last Name` is `last_name`, and a push of the file finds its column again.
 */
export const namesIn = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\n,;\t]/)
      .map((name) => canonicalName(name.trim().replaceAll(/^"|"$/g, '')))
      .filter((name) => name !== ''),
  ),
]

export const canonicalName = (column: string): string =>
  PLAIN_NAME.test(column)
    ? column
    : column
        .normalize('NFD')
        .replaceAll(/\p{Mn}/gu, '')
        .replaceAll(/[^A-Za-z0-9]+/g, '_')
        .replaceAll(/^[_\d]+|_+$/g, '')
        .toLowerCase()

const PLAIN_NAME = /^[A-Za-z][\w-]*$/

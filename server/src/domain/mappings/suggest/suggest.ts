// A proposal for a whole mapping: the object, the key, the fields, and a draft that can be sent to
// create as it is. Pure; the describes are passed in.

import { sameName } from '../../metadata/names.ts'
import { type DescribedField, type DescribedObject, isKey, isRequired } from '../describe.ts'
import { type MappingDraft, type MappingField } from '../mapping.ts'
import { targetKey } from '../sfdc-field.ts'
import {
  type CanonicalField,
  type FieldSuggestion,
  type Precedents,
  type Proposal,
  type Reason,
  suggestFields,
} from './fields.ts'
import { judgeObject, type ObjectProposal } from './objects.ts'

export interface KeyProposal {
  sfdc_field: string
  label: string
  type: string
  unique: boolean
  /** The canonical field that would fill it; null if none is similar. */
  canonical_field: string | null
  score: number
  reasons: Reason[]
}

export interface Suggestion {
  /** The object that the fields were proposed for; null if none seemed to match. */
  sfdc_object: string | null
  objects: ObjectProposal[]
  external_ids: KeyProposal[]
  fields: FieldSuggestion[]
  /** Required in Salesforce but not in the draft. */
  required_unmapped: { sfdc_field: string; label: string; type: string }[]
  /** The proposals with a score of 0.6 or more, each field once; null if there are none. */
  draft: MappingDraft | null
}

interface Input {
  canonicalObject: string
  fields: readonly CanonicalField[]
  /** The named object, or the candidates. */
  objects: readonly DescribedObject[]
  /** Whether the caller named the object. */
  isChosen: boolean
  /** Describes of lookups' parents, by name. */
  parents: ReadonlyMap<string, DescribedObject>
  precedents: Precedents
}

const DRAFT_MIN = 0.6
const KEYS_MAX = 5

/** Parents whose external ids can be proposed; those with many kinds of parents (activities) are left out. */
const PARENTS_PER_FIELD_MAX = 3
export const parentNames = (object: DescribedObject): string[] => [
  ...new Set(
    object.fields
      .filter(
        ({ createable, updateable, referenceTo }) =>
          (createable || updateable) && referenceTo.length <= PARENTS_PER_FIELD_MAX,
      )
      .flatMap(({ referenceTo }) => referenceTo),
  ),
]

/** The whole proposal. Without a named object, the candidate with the best score is taken. */
export const suggestMapping = (input: Input): Suggestion => {
  const judged = input.objects.flatMap((object) => {
    const fields = suggestFields(input.fields, object, input.parents, input)
    const proposal = judgeObject(input.canonicalObject, object, fields)
    return proposal === null && !input.isChosen ? [] : [{ object, fields, proposal }]
  })
  judged.sort((a, b) => (b.proposal?.score ?? 0) - (a.proposal?.score ?? 0))
  const objects = judged.flatMap(({ proposal }) => proposal ?? [])
  const [best] = judged
  if (best === undefined || (!input.isChosen && (best.proposal?.score ?? 0) < 0.2)) {
    return {
      sfdc_object: null,
      objects,
      external_ids: [],
      fields: input.fields.map(({ name }) => ({ canonical_field: name, proposals: [] })),
      required_unmapped: [],
      draft: null,
    }
  }
  const { object, fields } = best
  const keys = keyProposals(object, fields)
  const draft = draftOf(input.canonicalObject, object, fields, keys)
  const written = new Set(draft?.fields.map(({ sfdc_field }) => targetKey(sfdc_field)))
  return {
    sfdc_object: object.name,
    objects,
    external_ids: keys,
    fields,
    required_unmapped: object.fields
      .filter((field) => isRequired(field) && !written.has(sameName(field.name)))
      .map(({ name, label, type }) => ({ sfdc_field: name, label, type })),
    draft,
  }
}

const keyProposals = (object: DescribedObject, fields: readonly FieldSuggestion[]): KeyProposal[] =>
  object.fields
    .filter((field) => isKey(field) && field.type !== 'id' && field.createable)
    .map((field) => {
      const filled = bestFor(field, fields)
      const reasons: Reason[] = [
        field.externalId
          ? { code: 'external_id', message: 'It is an external id.' }
          : {
              code: 'id_lookup',
              message: 'Salesforce finds records by it, though it is not an external id.',
            },
        field.unique
          ? { code: 'unique', message: 'No two records have the same value.' }
          : { code: 'not_unique', message: 'Several records can have the same value.' },
      ]
      if (filled !== null) {
        reasons.push({
          code: 'canonical_field',
          message: `${filled.canonical_field} would fill it (${filled.score}).`,
        })
      }
      const score =
        (field.externalId ? 0.4 : 0.1) + (field.unique ? 0.25 : 0) + 0.35 * (filled?.score ?? 0)
      return {
        sfdc_field: field.name,
        label: field.label,
        type: field.type,
        unique: field.unique,
        canonical_field: filled?.canonical_field ?? null,
        score: Math.round(score * 100) / 100,
        reasons,
      }
    })
    .sort((a, b) => b.score - a.score || (a.sfdc_field < b.sfdc_field ? -1 : 1))
    .slice(0, KEYS_MAX)

const bestFor = (
  field: DescribedField,
  fields: readonly FieldSuggestion[],
): { canonical_field: string; score: number } | null => {
  let best: { canonical_field: string; score: number } | null = null
  for (const { canonical_field, proposals } of fields) {
    const score = proposals.find(({ sfdc_field }) => sfdc_field === field.name)?.score ?? 0
    if (score > (best?.score ?? 0)) best = { canonical_field, score }
  }
  return best
}

/** One to one, the best pair first. */
const draftOf = (
  canonicalObject: string,
  object: DescribedObject,
  fields: readonly FieldSuggestion[],
  keys: readonly KeyProposal[],
): MappingDraft | null => {
  const taken = new Map<string, Proposal>()
  const used = new Set<string>()
  const pairs = fields.flatMap(({ canonical_field, proposals }) =>
    proposals
      .filter(({ score }) => score >= DRAFT_MIN)
      .map((proposal) => ({ canonical_field, proposal })),
  )
  pairs.sort((a, b) => b.proposal.score - a.proposal.score)
  for (const { canonical_field, proposal } of pairs) {
    const target = targetKey(proposal.sfdc_field)
    if (taken.has(canonical_field) || used.has(target)) continue
    taken.set(canonical_field, proposal)
    used.add(target)
  }
  const drafted = fields.flatMap(({ canonical_field }): MappingField[] => {
    const proposal = taken.get(canonical_field)
    return proposal === undefined
      ? []
      : [
          {
            canonical_field,
            sfdc_field: proposal.sfdc_field,
            required: proposal.required,
            default: null,
            value_map: proposal.value_map,
          },
        ]
  })
  if (drafted.length === 0) return null
  const key = keys.find(({ sfdc_field, unique }) => unique && used.has(sameName(sfdc_field)))
  return {
    canonical_object: canonicalObject,
    sfdc_object: object.name,
    external_id_field: key?.sfdc_field ?? null,
    fields: drafted,
  }
}

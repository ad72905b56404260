// FieldSet. Salesforce: Metadata API guide, "FieldSet": a description is required, and Salesforce itself
// decides whether a field is managed or required, whatever a file says.

import type { SObject } from '../../../org/model.ts'
import { nodes, type MetadataNode } from '../../../org/metadata-xml.ts'
import { type Draft, type Item, type Outcome } from './draft.ts'
import { checkLength, noSuch, required } from './names.ts'
import { checkOnce, deletePart, fieldNamed, putPart } from './object-parts.ts'

const LABEL_MAX = 80
const DESCRIPTION_MAX = 1_000
const LISTS = ['availableFields', 'displayedFields']

/** Creates or changes a field set. */
export const deployFieldSet = (draft: Draft, item: Item): Outcome =>
  putPart(draft, 'fieldSets', item, (object, node) => readFieldSet(draft, object, node))

export const deleteFieldSet = deletePart('fieldSets')

function readFieldSet(draft: Draft, object: SObject, node: MetadataNode) {
  const label = required(node, 'label')
  checkLength('MasterLabel', label, LABEL_MAX)
  checkLength('Description', required(node, 'description'), DESCRIPTION_MAX)
  const metadata = { ...node }
  for (const list of LISTS) {
    const items = nodes(node, list)
    checkOnce(
      items.map((item) => required(item, 'field')),
      'field',
    )
    metadata[list] = items.map((item) => readItem(draft, object, item))
  }
  return { label, metadata }
}

/** A field of the object or, through its lookups, of another: `Account.Owner.Name`. */
function readItem(draft: Draft, object: SObject, item: MetadataNode): MetadataNode {
  const path = required(item, 'field')
  const steps = path.split('.')
  const owner = steps.slice(0, -1).reduce<SObject>((from, step, at) => {
    const next = parentOf(draft, from, step, steps[at + 1] ?? '')
    if (next === undefined) throw noSuch('field', 'CustomField', `${object.name}.${path}`)
    return next
  }, object)
  const { describe } = fieldNamed(owner, 'field', steps.at(-1) ?? '')
  const isRequired =
    owner === object &&
    describe.createable &&
    !describe.nillable &&
    !describe.defaultedOnCreate &&
    describe.type !== 'boolean'
  return { field: path, isFieldManaged: false, isRequired }
}

/** The target of a lookup; for one with several objects, the first that has the next step. */
function parentOf(draft: Draft, from: SObject, step: string, next: string): SObject | undefined {
  const lookup = [...from.fields.values()].find(
    ({ describe, deletedAt }) =>
      !deletedAt && describe.relationshipName?.toLowerCase() === step.toLowerCase(),
  )
  const parents = (lookup?.describe.referenceTo ?? []).flatMap((name) => draft.object(name) ?? [])
  return parents.find((parent) => parent.fields.has(next.toLowerCase())) ?? parents[0]
}

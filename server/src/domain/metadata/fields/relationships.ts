// Lookups and master-details.

import * as z from 'zod'
import { nameFault, objectKind, sameName } from '../names.ts'
import { common, relationship, required } from './attributes.ts'
import { type Conversion, kept, refused, type Side } from './conversion.ts'
import { type Checking, describedAs, fieldKind, type FieldDifference, scalar } from './kind.ts'
import { type JsonObject } from '../../../salesforce/json.ts'

interface Relationship {
  reference_to: string
  relationship_name: string
}

const isReference = describedAs('reference')

/** Salesforce: `relationshipOrder` distinguishes a master-detail from a lookup. */
const isMaster = ({ relationshipOrder }: JsonObject): boolean =>
  typeof relationshipOrder === 'number'

const differences = (
  { reference_to: planned }: Relationship,
  { referenceTo }: JsonObject,
): FieldDifference[] => {
  const found = Array.isArray(referenceTo) ? referenceTo.map(String) : []
  return found.some((target) => sameName(target) === sameName(planned))
    ? []
    : [{ attribute: 'reference_to', planned, found }]
}

const check = (field: Relationship, { full, add }: Checking): boolean => {
  const { reference_to: target, relationship_name: name } = field
  const fault = nameFault(name, `Relationship name ${name} of ${full}`)
  if (fault !== null) add('relationship_name', fault.code, fault.message)
  if (objectKind(target) === 'unsupported') {
    add(
      'reference_to',
      'not_supported_yet',
      `${full} refers to ${target}; lookups to external objects, custom metadata and the like are not supported yet.`,
    )
    return false
  }
  if (!/^[A-Za-z]\w*$/.test(target)) {
    add(
      'reference_to',
      'name_bad_character',
      `The reference_to of ${full} is not the name of an object. Correct it.`,
    )
    return false
  }
  return true
}

const isNoValue = (): Conversion =>
  refused('a relationship cannot become an ordinary field, nor the reverse')

const madeOf = ({ family }: Side): Conversion | null =>
  family === 'relationship' ? null : isNoValue()

/** What happens to the lookup when its record is deleted, if the plan does not say. */
const deleteConstraint = ({
  delete_constraint: planned,
  required: isRequired,
}: {
  delete_constraint?: 'SetNull' | 'Restrict' | 'Cascade' | undefined
  required: boolean
}): 'SetNull' | 'Restrict' | 'Cascade' =>
  // Salesforce: a required lookup cannot be cleared, so its record is protected instead.
  planned ?? (isRequired ? 'Restrict' : 'SetNull')

export const lookup = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Lookup'),
    ...relationship,
    delete_constraint: z
      .enum(['SetNull', 'Restrict', 'Cascade'])
      .meta({ id: 'PlanDeleteConstraint' })
      .optional()
      .describe(
        'What happens when the parent record is deleted. Default: SetNull, or Restrict for a required field',
      ),
    ...required,
  }),
  isDescribed: (described) => isReference(described) && !isMaster(described),
  describeTypes: () => ['reference'],
  otherThan: (described) => (isMaster(described) ? 'master-detail' : null),
  compare: (field) => [
    scalar('delete_constraint', deleteConstraint(field) === 'Cascade', 'cascadeDelete'),
    scalar('delete_constraint', deleteConstraint(field) === 'Restrict', 'restrictedDelete'),
  ],
  differences,
  elements: { delete_constraint: ['deleteConstraint', 'text'] },
  write: (members, field) => {
    members.deleteConstraint = deleteConstraint(field)
  },
  check: (field, checking) => {
    check(field, checking)
    if (!field.required || field.delete_constraint !== 'SetNull') return
    checking.add(
      'delete_constraint',
      'attributes_conflict',
      `${checking.full} is required, so it cannot be cleared when its record is deleted. Use Restrict or Cascade.`,
    )
  },
  releasePlace: 3,
  family: 'relationship',
  becomes: (_from, to) =>
    to.type === 'MasterDetail' ? kept('every record must name its master') : isNoValue(),
  madeOf,
})

export const masterDetail = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z
      .literal('MasterDetail')
      .describe('Always required; the detail is deleted with its master'),
    ...relationship,
    relationship_order: z
      .int()
      .min(0)
      .max(1)
      .optional()
      .describe('0 for the primary, 1 for the secondary master. Default: the order in the plan'),
    reparentable: z.boolean().default(false).describe('A detail may move to a different master'),
    write_requires_master_read: z
      .boolean()
      .default(false)
      .describe('Read access to the master is enough to write a detail'),
  }),
  isDescribed: (described) => isReference(described) && isMaster(described),
  describeTypes: () => ['reference'],
  otherThan: ({ relationshipOrder }) => (relationshipOrder === null ? 'lookup' : null),
  compare: (field) => [
    ...(field.relationship_order === undefined
      ? []
      : [scalar('relationship_order', field.relationship_order, 'relationshipOrder')]),
    scalar(
      'write_requires_master_read',
      field.write_requires_master_read,
      'writeRequiresMasterRead',
    ),
  ],
  differences,
  unseen: ['reparentable'],
  elements: {
    relationship_order: ['relationshipOrder', 'number'],
    reparentable: ['reparentableMasterDetail', 'boolean'],
    write_requires_master_read: ['writeRequiresMasterRead', 'boolean'],
  },
  write: (members, field, { relationshipOrder }) => {
    if (field.relationship_order === undefined) members.relationshipOrder ??= relationshipOrder
  },
  check: (field, checking) => {
    const { object, add, hasObject } = checking
    if (!check(field, checking) || !hasObject(field.reference_to)) return
    if (sameName(field.reference_to) !== sameName(object)) return
    add('reference_to', 'attributes_conflict', `${object} cannot be its own master. Use a Lookup.`)
  },
  isAlwaysRequired: true,
  releasePlace: 2,
  family: 'relationship',
  becomes: (_from, to) =>
    to.type === 'Lookup' ? kept('roll-ups over it must be deleted first') : isNoValue(),
  madeOf,
})

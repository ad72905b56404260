// Roll-up summary fields. Salesforce: Help, "Roll-Up Summary Fields"; the words of refusals are ours where
// no public source has them.

import type { Field, SObject } from '../../../org/model.ts'
import type { FieldSpec } from '../../../org/schema.ts'
import { nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft } from './draft.ts'
import { operationOf } from './filters.ts'
import { formulasBehind, leavesRecord } from './formula.ts'
import { noSuch, oneOf, required } from './names.ts'

/**
 * Relationships of standard objects over which fields roll up without a master-detail: accounts over
 * opportunities, opportunities over products, campaigns over members; quotes and orders over their lines.
 */
const STANDARD_LINKS = new Set([
  'opportunity.accountid',
  'opportunitylineitem.opportunityid',
  'campaignmember.campaignid',
  'quotelineitem.quoteid',
  'orderitem.orderid',
])

/** A roll-up summary: its type follows from what it summarizes. */
export function summary(draft: Draft, object: SObject, node: MetadataNode): Partial<FieldSpec> {
  const operation = oneOf(
    'SummaryOperations',
    ['count', 'sum', 'min', 'max'],
    required(node, 'summaryOperation'),
  )
  const link = required(node, 'summaryForeignKey')
  const [childName = '', keyName = ''] = link.split('.')
  const detail = draft.object(childName)
  const key = detail?.fields.get(keyName.toLowerCase())
  const isMaster =
    key !== undefined &&
    (key.describe.relationshipOrder !== null || STANDARD_LINKS.has(link.toLowerCase()))
  if (detail === undefined || !isMaster || !key.describe.referenceTo.includes(object.name)) {
    throw noSuch('summaryForeignKey', 'CustomField', link)
  }
  checkFilters(draft, detail, node)
  const base = { calculated: true, defaultedOnCreate: false, precision: 18, scale: 0 }
  if (operation === 'count') {
    if (text(node, 'summarizedField') !== undefined) {
      throw new Problem("Can not specify 'summarizedField' for a summary of operation count")
    }
    return base
  }
  const path = required(node, 'summarizedField')
  const summed = fieldOfDetail(detail, 'summarizedField', path)
  const { type, precision, scale } = summed.describe
  const numeric = ['double', 'currency', 'percent', 'int'].includes(type)
  if (!numeric && (operation === 'sum' || !['date', 'datetime'].includes(type))) {
    throw new Problem(`${path} cannot be summed up by ${operation}`)
  }
  checkFormula(draft, detail, summed, path)
  return numeric
    ? { ...base, type: type === 'int' ? 'double' : type, precision, scale }
    : { ...base, type, precision: 0 }
}

function fieldOfDetail(detail: SObject, element: string, path: string): Field {
  const [owner = '', name = ''] = path.split('.')
  const field = detail.fields.get(name.toLowerCase())
  if (owner.toLowerCase() !== detail.name.toLowerCase() || !field || field.deletedAt) {
    throw noSuch(element, 'CustomField', path)
  }
  return field
}

/** Neither to be filtered by; of lookups, only the type of the record can be used. */
const UNFILTERED = new Set(['encryptedstring', 'multipicklist', 'reference'])

function checkFilters(draft: Draft, detail: SObject, node: MetadataNode): void {
  for (const item of nodes(node, 'summaryFilterItems')) {
    operationOf(item)
    const path = required(item, 'field')
    const field = fieldOfDetail(detail, 'field', path)
    const { name, type, length } = field.describe
    const isLong = type === 'textarea' && length > 255
    if (isLong || (UNFILTERED.has(type) && name !== 'RecordTypeId')) {
      throw new Problem(`${path} cannot be used in the filter of a roll-up summary field`)
    }
    checkFormula(draft, detail, field, path)
  }
}

/** Formulas over other records, or with a result that changes by itself, are neither summed nor filtered. */
function checkFormula(draft: Draft, detail: SObject, field: Field, path: string): void {
  if (formulasBehind(draft, detail, field).some(leavesRecord)) {
    throw new Problem(`${path} cannot be used in a roll-up summary field`)
  }
}

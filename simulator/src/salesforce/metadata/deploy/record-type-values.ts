// What a record type offers: the business process of its object's status, and values of the other
// picklists. Salesforce: Metadata API guide, "RecordType"; if it has no words for a refusal, they are
// ours.

import { processNamed, statusFieldOf } from '../../../org/business-processes.ts'
import { nodes, readName, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import type { BusinessProcess, RecordType, SObject } from '../../../org/model.ts'
import { recordTypeBody } from '../bodies.ts'
import { Problem } from './draft.ts'
import { flag, missingValue, noSuch, required } from './names.ts'

/** The process that a record type names; undefined for objects without processes. */
export function readProcess(object: SObject, node: MetadataNode): BusinessProcess | undefined {
  const name = text(node, 'businessProcess') ?? ''
  if (statusFieldOf(object) === undefined) {
    if (name === '') return undefined
    throw new Problem(`Cannot specify a businessProcess on: ${object.name}`)
  }
  if (name === '') {
    throw new Problem('Required field is missing: businessProcess', 'REQUIRED_FIELD_MISSING')
  }
  const found = processNamed(object, readName(name))
  if (found === undefined) {
    throw noSuch('businessProcess', 'BusinessProcess', `${object.name}.${name}`)
  }
  return found
}

/**
 * The values by picklist: those of the file, and for picklists that it does not list the previous ones.
 * A list replaces the existing one (certinia/apex-mdapi#199).
 */
export function readPicklists(
  object: SObject,
  node: MetadataNode,
  before: RecordType | undefined,
): MetadataNode[] {
  const given = nodes(node, 'picklistValues').map((list) => readPicklist(object, list))
  const names = new Set(given.map(picklistOf))
  if (names.size < given.length) throw new Problem('A record type can list a picklist only once')
  const kept =
    before === undefined
      ? []
      : nodes(recordTypeBody(object, before), 'picklistValues').filter(
          (list) => !names.has(picklistOf(list)),
        )
  return [...kept, ...given].toSorted((left, right) =>
    picklistOf(left) < picklistOf(right) ? -1 : 1,
  )
}

const picklistOf = (list: MetadataNode): string => text(list, 'picklist') ?? ''

function readPicklist(object: SObject, node: MetadataNode): MetadataNode {
  const picklist = required(node, 'picklist')
  const field = object.fields.get(picklist.toLowerCase())
  if (field === undefined || field.deletedAt) {
    throw noSuch('picklist', 'CustomField', `${object.name}.${picklist}`)
  }
  const { name, type, picklistValues } = field.describe
  if (!/picklist$/.test(type)) throw new Problem(`${object.name}.${name} is not a picklist`)
  const known = new Set(picklistValues.map(({ value }) => value))
  const values = nodes(node, 'values').map((value) => {
    const fullName = required(value, 'fullName')
    if (!known.has(readName(fullName))) throw missingValue(fullName, picklist)
    return { fullName, default: flag(value, 'default') ?? false }
  })
  if (values.filter((value) => value.default).length > 1) {
    throw new Problem('A picklist can have one default value only')
  }
  return {
    picklist: name,
    values: values.toSorted((left, right) => (left.fullName < right.fullName ? -1 : 1)),
  }
}

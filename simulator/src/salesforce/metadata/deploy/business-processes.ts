// BusinessProcess: lead, sales, support and solution processes. Salesforce: Metadata API guide,
// "BusinessProcess"; Salesforce's skills for agents (forcedotcom/sf-skills) on what Opportunity refuses.
// If neither has the words of a refusal, they are ours.

import { processNamed, statusFieldOf } from '../../../org/business-processes.ts'
import { nodes, readName, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import type { BusinessProcess, SObject } from '../../../org/model.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkLength, checkUnmanaged, flag, missingValue, noObject, required } from './names.ts'
import { same } from './typed.ts'

const NAME_MAX = 80
const DESCRIPTION_MAX = 255

export function deployBusinessProcess(draft: Draft, { fullName, node }: Item): Outcome {
  const { objectName, name } = splitName(fullName)
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  const status = statusFieldOf(object)
  if (status === undefined) throw new Problem(`${object.name} has no business processes`)
  checkUnmanaged(draft.org, 'BusinessProcess', name)
  if (name === '') throw new Problem('Required field is missing: fullName')
  checkLength('Name', name, NAME_MAX)
  const description = text(node, 'description')
  checkLength('Description', description, DESCRIPTION_MAX)
  const before = processNamed(object, name)
  const content = {
    active: flag(node, 'isActive') ?? false,
    description: description ?? null,
    values: readValues(object, status, node),
  }
  if (before !== undefined && same(content, contentOf(before))) {
    return { id: before.id, created: false, changed: false }
  }
  draft.editQuietly(object)
  const made: BusinessProcess = {
    id: before?.id ?? draft.org.ids.make('019'),
    name: before?.name ?? name,
    ...content,
    ...draft.stamps(before),
  }
  object.businessProcesses =
    before === undefined
      ? [...object.businessProcesses, made]
      : object.businessProcesses.map((each) => (each === before ? made : each))
  return { id: made.id, created: before === undefined, changed: true }
}

/** Returns the id of what was deleted, undefined if it did not exist. */
export function deleteBusinessProcess(draft: Draft, fullName: string): string | undefined {
  const { objectName, name } = splitName(fullName)
  const object = draft.object(objectName)
  const found = object && processNamed(object, name)
  if (object === undefined || found === undefined) return undefined
  checkUnmanaged(draft.org, 'BusinessProcess', name)
  const users = object.recordTypes
    .filter(({ businessProcess }) => businessProcess === found.name)
    .map(({ developerName }) => `RecordType - ${object.name}.${developerName}`)
  if (users.length > 0) {
    throw new Problem(
      `This business process is referenced elsewhere in salesforce.com: ${users.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  }
  draft.editQuietly(object).businessProcesses = object.businessProcesses.filter(
    (each) => each !== found,
  )
  return found.id
}

/** `Opportunity.Bulk Orders`: the name may have dots, written %2E. */
function splitName(fullName: string): { objectName: string; name: string } {
  const dot = fullName.indexOf('.')
  return {
    objectName: fullName.slice(0, Math.max(dot, 0)),
    name: readName(fullName.slice(dot + 1)),
  }
}

const contentOf = ({ active, description, values }: BusinessProcess) => ({
  active,
  description,
  values,
})

/** Sorted by name, as Salesforce returns them: their order has no meaning. */
function readValues(
  object: SObject,
  status: string,
  node: MetadataNode,
): BusinessProcess['values'] {
  const listed = nodes(node, 'values').map((value) => ({
    written: required(value, 'fullName'),
    isDefault: flag(value, 'default') ?? false,
  }))
  if (listed.length === 0) {
    throw new Problem('Required field is missing: values', 'REQUIRED_FIELD_MISSING')
  }
  const known = object.fields.get(status.toLowerCase())?.describe.picklistValues ?? []
  const values = listed.map(({ written, isDefault }) => {
    const value = readName(written)
    if (!known.some((each) => each.value === value)) throw missingValue(written, status)
    return { value, isDefault }
  })
  if (new Set(values.map(({ value }) => value)).size < values.length) {
    throw new Problem('A business process can have each value only once')
  }
  const defaults = values.filter(({ isDefault }) => isDefault)
  if (defaults.length > 0 && object.name === 'Opportunity') {
    throw new Problem(`Cannot specify a default on: ${object.name}`)
  }
  if (defaults.length > 1) throw new Problem('A picklist can have one default value only')
  return values.toSorted((left, right) => (left.value < right.value ? -1 : 1))
}

// What a flow refers to: its own elements and resources, objects, and fields of records. Salesforce:
// Metadata API guide, "Flow"; Help, "Flow Resources" and "Global Variables in Flows". Salesforce's
// refusals of these name the whole flow; where no public source has the wording, the words are ours.

import type { SObject } from '../../../org/model.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft } from './draft.ts'
import { globalExists } from './formula.ts'
import { noObject, noSuch, required } from './names.ts'

const RECORD_ELEMENTS = ['recordCreates', 'recordDeletes', 'recordLookups', 'recordUpdates']

/** Members that hold only a reference. */
const REFERENCES: ReadonlySet<string> = new Set([
  'assignNextValueToReference',
  'assignRecordIdToReference',
  'assignToReference',
  'choiceReferences',
  'collectionReference',
  'defaultSelectedChoiceReference',
  'elementReference',
  'inputReference',
  'leftValueReference',
  'objectFieldReference',
  'outputReference',
  'resumeDateReference',
  'startElementReference',
  'targetReference',
])
/** Where a flow continues: elements only. */
const CONNECTIONS: ReadonlySet<string> = new Set(['startElementReference', 'targetReference'])

/**
 * Members of a flow that hold resources: no connector leads to one. All others with names are elements.
 */
const RESOURCES: ReadonlySet<string> = new Set([
  'choices',
  'collectionFilterCriteria',
  'constants',
  'customProperties',
  'dynamicChoiceSets',
  'exitRules',
  'formulas',
  'processMetadataValues',
  'stages',
  'textTemplates',
  'variables',
])

/** Global variables that are records, and the object of each. */
const GLOBAL_RECORDS: Readonly<Record<string, string>> = {
  $organization: 'Organization',
  $profile: 'Profile',
  $user: 'User',
  $userrole: 'UserRole',
}

interface Leaf {
  member: string
  value: string
}

function* leaves(node: MetadataNode): Generator<Leaf> {
  for (const [member, value] of Object.entries(node)) {
    // The mappings of a transform have a syntax of their own.
    if (member === 'transforms') continue
    yield* texts(node, member).map((each) => ({ member, value: each }))
    if (typeof value === 'object') for (const each of nodes(node, member)) yield* leaves(each)
  }
}

/** Refuses a flow that refers to something that does not exist. */
export function checkFlowReferences(draft: Draft, flow: MetadataNode): void {
  checkObjects(draft, flow)
  const elements = new Set(
    Object.keys(flow)
      .filter((member) => !RESOURCES.has(member) && member !== 'start')
      .flatMap((member) => nodes(flow, member))
      .map((each) => required(each, 'name').toLowerCase()),
  )
  const all = [...leaves(flow)]
  const known = new Set([
    ...elements,
    ...all
      .filter(({ member }) => ['name', 'assignNextValueToReference'].includes(member))
      .map(({ value }) => value.toLowerCase()),
  ])
  for (const { member, value } of all) {
    if (!REFERENCES.has(member) || value === '') continue
    const [root = ''] = value.toLowerCase().split('.')
    if (root.startsWith('$') && isNothing(draft, flow, value)) {
      throw new Problem(`The flow has no element or resource named ${value} (${member})`)
    }
    // Other global variables; and steps of an orchestration that have an id.
    if (!/^[a-z]\w*$/.test(root)) continue
    if (!(CONNECTIONS.has(member) ? elements : known).has(root)) {
      throw new Problem(`The flow has no element or resource named ${value} (${member})`)
    }
  }
  for (const path of all.flatMap(({ value }) => mergeFields(value))) {
    const [root = ''] = path.split('.')
    if (root.startsWith('$') ? isNothing(draft, flow, path) : !known.has(root.toLowerCase())) {
      throw new Problem(`The flow has no element or resource named ${path}`)
    }
  }
  checkRecordPaths(draft, flow, all)
}

/** A global variable that names what does not exist, or the record of a flow that no record starts. */
function isNothing(draft: Draft, flow: MetadataNode, path: string): boolean {
  const [root = ''] = path.toLowerCase().split('.')
  const hasRecord = text(child(flow, 'start'), 'object') !== undefined
  if (root === '$record' || root === '$record__prior') return !hasRecord && !isFlowOfEvents(flow)
  return !globalExists(draft, path)
}

/** Flows that other things than the change of a record start have a `$Record` too. */
const isFlowOfEvents = (flow: MetadataNode): boolean =>
  text(child(flow, 'start'), 'triggerType') !== undefined

function checkObjects(draft: Draft, flow: MetadataNode): void {
  for (const variable of nodes(flow, 'variables')) {
    const object = text(variable, 'objectType')
    if (text(variable, 'dataType') === 'SObject' && object)
      requireObject(draft, 'objectType', object)
  }
  const places = ['start', ...RECORD_ELEMENTS, 'dynamicChoiceSets'].flatMap((member) =>
    nodes(flow, member),
  )
  for (const place of places) {
    // An update of the record that started the flow names no object.
    const isOwn = text(place, 'inputReference') === '$Record'
    const name = text(place, 'object') ?? (isOwn ? text(child(flow, 'start'), 'object') : undefined)
    if (name === undefined || name === '') continue
    const object = requireObject(draft, 'object', name)
    const fields = [
      ...['filters', 'inputAssignments', 'outputAssignments']
        .flatMap((member) => nodes(place, member))
        .map((entry) => required(entry, 'field')),
      ...['displayField', 'queriedFields', 'sortField', 'valueField'].flatMap((member) =>
        texts(place, member),
      ),
    ]
    for (const field of fields) {
      if (field !== '' && !field.includes('.')) requireField(object, field)
    }
  }
}

function requireObject(draft: Draft, member: string, name: string): SObject {
  const object = draft.object(name)
  if (object === undefined) throw noObject(member, name)
  return object
}

function requireField(object: SObject, field: string): void {
  const found = object.fields.get(field.toLowerCase())
  if (found === undefined || found.deletedAt) {
    throw noSuch('field', 'CustomField', `${object.name}.${field}`)
  }
}

/** The objects of resources that are records, by their names: `$Record`, variables, what Get Records found. */
function recordsIn(flow: MetadataNode): Map<string, string> {
  const records = new Map<string, string>(Object.entries(GLOBAL_RECORDS))
  const note = (name: string | undefined, object: string | undefined) => {
    if (name && object) records.set(name.toLowerCase(), object)
  }
  const started = text(child(flow, 'start'), 'object')
  note('$Record', started)
  note('$Record__Prior', started)
  for (const variable of nodes(flow, 'variables')) {
    if (text(variable, 'dataType') === 'SObject') {
      note(text(variable, 'name'), text(variable, 'objectType'))
    }
  }
  for (const lookup of nodes(flow, 'recordLookups')) {
    if (text(lookup, 'storeOutputAutomatically') === 'true') {
      note(text(lookup, 'name'), text(lookup, 'object'))
    }
  }
  // A sorted or filtered collection holds the same records, and may be looped over.
  for (const member of ['collectionProcessors', 'loops', 'collectionProcessors']) {
    for (const each of nodes(flow, member)) {
      const object = records.get((text(each, 'collectionReference') ?? '').toLowerCase())
      const item = text(each, 'assignNextValueToReference') ?? ''
      if (!records.has(item.toLowerCase())) note(item, object)
      note(text(each, 'name'), text(each, 'outputSObjectType') ?? object)
    }
  }
  return records
}

/** May be used on every object, whether it has record types and owners or not. */
const ALWAYS: ReadonlySet<string> = new Set(['createdby', 'lastmodifiedby', 'owner', 'recordtype'])

const MERGE_FIELD = /\{!\s*([$A-Za-z][\w.:$]*)\s*\}/g

/** The paths that are written `{!path}` in a text or a formula. */
const mergeFields = (value: string): string[] =>
  [...value.matchAll(MERGE_FIELD)].map(([, path = '']) => path)

function checkRecordPaths(draft: Draft, flow: MetadataNode, all: readonly Leaf[]): void {
  const records = recordsIn(flow)
  const paths = all.flatMap(({ member, value }) =>
    REFERENCES.has(member) && !CONNECTIONS.has(member) ? [value] : mergeFields(value),
  )
  for (const path of paths) {
    const [root = '', ...rest] = path.split('.')
    const [name = '', ...fields] =
      root.toLowerCase() === '$setup' ? rest : [records.get(root.toLowerCase()) ?? '', ...rest]
    const object = draft.object(name)
    if (object !== undefined && fields.length > 0) checkPath(draft, object, fields, path)
  }
}

/** `Owner:User.Manager.Name`: relationships, with their target if they have several; then a field. */
function checkPath(draft: Draft, object: SObject, [step = '', ...rest]: string[], path: string) {
  if (rest.length === 0) return requireField(object, step)
  const [relation = '', named] = step.split(':')
  const field = [...object.fields.values()].find(
    ({ describe, deletedAt }) =>
      deletedAt === undefined &&
      describe.relationshipName?.toLowerCase() === relation.toLowerCase(),
  )
  if (field === undefined) {
    if (ALWAYS.has(relation.toLowerCase())) return
    throw noSuch('field', 'CustomField', `${object.name}.${relation} (${path})`)
  }
  const { referenceTo } = field.describe
  const target = named ?? (referenceTo.length === 1 ? referenceTo[0] : undefined)
  if (
    named !== undefined &&
    !referenceTo.some((each) => each.toLowerCase() === named.toLowerCase())
  ) {
    throw new Problem(`${object.name}.${relation} does not refer to ${named} (${path})`)
  }
  // For several objects without a name, what they have in common can be used.
  const next = target === undefined ? undefined : draft.object(target)
  if (next !== undefined) checkPath(draft, next, rest, path)
}

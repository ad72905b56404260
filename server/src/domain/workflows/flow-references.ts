// What a flow refers to: its own elements and resources, and fields of records through them. Salesforce:
// Metadata API guide, "Flow"; Help, "Flow Resources" and "Global Variables in Flows".

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../salesforce/xml.ts'
import { sameName } from '../metadata/names.ts'

/** Members whose whole text is a reference. */
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
])
/** Members that say where the flow continues. */
const CONNECTIONS: ReadonlySet<string> = new Set(['startElementReference', 'targetReference'])

/**
 * Members of a flow that hold resources, to which no connector leads; all others with names are
 * elements.
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
  'start',
  'textTemplates',
  'variables',
])

/** Global variables that are a record, and its object. */
const GLOBAL_RECORDS: readonly (readonly [string, string])[] = [
  ['$organization', 'Organization'],
  ['$profile', 'Profile'],
  ['$user', 'User'],
  ['$userrole', 'UserRole'],
]

/** The object of a global variable that is a record, such as `$User`; null for others. */
export const globalRecord = (name: string): string | null =>
  GLOBAL_RECORDS.find(([known]) => known === sameName(name))?.[1] ?? null

interface Leaf {
  member: string
  text: string
}

function* leaves(value: JsonObject): Generator<Leaf> {
  for (const [member, content] of Object.entries(value)) {
    // The mappings of a transform have a syntax of their own.
    if (member === 'transforms') continue
    for (const item of list(content)) {
      if (isObject(item)) yield* leaves(item)
      else if (typeof item === 'string') yield { member, text: item }
    }
  }
}

/** `{!$Record.Owner:User.Email}` in a text or a formula. */
const MERGE_FIELD = /\{!\s*([$A-Za-z][\w.:$]*)\s*\}/g

/** The paths that are written `{!path}` in a text. */
const mergeFields = (text: string): string[] =>
  [...text.matchAll(MERGE_FIELD)].map(([, path = '']) => path)

/** References to elements and resources that the flow does not have, as written, once each. */
export const danglingReferences = (flow: JsonObject): string[] => {
  const elements = new Set(
    Object.keys(flow)
      .filter((member) => !RESOURCES.has(member))
      .flatMap((member) => listObjects(flow[member]))
      .map(({ name }) => sameName(leaf(name) ?? '')),
  )
  const all = [...leaves(flow)]
  const known = new Set([
    ...elements,
    // Outcomes, screen components, steps and loop variables have their names inside their elements.
    ...all
      .filter(({ member }) => member === 'name' || member === 'assignNextValueToReference')
      .map(({ text }) => sameName(text)),
  ])
  // Flows that something else starts than a change of a record may have a `$Record`, too.
  const hasRecord =
    isObject(flow.start) &&
    (leaf(flow.start.object) !== null || leaf(flow.start.triggerType) !== null)
  const dangling = all.filter(({ member, text }) => {
    const isConnection = CONNECTIONS.has(member)
    if (!isConnection && !REFERENCES.has(member)) return false
    return isDangling(text, isConnection ? elements : known, hasRecord)
  })
  const merged = all
    .flatMap(({ text }) => mergeFields(text))
    .filter((path) => isDangling(path, known, hasRecord))
  return [...new Set([...dangling.map(({ text }) => text), ...merged])]
}

const isDangling = (path: string, names: ReadonlySet<string>, hasRecord: boolean): boolean => {
  const [root = ''] = path.split('.')
  if (/^\$Record(?:__Prior)?$/i.test(root)) return !hasRecord
  // Others are global variables, or steps of an orchestration that have an id.
  return /^[A-Za-z]\w*$/.test(root) && !names.has(sameName(root))
}

/**
 * A formula of a flow; a condition that starts it, or filters records, may use functions about changes.
 */
export interface FlowFormula {
  formula: string
  isCondition: boolean
}

/** Members that hold a formula, anywhere in a flow. */
const FORMULAS: ReadonlySet<string> = new Set(['expression', 'filterFormula', 'formulaExpression'])

/** Every formula in the flow, in its order. */
export const formulasOfFlow = (flow: JsonObject): FlowFormula[] =>
  [...leaves(flow)]
    .filter(({ member }) => FORMULAS.has(member))
    .map(({ member, text }) => ({ formula: text, isCondition: member === 'filterFormula' }))

/** A field of a record: through relationships, `Owner:User` if one has several objects. */
export interface RecordPath {
  object: string
  steps: readonly [string, ...string[]]
}

/** The object of everything that holds a record or records, by its case-insensitive name. */
const recordsOf = (flow: JsonObject): Map<string, string> => {
  const records = new Map<string, string>(GLOBAL_RECORDS)
  const note = (name: unknown, object: string | null | undefined): void => {
    const own = leaf(name)
    if (own !== null && object != null) records.set(sameName(own), object)
  }
  const started = isObject(flow.start) ? leaf(flow.start.object) : null
  note('$Record', started)
  note('$Record__Prior', started)
  for (const { name, dataType, objectType } of listObjects(flow.variables)) {
    if (leaf(dataType) === 'SObject') note(name, leaf(objectType))
  }
  for (const { name, object, storeOutputAutomatically } of listObjects(flow.recordLookups)) {
    if (leaf(storeOutputAutomatically) === 'true') note(name, leaf(object))
  }
  // A filtered or sorted collection is again a collection, and may be looped over.
  const collections = [
    ...listObjects(flow.collectionProcessors),
    ...listObjects(flow.loops),
    ...listObjects(flow.collectionProcessors),
  ]
  for (const { name, collectionReference, assignNextValueToReference, ...more } of collections) {
    const object = records.get(sameName(leaf(collectionReference) ?? ''))
    const item = leaf(assignNextValueToReference)
    if (item !== null && !records.has(sameName(item))) note(item, object)
    note(name, leaf(more.outputSObjectType) ?? object)
  }
  return records
}

/** Every path that the flow refers to: as the whole text of a member, or within a text or a formula. */
export const referencesIn = (flow: JsonObject): string[] =>
  [...leaves(flow)].flatMap(({ member, text }) =>
    REFERENCES.has(member) ? [text] : mergeFields(text),
  )

/**
 * Every record field that the flow refers to. Those whose object cannot be known are left out: outputs
 * of actions, screens and subflows, labels, permissions and the like.
 */
export const recordPathsOf = (flow: JsonObject): RecordPath[] => {
  const records = recordsOf(flow)
  const paths = new Map<string, RecordPath>()
  for (const reference of referencesIn(flow)) {
    const [root = '', ...rest] = reference.split('.')
    // `$Setup.Limits__c.Most__c`: a custom setting, then its field.
    const isSetting = sameName(root) === '$setup'
    const object = isSetting ? rest[0] : records.get(sameName(root))
    const [first, ...others] = isSetting ? rest.slice(1) : rest
    if (object === undefined || first === undefined || first === '') continue
    paths.set(sameName(reference), { object, steps: [first, ...others] })
  }
  return [...paths.values()]
}

/** The field behind a relationship, if describes do not show it. */
export const fieldOfRelationship = (relationship: string): string =>
  /__r$/i.test(relationship) ? relationship.replace(/__r$/i, '__c') : `${relationship}Id`

// The content of automations: one Metadata retrieve for all that are needed, read file by file.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { type Retrieved, retrieve } from '../../../salesforce/metadata.ts'
import { leaf, listObjects, parseXml } from '../../../salesforce/xml.ts'
import { type ZipEntry } from '../../../salesforce/zip.ts'
import { type AutomationInfo, keyOfAutomation } from './automation.ts'
import { type ListedAutomation } from './listing.ts'

export interface Body {
  /** As `keyOfAutomation` names it; for an older version of a flow, `flow/Name-3`. */
  key: string
  definition: JsonObject
}

/** Each poll of a running retrieve is a call, so their intervals grow quickly. */
const POLL_MS = { first: 500, most: 15_000 }

/** The fewest members of a retrieve that is still halved if Salesforce finds it too large. */
const HALVED_DOWN_TO = 50

/**
 * Salesforce: from version 44.0 on a flow is retrieved by its bare name as its latest version; `Name-3`
 * addresses version 3. The active one is needed, since it is the one that runs.
 */
export const flowMember = ({ info, bodyVersion }: ListedAutomation): string =>
  bodyVersion === null || bodyVersion === info.latest_version
    ? info.api_name
    : `${info.api_name}-${bodyVersion}`

/** Workflow and assignment rules come in the file of their object: one member for all of its rules. */
const memberOf = (wanted: ListedAutomation): [type: string, member: string] | null => {
  const { info } = wanted
  switch (info.type) {
    case 'flow':
      return ['Flow', flowMember(wanted)]
    case 'validation_rule':
      return ['ValidationRule', info.api_name]
    case 'workflow_rule':
      return info.object === null ? null : ['Workflow', info.object]
    case 'assignment_rule':
      return info.object === null ? null : ['AssignmentRules', info.object]
    case 'apex_trigger':
      return ['ApexTrigger', info.api_name]
  }
}

const membersOf = (wanted: readonly ListedAutomation[]): Map<string, string[]> => {
  const members = new Map<string, Set<string>>()
  for (const one of wanted) {
    const member = memberOf(one)
    if (member === null) continue
    members.set(member[0], (members.get(member[0]) ?? new Set()).add(member[1]))
  }
  return new Map([...members].map(([type, names]) => [type, [...names]]))
}

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const rootOf = (bytes: Uint8Array, name: string): JsonObject => {
  const root = parseXml(Buffer.from(bytes).toString('utf8'))[name]
  return isObject(root) ? root : {}
}

const rulesOf = (type: AutomationInfo['type'], object: string, rules: unknown): Body[] =>
  listObjects(rules).map((definition) => {
    // Salesforce writes some characters of full names as %XX; the listing has them plain.
    const name = decoded(leaf(definition.fullName) ?? '')
    return { key: keyOfAutomation({ type, api_name: `${object}.${name}` }), definition }
  })

const FILE = /^(\w+)\/(.+)\.(flow|object|workflow|assignmentRules|trigger|trigger-meta\.xml)$/

const bodiesIn = ({ path, bytes }: ZipEntry): Body[] => {
  const [, , fileName, suffix] = FILE.exec(path) ?? []
  const name = decoded(fileName ?? '')
  switch (suffix) {
    case 'flow': {
      const key = keyOfAutomation({ type: 'flow', api_name: name })
      return [{ key, definition: rootOf(bytes, 'Flow') }]
    }
    case 'object':
      return rulesOf('validation_rule', name, rootOf(bytes, 'CustomObject').validationRules)
    case 'workflow':
      return rulesOf('workflow_rule', name, rootOf(bytes, 'Workflow').rules)
    case 'assignmentRules':
      return rulesOf('assignment_rule', name, rootOf(bytes, 'AssignmentRules').assignmentRule)
    default:
      return []
  }
}

/** A trigger is two files: its code and its metadata. */
const apexBodies = (
  entry: ZipEntry,
  halves: Map<string, { body?: string; meta?: JsonObject }>,
): Body[] => {
  const [, , fileName, suffix] = FILE.exec(entry.path) ?? []
  if (suffix !== 'trigger' && suffix !== 'trigger-meta.xml') return []
  const name = decoded(fileName ?? '')
  const half = halves.get(name) ?? {}
  if (suffix === 'trigger') half.body = Buffer.from(entry.bytes).toString('utf8')
  else half.meta = rootOf(entry.bytes, 'ApexTrigger')
  halves.set(name, half)
  if (half.body === undefined || half.meta === undefined) return []
  halves.delete(name)
  const key = keyOfAutomation({ type: 'apex_trigger', api_name: name })
  return [{ key, definition: { ...half.meta, body: half.body } }]
}

/**
 * The definitions of the wanted automations, one file in memory at a time; what Salesforce does not
 * return is left out (`onProblem` gets its words). A retrieve that is too large for Salesforce is
 * halved. Throws SalesforceError.
 */
export async function* retrieveBodies(
  org: SalesforceOrg,
  wanted: readonly ListedAutomation[],
  onProblem: (problem: string) => void,
): AsyncGenerator<Body, void, undefined> {
  const members = membersOf(wanted)
  if (members.size === 0) return
  let retrieved: Retrieved
  try {
    retrieved = await retrieve(org, members, { pollMs: POLL_MS })
  } catch (error) {
    const tooLarge =
      error instanceof SalesforceError &&
      (error.failure.code === 'LIMIT_EXCEEDED' || error.failure.kind === 'too_large')
    if (!tooLarge || wanted.length < HALVED_DOWN_TO) throw error
    const half = Math.ceil(wanted.length / 2)
    yield* retrieveBodies(org, wanted.slice(0, half), onProblem)
    yield* retrieveBodies(org, wanted.slice(half), onProblem)
    return
  }
  for (const { problem } of retrieved.problems) onProblem(problem)
  const halves = new Map<string, { body?: string; meta?: JsonObject }>()
  for (const entry of retrieved.files()) {
    try {
      yield* [...bodiesIn(entry), ...apexBodies(entry, halves)]
    } catch (error) {
      // One file that is not XML leaves the others readable.
      if (!(error instanceof SalesforceError)) throw error
      onProblem(`${entry.path}: ${error.failure.message}`)
    }
    // Parsing blocks this thread: requests get their turn between two files.
    await nextTurn()
  }
}

// The state of named automations in a Salesforce org at one moment: flows with their versions, and the
// files that hold rules. What does not exist is absent.

import { soql } from '../../salesforce/escape.ts'
import { SalesforceError, makeFailure } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { retrieve } from '../../salesforce/metadata.ts'
import { getToolingRecords, toolingQuery } from '../../salesforce/tooling.ts'
import { query } from '../../salesforce/rest.ts'
import { filePath } from '../metadata/kinds.ts'
import { sameName } from '../metadata/names.ts'
import { normalizedMetadata } from './definition/normalize.ts'
import { type WorkflowType } from './definition/schema.ts'

/** An automation by its type and its name in the Metadata API. */
export interface WorkflowName {
  type: WorkflowType
  api_name: string
}

export interface FlowVersionState {
  id: string
  number: number
  status: string
}

export interface FlowState {
  api_name: string
  definition_id: string
  label: string | null
  managed: boolean
  active: number | null
  latest: number | null
  versions: FlowVersionState[]
  /** Content by version number, for the active and the newest version; leaves are texts. */
  contents: Record<string, JsonObject>
}

export interface WorkflowState {
  flows: FlowState[]
  /** Metadata files by path: `assignmentRules/Lead.assignmentRules`, `objects/Account.object`. */
  files: Record<string, string>
}

export const objectOf = (apiName: string): string => apiName.slice(0, apiName.indexOf('.'))
export const ruleOf = (apiName: string): string => apiName.slice(apiName.indexOf('.') + 1)

export const assignmentPath = (object: string): string =>
  `assignmentRules/${object}.assignmentRules`
export const objectPath = (object: string): string =>
  filePath('CustomObject', object) ?? `objects/${object}.object`

export const findFlow = (state: WorkflowState, apiName: string): FlowState | null =>
  state.flows.find((flow) => sameName(flow.api_name) === sameName(apiName)) ?? null

/** The file at this path, in any case. */
export const findFileText = (state: WorkflowState, path: string): string | null =>
  Object.entries(state.files).find(([name]) => sameName(name) === sameName(path))?.[1] ?? null

/** `acme__My_Flow` as Salesforce stores it: prefix and name separately. */
const developerName = (apiName: string): string => apiName.replace(/^[A-Za-z]\w*?__(?=\w)/, '')

const readFlows = async (org: SalesforceOrg, names: readonly string[]): Promise<FlowState[]> => {
  if (names.length === 0) return []
  const wanted = new Set(names.map(sameName))
  const flows = new Map<string, FlowState & { activeId: string | null; latestId: string | null }>()
  const definitions = soql`SELECT Id, DeveloperName, NamespacePrefix, MasterLabel, ManageableState,
    ActiveVersionId, LatestVersionId FROM FlowDefinition
    WHERE DeveloperName IN ${[...new Set(names.map(developerName))]}`
  for await (const row of toolingQuery(org, definitions)) {
    const [id, namespace] = [asText(row.Id) ?? '', asText(row.NamespacePrefix)]
    const name = `${namespace === null ? '' : `${namespace}__`}${asText(row.DeveloperName) ?? ''}`
    // A package's flow of the same name is another flow.
    if (!wanted.has(sameName(name))) continue
    flows.set(id, {
      api_name: name,
      definition_id: id,
      label: asText(row.MasterLabel),
      managed: asText(row.ManageableState)?.startsWith('installed') ?? namespace !== null,
      active: null,
      latest: null,
      versions: [],
      contents: {},
      activeId: asText(row.ActiveVersionId),
      latestId: asText(row.LatestVersionId),
    })
  }
  if (flows.size === 0) return []
  const versions = soql`SELECT Id, DefinitionId, VersionNumber, Status FROM Flow
    WHERE DefinitionId IN ${[...flows.keys()]}`
  for await (const row of toolingQuery(org, versions)) {
    const flow = flows.get(asText(row.DefinitionId) ?? '')
    const id = asText(row.Id)
    if (flow === undefined || id === null || typeof row.VersionNumber !== 'number') continue
    flow.versions.push({ id, number: row.VersionNumber, status: asText(row.Status) ?? 'Unknown' })
    if (id === flow.activeId) flow.active = row.VersionNumber
    if (id === flow.latestId) flow.latest = row.VersionNumber
  }
  const read = new Map<string, [FlowState, number]>()
  for (const flow of flows.values()) {
    flow.versions.sort((a, b) => a.number - b.number)
    flow.latest ??= flow.versions.at(-1)?.number ?? null
    // Salesforce hides the content of packages.
    if (flow.managed) continue
    for (const number of new Set([flow.active, flow.latest])) {
      const version = flow.versions.find((one) => one.number === number)
      if (version !== undefined) read.set(version.id, [flow, version.number])
    }
  }
  for await (const { id, record, failure } of getToolingRecords(org, 'Flow', [...read.keys()])) {
    // If it counted as absent, a version that cannot be read would be lost in a removal.
    if (failure !== null) throw new SalesforceError(failure)
    const [flow, number] = read.get(id) ?? []
    if (flow !== undefined && number !== undefined && isObject(record.Metadata)) {
      flow.contents[String(number)] = withoutState(normalizedMetadata(record.Metadata))
    }
  }
  return [...flows.values()].map(({ activeId: _active, latestId: _latest, ...flow }) => flow)
}

const withoutState = ({ status: _status, fullName: _name, ...content }: JsonObject): JsonObject =>
  content

/** Salesforce's words for a component that does not exist. */
const ABSENT = /cannot be found|not found|does not exist|no \w+ named/i

const readRuleFiles = async (
  org: SalesforceOrg,
  names: readonly WorkflowName[],
): Promise<Record<string, string>> => {
  const objectsOf = (type: WorkflowType): string[] => [
    ...new Map(
      names
        .filter((name) => name.type === type)
        .map(({ api_name: name }) => [sameName(objectOf(name)), objectOf(name)]),
    ).values(),
  ]
  const [assigned, validated] = [objectsOf('assignment_rule'), objectsOf('validation_rule')]
  const members = new Map(
    [
      ['AssignmentRules', assigned],
      ['CustomObject', validated],
    ].filter((entry): entry is [string, string[]] => (entry[1]?.length ?? 0) > 0),
  )
  if (members.size === 0) return {}
  const retrieved = await retrieve(org, members)
  const unread = retrieved.problems.find(({ problem }) => !ABSENT.test(problem))
  if (unread !== undefined) {
    throw new SalesforceError(
      makeFailure('other', { code: 'RETRIEVE_INCOMPLETE', message: unread.problem }),
    )
  }
  const files: Record<string, string> = {}
  for (const { path, bytes } of retrieved.files()) {
    if (/^(assignmentRules|objects)\//.test(path)) {
      files[path] = Buffer.from(bytes).toString('utf8')
    }
  }
  return files
}

/** Reads the state of these automations. Throws SalesforceError if one could not be read. */
export const readWorkflowState = async (
  org: SalesforceOrg,
  names: readonly WorkflowName[],
): Promise<WorkflowState> => {
  const flows = names.filter(({ type }) => type === 'flow').map(({ api_name: name }) => name)
  const [read, files] = await Promise.all([readFlows(org, flows), readRuleFiles(org, names)])
  return { flows: read, files }
}

/** Salesforce: a query has 100,000 characters at most; 200 flows with 50 versions each have more. */
const IDS_A_QUERY = 1000

/** Interviews of these flows that are paused or wait for something, by flow. */
export const waitingInterviews = async (
  org: SalesforceOrg,
  flows: readonly FlowState[],
): Promise<Map<string, number>> => {
  const flowOf = new Map(
    flows.flatMap((flow) => flow.versions.map(({ id }) => [id.slice(0, 15), flow.api_name])),
  )
  const waiting = new Map<string, number>()
  if (flowOf.size === 0) return waiting
  // Salesforce: Object Reference, FlowInterview: FlowVersionViewId is the id of the version.
  const ids = flows.flatMap((flow) => flow.versions.map(({ id }) => id))
  for (let start = 0; start < ids.length; start += IDS_A_QUERY) {
    const chunk = ids.slice(start, start + IDS_A_QUERY)
    const text = soql`SELECT Id, FlowVersionViewId FROM FlowInterview
      WHERE FlowVersionViewId IN ${chunk}`
    for await (const row of query(org, text)) {
      const flow = flowOf.get((asText(row.FlowVersionViewId) ?? '').slice(0, 15))
      if (flow !== undefined) waiting.set(flow, (waiting.get(flow) ?? 0) + 1)
    }
  }
  return waiting
}

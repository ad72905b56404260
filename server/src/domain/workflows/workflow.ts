// An automation to deploy, in whichever form the caller wrote it.

import { hash } from 'node:crypto'
import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { canonicalJson } from '../canonical.ts'
import { sameName } from '../metadata/names.ts'
import { type WorkflowType } from './definition/schema.ts'

export interface PlannedWorkflow {
  type: WorkflowType
  /** As the Metadata API names it: `My_Flow`, `Lead.Inbound`, `Account.Has_Phone`. */
  api_name: string
  /**
   * The Metadata API's content as JSON, leaves as texts, without name and state; for an assignment rule,
   * only the rule.
   */
  definition: JsonObject
  activate: boolean | 'keep'
}

/** SHA-256 in hex; neither the order of workflows nor of members counts. */
export const workflowsHash = (workflows: readonly PlannedWorkflow[]): string => {
  const parts = workflows.map((workflow) =>
    canonicalJson({ ...workflow, api_name: sameName(workflow.api_name) }),
  )
  return hash('sha256', `workflows\n${parts.toSorted().join('\n')}`, 'hex')
}

const RECORD_ELEMENTS = ['recordCreates', 'recordUpdates', 'recordLookups', 'recordDeletes']

/** Objects that a flow reads, writes, offers for a choice, holds in variables or starts on. */
export const objectsOfFlow = (flow: JsonObject): string[] => {
  const start = isObject(flow.start) ? [leaf(flow.start.object)] : []
  const elements = [...RECORD_ELEMENTS, 'dynamicChoiceSets']
    .flatMap((kind) => listObjects(flow[kind]))
    .map((element) => leaf(element.object))
  const variables = listObjects(flow.variables)
    .filter(({ dataType }) => leaf(dataType) === 'SObject')
    .map(({ objectType }) => leaf(objectType))
  const names = [...start, ...elements, ...variables].flatMap((name) => name ?? [])
  return [...new Map(names.map((name) => [sameName(name), name])).values()]
}

/** Every object that one of them works on. */
export const objectsOfWorkflows = (workflows: readonly PlannedWorkflow[]): string[] => [
  ...new Map(
    workflows
      .flatMap(({ type, api_name: name, definition }) =>
        type === 'flow' ? objectsOfFlow(definition) : [name.slice(0, name.indexOf('.'))],
      )
      .map((name) => [sameName(name), name]),
  ).values(),
]

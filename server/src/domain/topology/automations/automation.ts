// What an automation looks like in a snapshot, and how its trigger is read from its definition.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'

export const AUTOMATION_TYPES = [
  'flow',
  'validation_rule',
  'workflow_rule',
  'assignment_rule',
  'apex_trigger',
] as const
export type AutomationType = (typeof AUTOMATION_TYPES)[number]

export interface FlowVersion {
  version: number
  /** Active, Draft, Obsolete, InvalidDraft … in Salesforce's words. */
  status: string
  last_modified_at: string | null
}

export type TriggerEvent = 'create' | 'update' | 'delete' | 'undelete' | 'event'

export interface Trigger {
  object: string | null
  events: TriggerEvent[]
  /** `both`: before and after the save; `async`: later, or when a platform event arrives. */
  timing: 'before' | 'after' | 'both' | 'scheduled' | 'async'
  order: number | null
}

/** What the listing alone shows; cheap to read for all automations at every pull. */
export interface AutomationInfo {
  type: AutomationType
  /** As the Metadata API names it: `My_Flow`, `Account.My_Rule`, `Lead.Standard`, `MyTrigger`. */
  api_name: string
  label: string | null
  object: string | null
  active: boolean | null
  active_version: number | null
  latest_version: number | null
  versions: FlowVersion[]
  process_type: string | null
  managed: boolean
  last_modified_at: string | null
}

export interface Automation extends AutomationInfo {
  trigger: Trigger | null
  /** For a flow: the version whose content the definition is. */
  definition_version: number | null
  /**
   * The Metadata API's content as JSON: an element is its text or an object of its children, a repeated
   * one an array (so a list of one is not an array). Null if Salesforce hides it.
   */
  definition: JsonObject | null
}

/** Identifies an automation in manifests, journals and validators. */
export const keyOfAutomation = ({
  type,
  api_name: apiName,
}: Pick<AutomationInfo, 'type' | 'api_name'>): string => `${type}/${apiName}`

const RECORD_EVENTS: Readonly<Record<string, TriggerEvent[]>> = {
  Create: ['create'],
  Update: ['update'],
  CreateAndUpdate: ['create', 'update'],
  Delete: ['delete'],
}

const FLOW_TIMINGS: Readonly<Record<string, Trigger['timing']>> = {
  RecordBeforeSave: 'before',
  RecordAfterSave: 'after',
  RecordBeforeDelete: 'before',
  Scheduled: 'scheduled',
  PlatformEvent: 'async',
}

const flowTrigger = (definition: JsonObject): Trigger | null => {
  const start = isObject(definition.start) ? definition.start : {}
  const triggerType = leaf(start.triggerType)
  if (triggerType === null) return processTrigger(definition)
  const recordEvents = RECORD_EVENTS[leaf(start.recordTriggerType) ?? ''] ?? []
  const order = Number(leaf(definition.triggerOrder) ?? Number.NaN)
  return {
    object: leaf(start.object),
    events:
      triggerType === 'PlatformEvent'
        ? ['event']
        : triggerType === 'RecordBeforeDelete'
          ? ['delete']
          : recordEvents,
    timing: FLOW_TIMINGS[triggerType] ?? 'async',
    order: Number.isFinite(order) ? order : null,
  }
}

/**
 * Salesforce: a Process Builder process is a flow of type Workflow without a start trigger; object and
 * moment are in its processMetadataValues.
 */
const processTrigger = (definition: JsonObject): Trigger | null => {
  if (leaf(definition.processType) !== 'Workflow') return null
  const value = (name: string): string | null => {
    const found = listObjects(definition.processMetadataValues).find(
      (entry) => leaf(entry.name) === name,
    )
    return isObject(found?.value) ? leaf(found.value.stringValue) : null
  }
  const object = value('ObjectType')
  if (object === null) return null
  const events: TriggerEvent[] =
    value('TriggerType') === 'onCreateOnly' ? ['create'] : ['create', 'update']
  return { object, events, timing: 'after', order: null }
}

const WORKFLOW_EVENTS: Readonly<Record<string, TriggerEvent[]>> = {
  onCreateOnly: ['create'],
  onCreateOrTriggeringUpdate: ['create', 'update'],
  onAllChanges: ['create', 'update'],
}

const APEX_USAGES: readonly [string, 'before' | 'after', TriggerEvent][] = [
  ['UsageBeforeInsert', 'before', 'create'],
  ['UsageAfterInsert', 'after', 'create'],
  ['UsageBeforeUpdate', 'before', 'update'],
  ['UsageAfterUpdate', 'after', 'update'],
  ['UsageBeforeDelete', 'before', 'delete'],
  ['UsageAfterDelete', 'after', 'delete'],
  ['UsageAfterUndelete', 'after', 'undelete'],
]

/** From the flags of a Tooling ApexTrigger row, which its metadata file does not have. */
export const apexTrigger = (row: JsonObject, object: string | null): Trigger => {
  const used = APEX_USAGES.filter(([flag]) => row[flag] === true)
  const timings = new Set(used.map(([, timing]) => timing))
  return {
    object,
    events: [...new Set(used.map(([, , event]) => event))],
    timing: timings.size > 1 ? 'both' : timings.has('before') ? 'before' : 'after',
    order: null,
  }
}

const triggerOf = (info: AutomationInfo, definition: JsonObject | null): Trigger | null => {
  const { object } = info
  switch (info.type) {
    case 'flow':
      return definition === null ? null : flowTrigger(definition)
    case 'validation_rule':
      return { object, events: ['create', 'update'], timing: 'before', order: null }
    case 'workflow_rule': {
      const events = WORKFLOW_EVENTS[leaf(definition?.triggerType) ?? ''] ?? ['create', 'update']
      return { object, events, timing: 'after', order: null }
    }
    case 'assignment_rule':
      return { object, events: ['create', 'update'], timing: 'after', order: null }
    case 'apex_trigger':
      return null
  }
}

/** The whole automation, from the listing and the definition. */
export const assemble = (
  info: AutomationInfo,
  definition: JsonObject | null,
  definitionVersion: number | null,
  listedTrigger: Trigger | null,
): Automation => {
  const trigger = listedTrigger ?? triggerOf(info, definition)
  return {
    ...info,
    object: info.object ?? trigger?.object ?? null,
    // Salesforce: only its metadata says whether a workflow rule is active.
    active: info.active ?? leaf(definition?.active) === 'true',
    trigger,
    definition_version: definitionVersion,
    definition,
  }
}

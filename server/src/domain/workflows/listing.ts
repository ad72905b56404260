// Every automation of a Salesforce org with its state: live, or from a snapshot.

import { type Soql, soql } from '../../salesforce/escape.ts'
import { isRefusal, SalesforceError, withoutQuery } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { describeGlobal, query } from '../../salesforce/rest.ts'
import { toolingQuery } from '../../salesforce/tooling.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { sameName } from '../metadata/names.ts'
import {
  assemble,
  type Automation,
  type AutomationInfo,
  AUTOMATION_TYPES,
  type AutomationType,
  keyOfAutomation,
  type Trigger,
} from '../topology/automations/automation.ts'
import { flowMember, retrieveBodies } from '../topology/automations/bodies.ts'
import { listAutomations, type ListedAutomation } from '../topology/automations/listing.ts'
import { type CompleteSnapshot, type Snapshot } from '../topology/topology.ts'
import { type ApexMoment, apexMomentsOf } from './execution-order.ts'

export interface ListedWorkflow extends AutomationInfo {
  trigger: Trigger | null
  /** See `Candidate`. */
  moments: ReadonlySet<ApexMoment> | null
}

/** Something that the list does not know. */
export interface ListWarning {
  code: 'type_not_listed' | 'content_not_read' | 'object_unknown'
  /** Null: it is not about a type. */
  type: AutomationType | null
  message: string
}

export interface WorkflowListing {
  workflows: ListedWorkflow[]
  warnings: ListWarning[]
}

/** What is requested: types that are not requested cost no call. */
export interface Wanted {
  types: ReadonlySet<AutomationType>
  /** Case-insensitive; null: of all objects. */
  object: string | null
}

const rowsOf = async (org: SalesforceOrg, text: Soql, tooling = false): Promise<JsonObject[]> => {
  const rows: JsonObject[] = []
  for await (const row of tooling ? toolingQuery(org, text) : query(org, text)) rows.push(row)
  return rows
}

/** The answer, or null with Salesforce's refusal in `warnings`; any other failure is thrown. */
const attempt = async <T>(
  warnings: ListWarning[],
  warning: Omit<ListWarning, 'message'>,
  what: string,
  ask: () => Promise<T>,
): Promise<T | null> => {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof SalesforceError) || !isRefusal(error.failure)) throw error
    warnings.push({ ...warning, message: `${what}: ${withoutQuery(error.failure.message)}` })
    return null
  }
}

const CUSTOM_OBJECT_ID = /^01I/

/**
 * When each flow starts, by its case-insensitive name. Salesforce: Object Reference, FlowDefinitionView;
 * its object is named by the DurableId of EntityDefinition, which for a standard object is its name.
 */
const flowStarts = async (org: SalesforceOrg): Promise<Map<string, JsonObject>> => {
  const rows = await rowsOf(
    org,
    soql`SELECT ApiName, NamespacePrefix, TriggerType, RecordTriggerType, TriggerOrder,
      TriggerObjectOrEventId FROM FlowDefinitionView`,
  )
  const ids = rows.flatMap((row) => {
    const id = asText(row.TriggerObjectOrEventId)
    return id !== null && CUSTOM_OBJECT_ID.test(id) ? [id] : []
  })
  const names = new Map<string, string>()
  if (ids.length > 0) {
    const objects = await rowsOf(
      org,
      soql`SELECT DurableId, QualifiedApiName FROM EntityDefinition
        WHERE DurableId IN ${[...new Set(ids.flatMap((id) => [id, id.slice(0, 15)]))]}`,
    )
    for (const row of objects) {
      names.set((asText(row.DurableId) ?? '').slice(0, 15), asText(row.QualifiedApiName) ?? '')
    }
  }
  return new Map(
    rows.map((row) => {
      const [name, namespace] = [asText(row.ApiName) ?? '', asText(row.NamespacePrefix)]
      const own = `${namespace}__`
      const fullName = namespace === null || name.startsWith(own) ? name : own + name
      const id = asText(row.TriggerObjectOrEventId)
      // In the form of the flow's own metadata, so that the same code reads it.
      const definition = {
        start: {
          triggerType: asText(row.TriggerType),
          recordTriggerType: asText(row.RecordTriggerType),
          object: id === null ? null : (names.get(id.slice(0, 15)) ?? id),
        },
        triggerOrder: typeof row.TriggerOrder === 'number' ? String(row.TriggerOrder) : null,
      }
      return [sameName(fullName), definition] as const
    }),
  )
}

const APEX_FLAGS: readonly [string, ApexMoment][] = [
  ['UsageBeforeInsert', 'before create'],
  ['UsageAfterInsert', 'after create'],
  ['UsageBeforeUpdate', 'before update'],
  ['UsageAfterUpdate', 'after update'],
  ['UsageBeforeDelete', 'before delete'],
  ['UsageAfterDelete', 'after delete'],
  ['UsageAfterUndelete', 'after undelete'],
]

/** By the trigger's case-insensitive name. */
const apexMoments = async (org: SalesforceOrg): Promise<Map<string, ReadonlySet<ApexMoment>>> => {
  const rows = await rowsOf(
    org,
    soql`SELECT Name, NamespacePrefix, UsageBeforeInsert, UsageAfterInsert, UsageBeforeUpdate,
      UsageAfterUpdate, UsageBeforeDelete, UsageAfterDelete, UsageAfterUndelete FROM ApexTrigger`,
    true,
  )
  return new Map(
    rows.map((row) => {
      const namespace = asText(row.NamespacePrefix)
      const name = `${namespace === null ? '' : `${namespace}__`}${asText(row.Name) ?? ''}`
      const moments = APEX_FLAGS.filter(([flag]) => row[flag] === true)
      return [sameName(name), new Set(moments.map(([, moment]) => moment))] as const
    }),
  )
}

/** The content of these, by key: from the snapshot if unchanged since, else from Salesforce. */
const contentsOf = async (
  org: SalesforceOrg,
  snapshot: CompleteSnapshot | null,
  unknown: readonly ListedAutomation[],
  warnings: ListWarning[],
): Promise<Map<string, JsonObject>> => {
  const contents = new Map<string, JsonObject>()
  if (unknown.length === 0) return contents
  const kept = new Map(
    (await snapshot?.readAutomations())?.map((automation) => [
      keyOfAutomation(automation),
      automation,
    ]),
  )
  const missing = new Map<string, ListedAutomation>()
  for (const one of unknown) {
    const key = keyOfAutomation(one.info)
    const before = kept.get(key)
    const stands =
      before !== undefined &&
      before.definition !== null &&
      one.info.last_modified_at !== null &&
      before.last_modified_at === one.info.last_modified_at &&
      before.definition_version === one.bodyVersion
    if (stands && before.definition !== null) contents.set(key, before.definition)
    // Salesforce hides the content of managed packages.
    else if (!one.info.managed) missing.set(key, one)
  }
  const wanted = [...missing.values()]
  if (wanted.length === 0) return contents
  const keys = new Map(
    wanted.map((one) => [
      one.info.type === 'flow' ? `flow/${flowMember(one)}` : keyOfAutomation(one.info),
      keyOfAutomation(one.info),
    ]),
  )
  const type = wanted[0]?.info.type ?? 'workflow_rule'
  const names = wanted.map(({ info }) => info.api_name).join(', ')
  await attempt(
    warnings,
    { code: 'content_not_read', type },
    `The content of ${names} could not be read, so it is not known whether and when it runs`,
    async () => {
      for await (const { key, definition } of retrieveBodies(org, wanted, () => undefined)) {
        const own = keys.get(key)
        if (own !== undefined) contents.set(own, definition)
      }
    },
  )
  return contents
}

/**
 * The current state in the Salesforce org, with nine calls, ten without a snapshot or with an object.
 * Workflow rules (whose state is only in their content) and processes that the snapshot does not know
 * cost one more Metadata retrieve. A type that cannot be listed is a warning. Throws SalesforceError if
 * the whole org fails.
 */
export const listLive = async (
  org: SalesforceOrg,
  snapshot: CompleteSnapshot | null,
  wanted: Wanted,
): Promise<WorkflowListing> => {
  const warnings: ListWarning[] = []
  const objectNames = snapshot?.objectNames ?? (await objectNamesOf(org))
  const wantsFlows = wanted.types.has('flow')
  const [listing, starts] = await Promise.all([
    listAutomations(org, objectNames),
    wantsFlows
      ? attempt(
          warnings,
          { code: 'content_not_read', type: 'flow' },
          'When flows start is not known',
          () => flowStarts(org),
        )
      : null,
  ])
  for (const [type, { code, message }] of listing.failures) {
    if (!wanted.types.has(type)) continue
    warnings.push({
      code: 'type_not_listed',
      type,
      message: `Salesforce did not list them: ${withoutQuery(message)} (${code})`,
    })
  }

  const isHere = (object: string | null): boolean =>
    wanted.object === null || (object !== null && sameName(object) === sameName(wanted.object))
  const startOf = ({ info }: ListedAutomation): JsonObject | null =>
    starts?.get(sameName(info.api_name)) ?? null
  const listed = listing.listed.filter(({ info }) => wanted.types.has(info.type))
  const contents = await contentsOf(
    org,
    snapshot,
    listed.filter(({ info, ...rest }) =>
      info.type === 'workflow_rule'
        ? info.active === null && isHere(info.object)
        : // Salesforce: Process Builder's processes have no start; object and moment are metadata values.
          info.type === 'flow' &&
          info.process_type === 'Workflow' &&
          starts !== null &&
          !hasTrigger(startOf({ info, ...rest })),
    ),
    warnings,
  )
  // Needed only for the order of execution.
  const moments = listed.some(
    ({ info, trigger }) =>
      wanted.object !== null &&
      info.type === 'apex_trigger' &&
      trigger?.timing === 'both' &&
      isHere(info.object),
  )
    ? await attempt(
        warnings,
        { code: 'content_not_read', type: 'apex_trigger' },
        'The events of triggers could not be read',
        () => apexMoments(org),
      )
    : null

  const workflows = listed.map((one): ListedWorkflow => {
    const definition = contents.get(keyOfAutomation(one.info)) ?? startOf(one)
    const whole = assemble(one.info, definition, one.bodyVersion, one.trigger)
    return {
      ...one.info,
      object: whole.object,
      active: one.info.active ?? (definition === null ? null : leaf(definition.active) === 'true'),
      trigger: whole.trigger,
      moments: moments?.get(sameName(one.info.api_name)) ?? null,
    }
  })
  return { workflows, warnings }
}

const hasTrigger = (definition: JsonObject | null): boolean => {
  const start = isObject(definition?.start) ? definition.start : {}
  return leaf(start.triggerType) !== null && leaf(start.object) !== null
}

const objectNamesOf = async (org: SalesforceOrg): Promise<string[]> => {
  const answer = await describeGlobal(org)
  const body = answer.result === 'ok' ? answer.body : {}
  return listObjects(body.sobjects).flatMap(({ name }) => asText(name) ?? [])
}

const isType = (name: string): name is AutomationType =>
  (AUTOMATION_TYPES as readonly string[]).includes(name)

/** The state in the snapshot; what its pull could not read is a warning. */
export const listSnapshot = async (
  snapshot: CompleteSnapshot,
  unreadable: Snapshot['stats']['unreadable'],
  wanted: Wanted,
): Promise<WorkflowListing> => {
  const automations = (await snapshot.readAutomations()).filter(({ type }) =>
    wanted.types.has(type),
  )
  const typeOf = new Map(automations.map(({ type, api_name: name }) => [name, type]))
  const warnings = unreadable.flatMap(({ object: name, message }): ListWarning[] => {
    if (isType(name)) {
      return wanted.types.has(name)
        ? [
            {
              code: 'type_not_listed',
              type: name,
              message: `Version ${snapshot.version} has them from the version before: ${message}`,
            },
          ]
        : []
    }
    const type = typeOf.get(name)
    return type === undefined
      ? []
      : [{ code: 'content_not_read', type, message: `${name}: ${message}` }]
  })
  return { workflows: automations.map(fromAutomation), warnings }
}

const fromAutomation = (automation: Automation): ListedWorkflow => {
  const { definition, definition_version: _version, ...info } = automation
  const code = automation.type === 'apex_trigger' ? asText(definition?.body) : null
  return { ...info, moments: code === null ? null : apexMomentsOf(code) }
}

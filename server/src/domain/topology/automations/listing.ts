// The automations of a Salesforce org and their state: one query per type, however many there are.

import { canonicalJson } from '../../canonical.ts'
import { hashOf } from '../content-hash.ts'
import { type Soql, soql } from '../../../salesforce/escape.ts'
import { type Failure, isRefusal, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../../salesforce/json.ts'
import { query } from '../../../salesforce/rest.ts'
import { toolingQuery } from '../../../salesforce/tooling.ts'
import {
  apexTrigger,
  type AutomationInfo,
  type AutomationType,
  type Trigger,
} from './automation.ts'

export interface ListedAutomation {
  info: AutomationInfo
  trigger: Trigger | null
  /** Changes when the definition changes; null if Salesforce does not date it. */
  bodyStamp: string | null
  /** The date in the stamp, in Salesforce's own writing. */
  bodyDate: string | null
  /** For a flow: the version whose content is needed. */
  bodyVersion: number | null
}

export interface Listing {
  listed: ListedAutomation[]
  /** Types that could not be listed, with Salesforce's reason. */
  failures: Map<AutomationType, Failure>
}

/** Fingerprint of everything that the listing alone shows. */
export const infoStamp = ({ info, trigger }: ListedAutomation): string =>
  hashOf(canonicalJson({ info, trigger })).slice(0, 22)

const text = (row: JsonObject, name: string): string | null => asText(row[name])
const number = (row: JsonObject, name: string): number | null =>
  typeof row[name] === 'number' ? row[name] : null

/** ISO 8601 in UTC; Salesforce writes 2024-05-01T10:00:00.000+0000. */
const isoTime = (written: string | null): string | null => {
  const ms = written === null ? Number.NaN : Date.parse(written)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}

/** Salesforce: ManageableState `installed…` is a component of an installed managed package. */
const isManaged = (row: JsonObject): boolean => {
  const state = text(row, 'ManageableState')
  return state === null ? text(row, 'NamespacePrefix') !== null : state.startsWith('installed')
}

const prefixed = (namespace: string | null, name: string): string =>
  namespace === null ? name : `${namespace}__${name}`

/** Rules are named within their object. */
const within = (object: string | null, name: string): string =>
  object === null ? name : `${object}.${name}`

const nothing = { active_version: null, latest_version: null, versions: [], process_type: null }

const collect = async (rows: AsyncIterable<JsonObject>): Promise<JsonObject[]> => {
  const all: JsonObject[] = []
  for await (const row of rows) all.push(row)
  return all
}

interface FlowVersionRow {
  id: string | null
  row: JsonObject
  version: number
}

const listFlows = (definitions: JsonObject[], flows: JsonObject[]): ListedAutomation[] => {
  const byDefinition = new Map<string, FlowVersionRow[]>()
  for (const row of flows) {
    const definitionId = text(row, 'DefinitionId')
    const version = number(row, 'VersionNumber')
    if (definitionId === null || version === null) continue
    const known = byDefinition.get(definitionId) ?? []
    byDefinition.set(definitionId, [...known, { id: text(row, 'Id'), row, version }])
  }
  return definitions.flatMap((definition) => {
    const name = text(definition, 'DeveloperName')
    if (name === null) return []
    const versions = (byDefinition.get(text(definition, 'Id') ?? '') ?? []).toSorted(
      (a, b) => a.version - b.version,
    )
    const active = versions.find(({ id }) => id !== null && id === definition.ActiveVersionId)
    const latest = versions.find(({ id }) => id === definition.LatestVersionId) ?? versions.at(-1)
    const shown = active ?? latest
    const bodyDate = shown === undefined ? null : text(shown.row, 'LastModifiedDate')
    const dates = [definition, ...versions.map(({ row }) => row)]
      .map((row) => isoTime(text(row, 'LastModifiedDate')))
      .filter((date) => date !== null)
    const info: AutomationInfo = {
      type: 'flow',
      api_name: prefixed(text(definition, 'NamespacePrefix'), name),
      label: text(shown?.row ?? definition, 'MasterLabel') ?? text(definition, 'MasterLabel'),
      object: null,
      active: text(definition, 'ActiveVersionId') !== null,
      active_version: active?.version ?? null,
      latest_version: latest?.version ?? null,
      versions: versions.map(({ row, version }) => ({
        version,
        status: text(row, 'Status') ?? 'Unknown',
        last_modified_at: isoTime(text(row, 'LastModifiedDate')),
      })),
      process_type: shown === undefined ? null : text(shown.row, 'ProcessType'),
      managed: isManaged(definition),
      last_modified_at: dates.toSorted().at(-1) ?? null,
    }
    return [
      {
        info,
        trigger: null,
        bodyDate,
        bodyStamp: bodyDate === null ? null : `${shown?.id}@${bodyDate}`,
        bodyVersion: shown?.version ?? null,
      },
    ]
  })
}

/** A row of a type without versions. */
const listed = (
  row: JsonObject,
  info: Pick<AutomationInfo, 'type' | 'api_name' | 'label' | 'object' | 'active'>,
  trigger: Trigger | null = null,
): ListedAutomation => {
  const date = text(row, 'LastModifiedDate')
  return {
    info: { ...info, ...nothing, managed: isManaged(row), last_modified_at: isoTime(date) },
    trigger,
    bodyDate: date,
    bodyStamp: date === null ? null : `${text(row, 'Id')}@${date}`,
    bodyVersion: null,
  }
}

const CUSTOM_OBJECT_ID = /^01I[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$/

/**
 * Salesforce: TableEnumOrId is the name of a standard object and the id of a custom one. Tooling's
 * CustomObject knows name and namespace but not the suffix (__c, __e, __mdt …): the list of all
 * objects does.
 */
const createObjectNames = (org: SalesforceOrg, objectNames: readonly string[]) => {
  let known: Promise<Map<string, string>> | null = null

  const load = async (): Promise<Map<string, string>> => {
    const bare = new Map(objectNames.map((name) => [name.replace(/__[a-z]+$/, ''), name]))
    const byId = new Map<string, string>()
    const rows = toolingQuery(
      org,
      soql`SELECT Id, DeveloperName, NamespacePrefix FROM CustomObject`,
    )
    for await (const row of rows) {
      const name = prefixed(text(row, 'NamespacePrefix'), text(row, 'DeveloperName') ?? '')
      byId.set((text(row, 'Id') ?? '').slice(0, 15), bare.get(name) ?? `${name}__c`)
    }
    return byId
  }

  return async (nameOrId: string | null): Promise<string | null> => {
    if (nameOrId === null || !CUSTOM_OBJECT_ID.test(nameOrId)) return nameOrId
    known ??= load()
    return (await known).get(nameOrId.slice(0, 15)) ?? nameOrId
  }
}

/**
 * Lists all automations of a Salesforce org: six queries, one more if custom objects have rules. A type
 * that Salesforce refuses is among the failures; throws SalesforceError for a temporary failure, and if
 * every type is refused: then the types are not at fault.
 */
export const listAutomations = async (
  org: SalesforceOrg,
  objectNames: readonly string[],
): Promise<Listing> => {
  const objectName = createObjectNames(org, objectNames)
  const tooling = (text: Soql) => collect(toolingQuery(org, text))

  const lists: [AutomationType, () => Promise<ListedAutomation[]>][] = [
    [
      'flow',
      async () => {
        const [definitions, flows] = await Promise.all([
          tooling(soql`SELECT Id, DeveloperName, NamespacePrefix, MasterLabel, ManageableState,
            ActiveVersionId, LatestVersionId, LastModifiedDate FROM FlowDefinition`),
          tooling(soql`SELECT Id, DefinitionId, MasterLabel, VersionNumber, Status, ProcessType,
            LastModifiedDate FROM Flow`),
        ])
        return listFlows(definitions, flows)
      },
    ],
    [
      'validation_rule',
      async () => {
        const rows = await tooling(soql`SELECT Id, ValidationName, NamespacePrefix, Active,
          ManageableState, EntityDefinition.QualifiedApiName, LastModifiedDate FROM ValidationRule`)
        return rows.map((row) => {
          const entity = isObject(row.EntityDefinition) ? row.EntityDefinition : {}
          const object = text(entity, 'QualifiedApiName')
          const name = prefixed(text(row, 'NamespacePrefix'), text(row, 'ValidationName') ?? '')
          const active = row.Active === true
          const label = text(row, 'ValidationName')
          return listed(row, {
            type: 'validation_rule',
            api_name: within(object, name),
            label,
            object,
            active,
          })
        })
      },
    ],
    [
      'workflow_rule',
      async () => {
        const rows = await tooling(soql`SELECT Id, Name, TableEnumOrId, NamespacePrefix,
          ManageableState, LastModifiedDate FROM WorkflowRule`)
        return Promise.all(
          rows.map(async (row) => {
            const object = await objectName(text(row, 'TableEnumOrId'))
            const name = text(row, 'Name') ?? ''
            const fullName = prefixed(text(row, 'NamespacePrefix'), name)
            return listed(row, {
              type: 'workflow_rule',
              api_name: within(object, fullName),
              label: name,
              object,
              active: null,
            })
          }),
        )
      },
    ],
    [
      'assignment_rule',
      async () => {
        const rows = await collect(
          query(
            org,
            soql`SELECT Id, Name, SobjectType, Active, LastModifiedDate FROM AssignmentRule`,
          ),
        )
        return rows.map((row) => {
          const [object, label] = [text(row, 'SobjectType'), text(row, 'Name')]
          const apiName = within(object, label ?? '')
          const active = row.Active === true
          return listed(row, { type: 'assignment_rule', api_name: apiName, label, object, active })
        })
      },
    ],
    [
      'apex_trigger',
      async () => {
        const rows = await tooling(soql`SELECT Id, Name, NamespacePrefix, TableEnumOrId, Status,
          ManageableState, UsageBeforeInsert, UsageAfterInsert, UsageBeforeUpdate, UsageAfterUpdate,
          UsageBeforeDelete, UsageAfterDelete, UsageAfterUndelete, LastModifiedDate FROM ApexTrigger`)
        return Promise.all(
          rows.map(async (row) => {
            const object = await objectName(text(row, 'TableEnumOrId'))
            const label = text(row, 'Name')
            const apiName = prefixed(text(row, 'NamespacePrefix'), label ?? '')
            const active = row.Status === 'Active'
            return listed(
              row,
              { type: 'apex_trigger', api_name: apiName, label, object, active },
              apexTrigger(row, object),
            )
          }),
        )
      },
    ],
  ]

  const listing: Listing = { listed: [], failures: new Map() }
  const outcomes = await Promise.allSettled(lists.map(([, read]) => read()))
  for (const [index, outcome] of outcomes.entries()) {
    const type = lists[index]?.[0]
    if (type === undefined) continue
    if (outcome.status === 'fulfilled') {
      listing.listed.push(...outcome.value)
      continue
    }
    const error: unknown = outcome.reason
    if (!(error instanceof SalesforceError) || !isRefusal(error.failure)) throw error
    listing.failures.set(type, error.failure)
  }
  const [first] = listing.failures.values()
  if (first !== undefined && listing.failures.size === lists.length)
    throw new SalesforceError(first)
  return listing
}

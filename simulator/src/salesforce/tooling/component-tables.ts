// The Tooling API's view of automations, layouts, packages and dependencies. Salesforce: Tooling API
// guide, objects of these names.

import type { Flow, Org } from '../../org/model.ts'
import type { SoqlRow } from '../../soql/schema.ts'
import {
  apexTriggerBody,
  flowDefinitionBody,
  flowVersionBody,
  liveFields,
  workflowRuleBody,
} from '../metadata/bodies.ts'
import { flowName, latestVersion, liveObjects } from '../metadata/catalogue.ts'
import type { MetadataNode } from '../metadata/xml.ts'
import { derivedId } from '../query-ids.ts'
import { auditColumns, auditValues, setupTables } from '../query-setup.ts'
import { reference, type VirtualTable } from '../query-tables.ts'
import {
  joined,
  metadataColumns,
  metadataValues,
  oneMetadata,
  schemaTables,
  tableEnumOrId,
} from './schema-tables.ts'

/** Every object that Tooling queries can name, by lower-cased name. */
export function toolingTables(org: Org): Map<string, VirtualTable> {
  const shared = setupTables(org)
  const fromSetup = ['User', 'Profile', 'PermissionSet', 'Group'].flatMap(
    (name) => shared.get(name.toLowerCase()) ?? [],
  )
  const own = [
    flowDefinition(org),
    flow(org),
    workflowRule(org),
    apexTrigger(org),
    layout(org),
    installedPackage(org),
    subscriberPackage(org),
    subscriberPackageVersion(org),
    dependencies(org),
    deployRequest(),
  ]
  return new Map([
    ...schemaTables(org),
    ...[...own, ...fromSetup].map((table) => [table.name.toLowerCase(), table] as const),
  ])
}

const activeVersionId = (definition: Flow) =>
  definition.versions.find(({ number }) => number === definition.activeVersion)?.id ?? null

const flowDefinition = (org: Org): VirtualTable => ({
  name: 'FlowDefinition',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    MasterLabel: 'string',
    Description: 'textarea',
    ActiveVersionId: reference('Flow', 'ActiveVersion'),
    LatestVersionId: reference('Flow', 'LatestVersion'),
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    [...org.flows.values()].map((definition) =>
      joined(
        {
          Id: definition.id,
          DeveloperName: definition.developerName,
          MasterLabel: definition.label,
          Description: definition.description,
          ActiveVersionId: activeVersionId(definition),
          LatestVersionId: latestVersion(definition)?.id ?? null,
        },
        metadataValues(flowName(definition), definition.namespace, () =>
          flowDefinitionBody(definition),
        ),
        auditValues(definition),
      ),
    ),
})

const flow = (org: Org): VirtualTable => ({
  name: 'Flow',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    DefinitionId: reference('FlowDefinition', 'Definition'),
    MasterLabel: 'string',
    Description: 'textarea',
    VersionNumber: 'int',
    Status: 'picklist',
    ProcessType: 'picklist',
    ApiVersion: 'double',
    RunInMode: 'picklist',
    IsTemplate: 'boolean',
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    [...org.flows.values()].flatMap((definition) =>
      definition.versions.map((version) =>
        joined(
          {
            Id: version.id,
            DefinitionId: definition.id,
            MasterLabel: version.label,
            Description: version.metadata['description'] ?? definition.description,
            VersionNumber: version.number,
            Status: version.status,
            ProcessType: definition.processType,
            ApiVersion: Number(version.metadata['apiVersion'] ?? 0),
            RunInMode: version.metadata['runInMode'] ?? null,
            IsTemplate: version.metadata['isTemplate'] === true,
          },
          metadataValues(`${flowName(definition)}-${version.number}`, definition.namespace, () =>
            flowVersionBody(version),
          ),
          auditValues(version),
        ),
      ),
    ),
})

const workflowRule = (org: Org): VirtualTable => ({
  name: 'WorkflowRule',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    Name: 'string',
    TableEnumOrId: 'picklist',
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    org.workflowRules.map((rule) =>
      joined(
        { Id: rule.id, Name: rule.name, TableEnumOrId: tableEnumOrId(org, rule.object) },
        metadataValues(`${rule.object}.${rule.name}`, rule.namespace, () => workflowRuleBody(rule)),
        auditValues(rule),
      ),
    ),
})

const usages = ['Before', 'After'].flatMap((when) =>
  ['Insert', 'Update', 'Delete', 'Undelete'].map((what) => `${when}${what}`),
)

const apexTrigger = (org: Org): VirtualTable => ({
  name: 'ApexTrigger',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    Name: 'string',
    TableEnumOrId: 'picklist',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    Status: 'picklist',
    IsValid: 'boolean',
    ApiVersion: 'double',
    Body: 'textarea',
    LengthWithoutComments: 'int',
    UsageIsBulk: 'boolean',
    // Salesforce: there is no "before undelete".
    ...Object.fromEntries(
      usages.filter((name) => name !== 'BeforeUndelete').map((name) => [`Usage${name}`, 'boolean']),
    ),
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    org.apexTriggers.map((trigger) => {
      // Events come as "before insert" or "beforeInsert".
      const events = new Set(trigger.events.map((event) => event.replace(/\s/g, '').toLowerCase()))
      const hidden = trigger.namespace !== null
      return joined(
        {
          Id: trigger.id,
          Name: trigger.name,
          TableEnumOrId: tableEnumOrId(org, trigger.object),
          EntityDefinitionId: tableEnumOrId(org, trigger.object),
          Status: trigger.active ? 'Active' : 'Inactive',
          IsValid: true,
          ApiVersion: trigger.apiVersion,
          Body: hidden ? '(hidden)' : trigger.body,
          LengthWithoutComments: hidden ? -1 : trigger.body.length,
          UsageIsBulk: false,
          ...Object.fromEntries(
            usages.map((name) => [`Usage${name}`, events.has(name.toLowerCase())]),
          ),
        },
        metadataValues(trigger.name, trigger.namespace, () => apexTriggerBody(trigger)),
        auditValues(trigger),
      )
    }),
})

const layout = (org: Org): VirtualTable => ({
  name: 'Layout',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    Name: 'string',
    LayoutType: 'picklist',
    TableEnumOrId: 'picklist',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    org.layouts.map((item) =>
      joined(
        {
          Id: item.id,
          Name: item.name,
          LayoutType: 'Standard',
          TableEnumOrId: tableEnumOrId(org, item.object),
          EntityDefinitionId: tableEnumOrId(org, item.object),
        },
        metadataValues(
          `${item.object}-${item.name}`,
          item.namespace,
          () => item.metadata as MetadataNode,
        ),
        auditValues(item),
      ),
    ),
})

const installedPackage = (org: Org): VirtualTable => ({
  name: 'InstalledSubscriberPackage',
  columns: {
    Id: 'id',
    SubscriberPackageId: reference('SubscriberPackage', 'SubscriberPackage'),
    SubscriberPackageVersionId: reference('SubscriberPackageVersion', 'SubscriberPackageVersion'),
    MinPackageVersionId: 'string',
  },
  rows: () =>
    org.packages.map((item) => ({
      Id: derivedId('0A3', item.id),
      SubscriberPackageId: item.id,
      SubscriberPackageVersionId: item.versionId,
      MinPackageVersionId: null,
    })),
})

const subscriberPackage = (org: Org): VirtualTable => ({
  name: 'SubscriberPackage',
  columns: {
    Id: 'id',
    Name: 'string',
    NamespacePrefix: 'string',
    Description: 'string',
    IsPackageValid: 'boolean',
  },
  rows: () =>
    org.packages.map((item) => ({
      Id: item.id,
      Name: item.name,
      NamespacePrefix: item.namespace,
      Description: null,
      IsPackageValid: true,
    })),
})

const subscriberPackageVersion = (org: Org): VirtualTable => ({
  name: 'SubscriberPackageVersion',
  columns: {
    Id: 'id',
    Name: 'string',
    MajorVersion: 'int',
    MinorVersion: 'int',
    PatchVersion: 'int',
    BuildNumber: 'int',
    IsBeta: 'boolean',
    IsManaged: 'boolean',
    SubscriberPackageId: reference('SubscriberPackage', 'SubscriberPackage'),
  },
  rows: () =>
    org.packages.map((item) => {
      const [major = 1, minor = 0, patch = 0, build = 0] = item.version.split('.').map(Number)
      return {
        Id: item.versionId,
        Name: item.version,
        MajorVersion: major,
        MinorVersion: minor,
        PatchVersion: patch,
        BuildNumber: build,
        IsBeta: false,
        IsManaged: true,
        SubscriberPackageId: item.id,
      }
    }),
})

interface Component {
  type: string
  id: string
  name: string
  namespace: string | null
  /** Everything the component says, to look for names in. */
  text: string
  /** The object it belongs to, if any. */
  object: string | null
}

const dependencies = (org: Org): VirtualTable => ({
  name: 'MetadataComponentDependency',
  // Salesforce: beta, at most 2000 rows per query (Tooling API guide).
  restrictions: { maxRows: 2000 },
  columns: {
    Id: 'string',
    MetadataComponentId: 'string',
    MetadataComponentName: 'string',
    MetadataComponentNamespace: 'string',
    MetadataComponentType: 'string',
    RefMetadataComponentId: 'string',
    RefMetadataComponentName: 'string',
    RefMetadataComponentNamespace: 'string',
    RefMetadataComponentType: 'string',
  },
  rows: () => dependencyRows(org),
})

/** Who mentions which custom field or custom object. */
function* dependencyRows(org: Org): Generator<SoqlRow> {
  const objects = liveObjects(org)
  const customNames = /[A-Za-z]\w*__c\b/g
  for (const from of referringComponents(org)) {
    const named = new Set((from.text.match(customNames) ?? []).map((name) => name.toLowerCase()))
    if (named.size === 0) continue
    for (const object of objects) {
      const mentioned = named.has(object.name.toLowerCase()) && object.describe.custom
      if (mentioned && object.name !== from.object) {
        yield dependency(from, object.durableId, object.name, object.namespace, 'CustomObject')
      }
      if (!mentioned && object.name !== from.object && !from.text.includes(object.name)) continue
      for (const name of named) {
        const field = object.fields.get(name)
        if (!field?.describe.custom || field.deletedAt || field.id === from.id) continue
        yield dependency(from, field.id, field.describe.name, object.namespace, 'CustomField')
      }
    }
  }
}

function dependency(
  from: Component,
  refId: string,
  refName: string,
  refNamespace: string | null,
  refType: string,
): SoqlRow {
  return {
    Id: derivedId('000', `${from.id} ${refId}`),
    MetadataComponentId: from.id,
    MetadataComponentName: from.name,
    MetadataComponentNamespace: from.namespace,
    MetadataComponentType: from.type,
    RefMetadataComponentId: refId,
    // Salesforce: custom entities are named without their suffix here.
    RefMetadataComponentName: refName.replace(/__c$/, ''),
    RefMetadataComponentNamespace: refNamespace,
    RefMetadataComponentType: refType,
  }
}

function* referringComponents(org: Org): Generator<Component> {
  for (const object of liveObjects(org)) {
    for (const rule of object.validationRules) {
      const { id, name, namespace, errorConditionFormula: text } = rule
      yield { type: 'ValidationRule', id, name, namespace, text, object: object.name }
    }
    for (const { id, describe } of liveFields(object)) {
      const text = describe.calculatedFormula
      if (!describe.custom || text === null) continue
      yield {
        type: 'CustomField',
        id,
        name: describe.name,
        namespace: null,
        text,
        object: object.name,
      }
    }
  }
  for (const definition of org.flows.values()) {
    const { namespace, triggerObject: object } = definition
    for (const { id, metadata } of definition.versions) {
      const text = JSON.stringify(metadata)
      yield { type: 'Flow', id, name: definition.developerName, namespace, text, object }
    }
  }
  for (const { id, name, namespace, formula: text, object } of org.workflowRules) {
    yield { type: 'WorkflowRule', id, name, namespace, text, object }
  }
  for (const { id, name, namespace, body: text, object } of org.apexTriggers) {
    yield { type: 'ApexTrigger', id, name, namespace, text, object }
  }
  for (const { id, name, namespace, metadata, object } of org.layouts) {
    yield { type: 'Layout', id, name, namespace, text: JSON.stringify(metadata), object }
  }
}

/** Deployments are not simulated yet, so nothing was ever deployed: the table is empty. */
const deployRequest = (): VirtualTable => ({
  name: 'DeployRequest',
  columns: {
    Id: 'id',
    Status: 'picklist',
    Type: 'picklist',
    CheckOnly: 'boolean',
    StartDate: 'datetime',
    CompletedDate: 'datetime',
    NumberComponentsTotal: 'int',
    NumberComponentsDeployed: 'int',
    NumberComponentErrors: 'int',
    ErrorMessage: 'string',
    ...auditColumns,
  },
  rows: () => [],
})

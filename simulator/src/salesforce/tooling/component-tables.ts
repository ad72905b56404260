// The Tooling API's view of automations, layouts and packages. Salesforce: Tooling API
// guide, objects of these names.

import { isDocumentedInTooling } from '../../documented.ts'
import { notFound, notSimulated } from '../../refusals.ts'
import { salesforceDateTime } from '../../org/ids.ts'
import type { Flow, Org } from '../../org/model.ts'
import {
  apexTriggerBody,
  flowDefinitionBody,
  flowVersionBody,
  workflowRuleBody,
} from '../metadata/bodies.ts'
import { flowName, latestVersion } from '../metadata/catalogue.ts'
import { countOf, deploysOf } from '../metadata/deploy/jobs.ts'
import type { MetadataNode } from '../../org/metadata-xml.ts'
import { derivedId } from '../query/derived-ids.ts'
import { auditColumns, auditValues } from '../query/audit.ts'
import { setupTables } from '../query/setup-tables.ts'
import { reference, type VirtualTable } from '../query/tables.ts'
import { metadataColumns, metadataValues, oneMetadata, tableEnumOrId } from './columns.ts'
import { dependencies } from './dependencies.ts'
import { entityTables } from './entity-tables.ts'
import { partTables } from './part-tables.ts'
import { schemaTables } from './schema-tables.ts'

/** Every object that Tooling queries can name, by lower-cased name. */
export function toolingTables(org: Org): Map<string, VirtualTable> {
  const shared = setupTables(org)
  const fromSetup = ['User', 'Profile', 'PermissionSet', 'PermissionSetGroup', 'Group'].flatMap(
    (name) => shared.get(name.toLowerCase()) ?? [],
  )
  const own = [
    flowDefinition(org),
    flow(org),
    workflowRule(org),
    apexTrigger(org),
    layout(org),
    externalString(org),
    installedPackage(org),
    subscriberPackage(org),
    subscriberPackageVersion(org),
    dependencies(org),
    deployRequest(org),
  ]
  const tables = [
    ...entityTables(org),
    ...schemaTables(org),
    ...partTables(org),
    ...own,
    ...fromSetup,
  ]
  return new Map(tables.map((table) => [table.name.toLowerCase(), table]))
}

/**
 * The object of this name. Throws Salesforce's error if there is none, and "not simulated" if only the
 * simulator lacks it.
 */
export function toolingTable(org: Org, name: string): VirtualTable {
  const table = toolingTables(org).get(name.toLowerCase())
  if (table !== undefined) return table
  throw isDocumentedInTooling(name) ? notSimulated(`the Tooling object ${name}`) : notFound()
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
    [...org.flows.values()].map((definition) => ({
      Id: definition.id,
      DeveloperName: definition.developerName,
      MasterLabel: definition.label,
      Description: definition.description,
      ActiveVersionId: activeVersionId(definition),
      LatestVersionId: latestVersion(definition)?.id ?? null,
      ...metadataValues(flowName(definition), definition.namespace, () =>
        flowDefinitionBody(definition),
      ),
      ...auditValues(definition),
    })),
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
      definition.versions.map((version) => ({
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
        ...metadataValues(`${flowName(definition)}-${version.number}`, definition.namespace, () =>
          flowVersionBody(version),
        ),
        ...auditValues(version),
      })),
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
    org.workflowRules.map((rule) => ({
      Id: rule.id,
      Name: rule.name,
      TableEnumOrId: tableEnumOrId(org, rule.object),
      ...metadataValues(`${rule.object}.${rule.name}`, rule.namespace, () =>
        workflowRuleBody(rule),
      ),
      ...auditValues(rule),
    })),
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
      // Events are written as "before insert" or "beforeInsert".
      const events = new Set(trigger.events.map((event) => event.replace(/\s/g, '').toLowerCase()))
      const hidden = trigger.namespace !== null
      return {
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
        ...metadataValues(trigger.name, trigger.namespace, () => apexTriggerBody(trigger)),
        ...auditValues(trigger),
      }
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
    org.layouts.map((item) => ({
      Id: item.id,
      Name: item.name,
      LayoutType: 'Standard',
      TableEnumOrId: tableEnumOrId(org, item.object),
      EntityDefinitionId: tableEnumOrId(org, item.object),
      ...metadataValues(
        `${item.object}-${item.name}`,
        item.namespace,
        () => item.metadata as MetadataNode,
      ),
      ...auditValues(item),
    })),
})

/** The custom labels. */
const externalString = (org: Org): VirtualTable => ({
  name: 'ExternalString',
  columns: {
    Id: 'id',
    Name: 'string',
    MasterLabel: 'string',
    Value: 'string',
    Category: 'string',
    Language: 'picklist',
    IsProtected: 'boolean',
    NamespacePrefix: 'string',
    ManageableState: 'picklist',
    ...auditColumns,
  },
  rows: () =>
    [...org.customLabels.values()].map((label) => ({
      Id: label.id,
      Name: label.name,
      MasterLabel: label.shortDescription,
      Value: label.value,
      Category: label.categories,
      Language: label.language,
      IsProtected: label.isProtected,
      NamespacePrefix: null,
      ManageableState: 'unmanaged',
      ...auditValues(label),
    })),
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

const deployRequest = (org: Org): VirtualTable => ({
  name: 'DeployRequest',
  columns: {
    Id: 'id',
    Status: 'picklist',
    Type: 'picklist',
    AllowMissingFiles: 'boolean',
    CanceledById: reference('User', 'CanceledBy'),
    CheckOnly: 'boolean',
    StartDate: 'datetime',
    CompletedDate: 'datetime',
    ErrorMessage: 'string',
    ErrorStatusCode: 'picklist',
    IgnoreWarnings: 'boolean',
    NumberComponentsTotal: 'int',
    NumberComponentsDeployed: 'int',
    NumberComponentErrors: 'int',
    NumberTestErrors: 'int',
    NumberTestsCompleted: 'int',
    NumberTestsTotal: 'int',
    PurgeOnDelete: 'boolean',
    RollbackOnError: 'boolean',
    RunTestsEnabled: 'boolean',
    SinglePackage: 'boolean',
    StateDetail: 'string',
    TestLevel: 'picklist',
    ...auditColumns,
  },
  rows: () =>
    deploysOf(org).all.map((job) => ({
      Id: job.id,
      Status: job.status,
      Type: 'Api',
      AllowMissingFiles: job.options.allowMissingFiles,
      CanceledById: job.canceledById ?? null,
      CheckOnly: job.options.checkOnly,
      StartDate: job.startDate ? salesforceDateTime(job.startDate) : null,
      CompletedDate: job.completedDate ? salesforceDateTime(job.completedDate) : null,
      ErrorMessage: job.errorMessage ?? null,
      ErrorStatusCode: job.errorStatusCode ?? null,
      IgnoreWarnings: job.options.ignoreWarnings,
      NumberComponentsTotal: job.componentsTotal,
      NumberComponentsDeployed: deploysOf(org).progress(job).deployed,
      NumberComponentErrors: countOf(job, false),
      NumberTestErrors: 0,
      NumberTestsCompleted: 0,
      NumberTestsTotal: 0,
      PurgeOnDelete: job.options.purgeOnDelete,
      RollbackOnError: job.options.rollbackOnError,
      RunTestsEnabled: job.options.testLevel !== null && job.options.testLevel !== 'NoTestRun',
      SinglePackage: job.options.singlePackage,
      StateDetail: deploysOf(org).progress(job).stateDetail,
      TestLevel: job.options.testLevel,
      ...auditValues({ ...job, lastModifiedById: job.createdById }),
    })),
})

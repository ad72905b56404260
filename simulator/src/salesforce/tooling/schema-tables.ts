// Custom objects, custom fields, global value sets, validation rules and record types as Tooling rows. Salesforce:
// Tooling API guide, objects of these names.

import { processIdOf } from '../../org/business-processes.ts'
import { writtenName } from '../../org/metadata-xml.ts'
import type { Org } from '../../org/model.ts'
import type { Confinement } from '../../soql/schema.ts'
import {
  businessProcessBody,
  fieldBody,
  globalValueSetBody,
  isDefinedOn,
  liveFields,
  recordTypeBody,
  validationRuleBody,
} from '../metadata/bodies.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { auditColumns, auditValues } from '../query/audit.ts'
import { reference, type VirtualTable } from '../query/tables.ts'
import { confinedObjects } from './entity-tables.ts'
import {
  developerName,
  metadataColumns,
  metadataValues,
  namespaceOf,
  oneMetadata,
} from './columns.ts'

export function schemaTables(org: Org): VirtualTable[] {
  return [
    customObject(org),
    customField(org),
    globalValueSet(org),
    validationRule(org),
    recordType(org),
    businessProcess(org),
  ]
}

const customObject = (org: Org): VirtualTable => ({
  name: 'CustomObject',
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    NamespacePrefix: 'string',
    ManageableState: 'picklist',
    Description: 'textarea',
    Language: 'string',
    SharingModel: 'picklist',
    ...auditColumns,
  },
  rows: () =>
    liveObjects(org)
      .filter(({ describe }) => describe.custom)
      .map((object) => ({
        Id: object.durableId,
        DeveloperName: developerName(object.name),
        NamespacePrefix: object.namespace,
        ManageableState: object.namespace === null ? 'unmanaged' : 'installed',
        Description: object.description,
        Language: org.language,
        SharingModel: object.sharingModel,
        ...auditValues(object),
      })),
})

/** The paths by which queries name the parent object. */
const objectPaths = ['entitydefinitionid', 'tableenumorid', 'entitydefinition.qualifiedapiname']

const objectsOf = (org: Org, confined: Confinement) =>
  confinedObjects(
    org,
    confined,
    ['entitydefinitionid', 'tableenumorid'],
    'entitydefinition.qualifiedapiname',
  )

const customField = (org: Org): VirtualTable => ({
  name: 'CustomField',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    TableEnumOrId: 'picklist',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    Description: 'textarea',
    InlineHelpText: 'string',
    ...metadataColumns,
    ...auditColumns,
  },
  confinedBy: objectPaths,
  rows: (confined) =>
    objectsOf(org, confined).flatMap((object) =>
      liveFields(object)
        .filter((field) => isDefinedOn(object, field))
        .map((field) => {
          const name = field.describe.name
          return {
            Id: field.id,
            DeveloperName: developerName(name),
            TableEnumOrId: object.durableId,
            EntityDefinitionId: object.durableId,
            Description: field.description,
            InlineHelpText: field.describe.inlineHelpText,
            ...metadataValues(`${object.name}.${name}`, namespaceOf(name), () => fieldBody(field)),
            ...auditValues(field),
          }
        }),
    ),
})

const globalValueSet = (org: Org): VirtualTable => ({
  name: 'GlobalValueSet',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    MasterLabel: 'string',
    Description: 'string',
    Language: 'picklist',
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    [...org.globalValueSets.values()].map((set) => ({
      Id: set.id,
      DeveloperName: set.developerName,
      MasterLabel: set.label,
      Description: set.description,
      Language: org.language,
      // Salesforce: Tooling has the suffix ("GlobalValueSet"), files do not.
      ...metadataValues(`${set.developerName}__gvs`, null, () => globalValueSetBody(set)),
      ...auditValues(set),
    })),
})

const validationRule = (org: Org): VirtualTable => ({
  name: 'ValidationRule',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    ValidationName: 'string',
    Active: 'boolean',
    Description: 'string',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    ErrorDisplayField: 'string',
    ErrorMessage: 'string',
    ...metadataColumns,
    ...auditColumns,
  },
  confinedBy: objectPaths,
  rows: (confined) =>
    objectsOf(org, confined).flatMap((object) =>
      object.validationRules.map((rule) => ({
        Id: rule.id,
        ValidationName: rule.name,
        Active: rule.active,
        Description: rule.description,
        EntityDefinitionId: object.durableId,
        ErrorDisplayField: rule.errorDisplayField,
        ErrorMessage: rule.errorMessage,
        ...metadataValues(`${object.name}.${rule.name}`, rule.namespace, () =>
          validationRuleBody(rule),
        ),
        ...auditValues(rule),
      })),
    ),
})

const recordType = (org: Org): VirtualTable => ({
  name: 'RecordType',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    Name: 'string',
    SobjectType: 'picklist',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    BusinessProcessId: 'string',
    Description: 'string',
    IsActive: 'boolean',
    ...metadataColumns,
    ...auditColumns,
  },
  confinedBy: objectPaths,
  rows: (confined) =>
    objectsOf(org, confined).flatMap((object) =>
      object.recordTypes.map((type) => ({
        Id: type.id,
        Name: type.name,
        SobjectType: object.name,
        EntityDefinitionId: object.durableId,
        BusinessProcessId: processIdOf(object, type),
        Description: type.description,
        IsActive: type.active,
        ...metadataValues(`${object.name}.${type.developerName}`, null, () =>
          recordTypeBody(object, type),
        ),
        ...auditValues(type),
      })),
    ),
})

const businessProcess = (org: Org): VirtualTable => ({
  name: 'BusinessProcess',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    Name: 'string',
    Description: 'string',
    IsActive: 'boolean',
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    liveObjects(org).flatMap((object) =>
      object.businessProcesses.map((process) => ({
        Id: process.id,
        Name: process.name,
        Description: process.description,
        IsActive: process.active,
        ...metadataValues(`${object.name}.${writtenName(process.name)}`, null, () =>
          businessProcessBody(process),
        ),
        ...auditValues(process),
      })),
    ),
})

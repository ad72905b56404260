// EntityDefinition, FieldDefinition, EntityParticle and EntityLimit: the schema as Tooling shows it. It
// does not depend on field-level security: what describe hides from a user is still here. Salesforce:
// Tooling API guide, objects of these names.

import { countedFields, customFieldLimit, RELATIONSHIP_LIMIT } from '../../org/edition.ts'
import type { Field, FieldDescribe, Org, SObject } from '../../org/model.ts'
import { isCustomizable } from '../../org/schema.ts'
import { seesSetup, type Viewer } from '../../org/visibility.ts'
import type { Confinement, SoqlObject, SoqlRestrictions, SoqlRow } from '../../soql/schema.ts'
import { fieldBody, liveFields, objectBody } from '../metadata/bodies.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { metadataFieldType } from '../metadata/custom-field.ts'
import { derivedId, fieldDurableId } from '../query/derived-ids.ts'
import { confinedTo } from '../query/setup-tables.ts'
import { reference, type ColumnSpec, type VirtualTable } from '../query/tables.ts'
import { developerName, metadataEntity, namespaceOf, noId } from './columns.ts'

export function entityTables(org: Org): VirtualTable[] {
  return [entityDefinition(org), fieldDefinition(org), entityParticle(org), entityLimit(org)]
}

const ENTITIES = new Set(['EntityDefinition', 'EntityLimit', 'EntityParticle', 'FieldDefinition'])

/**
 * Salesforce: the schema's own objects are not supported for a user without View Setup and Configuration
 * (recorded of EntityParticle: tprouvot/Salesforce-Inspector-reloaded#1310).
 */
export const asSeenBy = (viewer: Viewer, object: SoqlObject | undefined): SoqlObject | undefined =>
  object && ENTITIES.has(object.name) && !seesSetup(viewer)
    ? { ...object, restrictions: { ...object.restrictions, hidden: true } }
    : object

const flag = (describe: Record<string, unknown>, key: string) => describe[key] === true

const entityDefinition = (org: Org): VirtualTable => ({
  name: 'EntityDefinition',
  key: 'DurableId',
  restrictions: metadataEntity,
  columns: {
    Id: 'string',
    DurableId: 'string',
    QualifiedApiName: 'string',
    DeveloperName: 'string',
    NamespacePrefix: 'string',
    KeyPrefix: 'string',
    Label: 'string',
    MasterLabel: 'string',
    PluralLabel: 'string',
    Description: 'textarea',
    DeploymentStatus: 'picklist',
    InternalSharingModel: 'picklist',
    ExternalSharingModel: 'picklist',
    IsCustomizable: 'boolean',
    IsCustomSetting: 'boolean',
    IsApexTriggerable: 'boolean',
    IsTriggerable: 'boolean',
    IsWorkflowEnabled: 'boolean',
    IsQueryable: 'boolean',
    IsRetrieveable: 'boolean',
    IsSearchable: 'boolean',
    IsLayoutable: 'boolean',
    IsReplicateable: 'boolean',
    IsFeedEnabled: 'boolean',
    IsMruEnabled: 'boolean',
    IsIdEnabled: 'boolean',
    IsEverCreatable: 'boolean',
    IsEverUpdatable: 'boolean',
    IsEverDeletable: 'boolean',
    IsDeprecatedAndHidden: 'boolean',
    PublisherId: 'string',
    FullName: 'string',
    Metadata: 'complexvalue',
  },
  confinedBy: ['qualifiedapiname', 'durableid'],
  rows: (confined) =>
    confinedObjects(org, confined, ['durableid'], 'qualifiedapiname').map(entityRow),
})

function entityRow(object: SObject): SoqlRow {
  const { describe } = object
  return {
    Id: noId,
    DurableId: object.durableId,
    QualifiedApiName: object.name,
    DeveloperName: developerName(object.name),
    NamespacePrefix: object.namespace,
    KeyPrefix: describe.keyPrefix,
    Label: describe.label,
    MasterLabel: describe.label,
    PluralLabel: describe.labelPlural,
    Description: object.description,
    DeploymentStatus: describe.custom ? object.deploymentStatus : null,
    InternalSharingModel: object.sharingModel,
    ExternalSharingModel: object.sharingModel,
    IsCustomizable: isCustomizable(object),
    IsCustomSetting: describe.customSetting,
    IsApexTriggerable: describe.triggerable,
    IsTriggerable: describe.triggerable,
    IsWorkflowEnabled: describe.layoutable && describe.triggerable,
    IsQueryable: describe.queryable,
    IsRetrieveable: describe.retrieveable,
    IsSearchable: describe.searchable,
    IsLayoutable: describe.layoutable,
    IsReplicateable: describe.replicateable,
    IsFeedEnabled: describe.feedEnabled,
    IsMruEnabled: describe.mruEnabled,
    IsIdEnabled: object.fields.has('id'),
    IsEverCreatable: describe.createable,
    IsEverUpdatable: describe.updateable,
    IsEverDeletable: describe.deletable,
    IsDeprecatedAndHidden: flag(describe, 'deprecatedAndHidden'),
    PublisherId: object.namespace ?? (describe.custom ? '<local>' : 'System'),
    FullName: object.name,
    Metadata: () => objectBody(object),
  }
}

/** The objects that a query names by durable id or API name. */
export function confinedObjects(
  org: Org,
  confined: Confinement,
  durableIdPaths: readonly string[],
  namePath: string,
): SObject[] {
  const names = confinedTo(confined, namePath)
  const ids = confinedTo(confined, ...durableIdPaths)
  return liveObjects(org).filter(
    (object) =>
      (!names || names.has(object.name.toLowerCase())) &&
      (!ids || ids.has(object.durableId.toLowerCase())),
  )
}

const entityPaths = ['entitydefinitionid', 'entitydefinition.qualifiedapiname', 'durableid']

const ofEntity: SoqlRestrictions = {
  ...metadataEntity,
  requiredFilters: [
    'EntityDefinitionId',
    'EntityDefinition.QualifiedApiName',
    'EntityDefinition.DurableId',
    'DurableId',
  ],
}

/** The fields of the objects that a query is restricted to. */
function confinedFields(org: Org, confined: Confinement): { object: SObject; field: Field }[] {
  const durable = confinedTo(confined, 'durableid')
  const owners = durable && new Set([...durable].map((id) => id.split('.')[0] ?? id))
  return confinedObjects(org, confined, ['entitydefinitionid'], 'entitydefinition.qualifiedapiname')
    .filter((object) => !owners || owners.has(object.durableId.toLowerCase()))
    .flatMap((object) => liveFields(object).map((field) => ({ object, field })))
}

const uiTypes: Readonly<Record<string, string>> = {
  LongTextArea: 'Long Text Area',
  TextArea: 'Text Area',
  Html: 'Rich Text Area',
  DateTime: 'Date/Time',
  MultiselectPicklist: 'Picklist (Multi-Select)',
  AutoNumber: 'Auto Number',
  EncryptedText: 'Text (Encrypted)',
  Location: 'Geolocation',
  MasterDetail: 'Master-Detail',
  Url: 'URL',
}
const sized = new Set(['Text', 'LongTextArea', 'Html', 'TextArea', 'EncryptedText'])
const scaled = new Set(['Number', 'Currency', 'Percent'])

/** The type as setup pages show it: `Text(40)`, `Lookup(Account)`, `Formula (Number)`. */
function uiType(describe: FieldDescribe): string {
  const type = metadataFieldType(describe)
  const name = uiTypes[type] ?? type
  if (describe.calculated) return `Formula (${name})`
  if (describe.type === 'id') return 'Lookup()'
  if (describe.type === 'address') return 'Address'
  if (describe.type === 'reference') return `${name}(${describe.referenceTo.join(',')})`
  if (sized.has(type)) return `${name}(${describe.length})`
  if (scaled.has(type)) return `${name}(${describe.precision - describe.scale}, ${describe.scale})`
  return name
}

function commonFieldValues(object: SObject, { describe, description, id }: Field): SoqlRow {
  return {
    Id: describe.custom ? id : noId,
    EntityDefinitionId: object.durableId,
    QualifiedApiName: describe.name,
    DeveloperName: developerName(describe.name),
    NamespacePrefix: namespaceOf(describe.name),
    Label: describe.label,
    MasterLabel: describe.label,
    Description: description,
    Length: describe.length,
    Precision: describe.precision,
    Scale: describe.scale,
    IsApiFilterable: describe.filterable,
    IsApiGroupable: describe.groupable,
    IsApiSortable: describe.sortable,
    IsCalculated: describe.calculated,
    IsCompound: describe.type === 'address' || describe.type === 'location',
    IsHighScaleNumber: flag(describe, 'highScaleNumber'),
    IsHtmlFormatted: flag(describe, 'htmlFormatted'),
    IsNameField: describe.nameField,
    IsNillable: describe.nillable,
    IsWorkflowFilterable: describe.filterable,
    // Salesforce returns an object with a list in it, or with null if it is not a reference.
    ReferenceTo: { referenceTo: describe.referenceTo.length > 0 ? describe.referenceTo : null },
    RelationshipName: describe.relationshipName,
    ReferenceTargetField: describe['referenceTargetField'] ?? null,
    ExtraTypeInfo: describe['extraTypeInfo'] ?? null,
    ValueTypeId: describe.type,
  }
}

const commonFieldColumns: Record<string, ColumnSpec> = {
  Id: 'string',
  DurableId: 'string',
  EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
  QualifiedApiName: 'string',
  DeveloperName: 'string',
  NamespacePrefix: 'string',
  Label: 'string',
  MasterLabel: 'string',
  DataType: 'string',
  Length: 'int',
  Precision: 'int',
  Scale: 'int',
  IsApiFilterable: 'boolean',
  IsApiGroupable: 'boolean',
  IsApiSortable: 'boolean',
  IsCalculated: 'boolean',
  IsCompound: 'boolean',
  IsHighScaleNumber: 'boolean',
  IsHtmlFormatted: 'boolean',
  IsNameField: 'boolean',
  IsNillable: 'boolean',
  IsWorkflowFilterable: 'boolean',
  ReferenceTo: 'complexvalue',
  RelationshipName: 'string',
  ReferenceTargetField: 'string',
  ExtraTypeInfo: 'string',
  ValueTypeId: 'string',
}

const fieldDefinition = (org: Org): VirtualTable => ({
  name: 'FieldDefinition',
  key: 'DurableId',
  restrictions: ofEntity,
  columns: {
    ...commonFieldColumns,
    Description: 'textarea',
    IsFlsEnabled: 'boolean',
    IsIndexed: 'boolean',
    IsPolymorphicForeignKey: 'boolean',
    PublisherId: 'string',
    FullName: 'string',
    Metadata: 'complexvalue',
  },
  confinedBy: entityPaths,
  rows: (confined) =>
    confinedFields(org, confined).map(({ object, field }) => ({
      ...commonFieldValues(object, field),
      DurableId: fieldDurableId(object, field),
      DataType: uiType(field.describe),
      IsFlsEnabled: flag(field.describe, 'permissionable'),
      IsIndexed:
        field.describe.externalId ||
        field.describe.unique ||
        ['id', 'reference'].includes(field.describe.type) ||
        field.describe.nameField,
      IsPolymorphicForeignKey: field.describe.referenceTo.length > 1,
      PublisherId:
        namespaceOf(field.describe.name) ?? (field.describe.custom ? '<local>' : 'System'),
      FullName: `${object.name}.${field.describe.name}`,
      Metadata: () => fieldBody(field),
    })),
})

const entityParticle = (org: Org): VirtualTable => ({
  name: 'EntityParticle',
  key: 'DurableId',
  restrictions: ofEntity,
  columns: {
    ...commonFieldColumns,
    FieldDefinitionId: reference('FieldDefinition', 'FieldDefinition'),
    Name: 'string',
    ByteLength: 'int',
    Digits: 'int',
    DefaultValueFormula: 'string',
    InlineHelpText: 'string',
    IsAutoNumber: 'boolean',
    IsCaseSensitive: 'boolean',
    IsComponent: 'boolean',
    IsCreatable: 'boolean',
    IsUpdatable: 'boolean',
    IsDefaultedOnCreate: 'boolean',
    IsDependentPicklist: 'boolean',
    IsIdLookup: 'boolean',
    IsPermissionable: 'boolean',
    IsUnique: 'boolean',
    RelationshipOrder: 'int',
  },
  confinedBy: entityPaths,
  rows: (confined) =>
    confinedFields(org, confined).map(({ object, field }) => {
      const { describe } = field
      return {
        ...commonFieldValues(object, field),
        DurableId: fieldDurableId(object, field),
        FieldDefinitionId: fieldDurableId(object, field),
        DataType: describe.type,
        Name: describe.name,
        ByteLength: describe.byteLength,
        Digits: describe.digits,
        DefaultValueFormula: describe.defaultValueFormula,
        InlineHelpText: describe.inlineHelpText,
        IsAutoNumber: describe.autoNumber,
        IsCaseSensitive: describe.caseSensitive,
        IsComponent: describe.compoundFieldName !== null,
        IsCreatable: describe.createable,
        IsUpdatable: describe.updateable,
        IsDefaultedOnCreate: describe.defaultedOnCreate,
        IsDependentPicklist: describe.dependentPicklist,
        IsIdLookup: describe.idLookup,
        IsPermissionable: flag(describe, 'permissionable'),
        IsUnique: describe.unique,
        RelationshipOrder: describe.relationshipOrder,
      }
    }),
})

// Salesforce help, "Custom Fields Allowed Per Object"; 40 relationships per object.
const entityLimit = (org: Org): VirtualTable => ({
  name: 'EntityLimit',
  key: 'DurableId',
  columns: {
    Id: 'string',
    DurableId: 'string',
    EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    Label: 'string',
    Type: 'picklist',
    Max: 'int',
    Remaining: 'int',
  },
  confinedBy: ['entitydefinitionid', 'entitydefinition.qualifiedapiname'],
  rows: (confined) =>
    confinedObjects(
      org,
      confined,
      ['entitydefinitionid'],
      'entitydefinition.qualifiedapiname',
    ).flatMap((object) => {
      // Salesforce: deleted fields count until they are erased, and managed ones do not count.
      const own = countedFields(object)
      const references = own.filter(({ describe }) => describe.type === 'reference')
      const limit = (type: string, label: string, max: number, used: number): SoqlRow => ({
        Id: derivedId('000', `${object.name} ${type}`),
        DurableId: `${object.durableId}.${type}`,
        EntityDefinitionId: object.durableId,
        Label: label,
        Type: type,
        Max: max,
        Remaining: max - used,
      })
      return [
        limit('CustomFields', 'Custom Fields', customFieldLimit(org, object), own.length),
        limit(
          'CustomRelationship',
          'Custom Relationship Fields',
          RELATIONSHIP_LIMIT,
          references.length,
        ),
      ]
    }),
})

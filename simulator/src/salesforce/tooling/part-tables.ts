// Compact layouts, field sets, buttons and links, and quick actions as Tooling rows. Salesforce: Tooling API guide, objects of
// these names. List views are rows of the data API (query/list-views.ts).

import type { ObjectPart, Org, PartElement, SObject } from '../../org/model.ts'
import type { MetadataNode } from '../../org/metadata-xml.ts'
import type { SoqlRow } from '../../soql/schema.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { auditColumns, auditValues } from '../query/audit.ts'
import { reference, type ColumnSpec, type VirtualTable } from '../query/tables.ts'
import { metadataColumns, metadataValues, oneMetadata } from './columns.ts'

export function partTables(org: Org): VirtualTable[] {
  return [compactLayout(org), fieldSet(org), webLink(org), quickAction(org)]
}

function partTable(
  org: Org,
  kind: {
    name: string
    element: PartElement
    columns: Record<string, ColumnSpec>
    row: (object: SObject, part: ObjectPart) => SoqlRow
  },
): VirtualTable {
  return {
    name: kind.name,
    restrictions: oneMetadata,
    columns: { Id: 'id', ...kind.columns, ...metadataColumns, ...auditColumns },
    rows: () =>
      liveObjects(org).flatMap((object) =>
        object.parts[kind.element].map((part) => ({
          Id: part.id,
          ...kind.row(object, part),
          ...metadataValues(
            `${object.name}.${part.name}`,
            part.namespace,
            () => part.metadata as MetadataNode,
          ),
          ...auditValues(part),
        })),
      ),
  }
}

const quickAction = (org: Org): VirtualTable => ({
  name: 'QuickActionDefinition',
  restrictions: oneMetadata,
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    MasterLabel: 'string',
    Label: 'string',
    Description: 'textarea',
    Type: 'picklist',
    StandardLabel: 'picklist',
    SobjectType: 'picklist',
    TargetSobjectType: 'picklist',
    ...metadataColumns,
    ...auditColumns,
  },
  rows: () =>
    [...org.quickActions.values()].map((action) => {
      const [name = '', object = null] = action.fullName.split('.').reverse()
      const written = (element: string) => action.metadata[element] ?? null
      const label = written('label') ?? written('standardLabel')
      return {
        Id: action.id,
        DeveloperName: name,
        MasterLabel: label,
        Label: label,
        Description: written('description'),
        Type: written('type'),
        StandardLabel: written('standardLabel'),
        // Salesforce: global actions belong to the object Global.
        SobjectType: object ?? 'Global',
        TargetSobjectType: written('targetObject'),
        ...metadataValues(action.fullName, null, () => action.metadata as MetadataNode),
        ...auditValues(action),
      }
    }),
})

const compactLayout = (org: Org) =>
  partTable(org, {
    name: 'CompactLayout',
    element: 'compactLayouts',
    columns: { DeveloperName: 'string', MasterLabel: 'string', SobjectType: 'picklist' },
    row: (object, part) => ({
      DeveloperName: part.name,
      MasterLabel: part.label,
      SobjectType: object.name,
    }),
  })

const fieldSet = (org: Org) =>
  partTable(org, {
    name: 'FieldSet',
    element: 'fieldSets',
    columns: {
      DeveloperName: 'string',
      MasterLabel: 'string',
      Description: 'string',
      EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    },
    row: (object, part) => ({
      DeveloperName: part.name,
      MasterLabel: part.label,
      Description: part.metadata['description'] ?? null,
      EntityDefinitionId: object.durableId,
    }),
  })

const webLink = (org: Org) =>
  partTable(org, {
    name: 'WebLink',
    element: 'webLinks',
    columns: {
      Name: 'string',
      MasterLabel: 'string',
      Description: 'textarea',
      DisplayType: 'picklist',
      LinkType: 'picklist',
      OpenType: 'picklist',
      Url: 'textarea',
      EntityDefinitionId: reference('EntityDefinition', 'EntityDefinition'),
    },
    row: (object, { name, label, metadata }) => ({
      Name: name,
      MasterLabel: label,
      Description: metadata['description'] ?? null,
      DisplayType: metadata['displayType'],
      LinkType: metadata['linkType'],
      OpenType: metadata['openType'],
      Url: metadata['url'] ?? null,
      EntityDefinitionId: object.durableId,
    }),
  })

// What the rows of Tooling objects have in common: names, durable ids, Metadata and its one-row rule.

import type { Org } from '../../org/model.ts'
import type { SoqlRestrictions, SoqlRow } from '../../soql/schema.ts'
import type { MetadataNode } from '../../org/metadata-xml.ts'
import type { ColumnSpec } from '../query/tables.ts'

/** What Salesforce returns as the Id of rows that have only a durable id. */
export const noId = '000000000000000AAA'
export const singleRowFields = ['FullName', 'Metadata'] as const

/** Restrictions of EntityDefinition and the like. */
export const metadataEntity: SoqlRestrictions = { metadataEntity: true, singleRowFields }
/** Restrictions of ordinary setup rows: everything may be queried, Metadata row by row. */
export const oneMetadata: SoqlRestrictions = { singleRowFields }

export const metadataColumns: Record<string, ColumnSpec> = {
  FullName: 'string',
  Metadata: 'complexvalue',
  NamespacePrefix: 'string',
  ManageableState: 'picklist',
}

/** The metadata columns of a row. `Metadata` is computed only when a query reads it. */
export function metadataValues(
  fullName: string,
  namespace: string | null,
  metadata: () => MetadataNode,
): SoqlRow {
  return {
    FullName: fullName,
    Metadata: metadata,
    NamespacePrefix: namespace,
    ManageableState: namespace === null ? 'unmanaged' : 'installed',
  }
}

/** `Trip` of `ns__Trip__c`. */
export function developerName(apiName: string): string {
  return apiName.replace(/^[A-Za-z0-9]+__(?=.+__)/, '').replace(/__[a-z]+$/i, '')
}

export function namespaceOf(apiName: string): string | null {
  return /^([A-Za-z0-9]+)__.+__[a-z]+$/i.exec(apiName)?.[1] ?? null
}

/** How setup rows name the object they belong to: its name, or the 01I id of a custom one. */
export function tableEnumOrId(org: Org, objectName: string): string {
  return org.objects.get(objectName.toLowerCase())?.durableId ?? objectName
}

// The records of custom metadata types as SOQL and REST show them. Salesforce: Object Reference, "Custom
// Metadata Type__mdt". The target of a relationship is a name in files, and an id here.

import { relatedTo } from '../../org/custom-metadata.ts'
import { salesforceDateTime } from '../../org/ids.ts'
import type { CustomMetadataRecord, Field, Org, SObject } from '../../org/model.ts'
import type { SoqlRow, SoqlValue } from '../../soql/schema.ts'
import { liveFields } from '../metadata/bodies.ts'
import { fieldDurableId } from './derived-ids.ts'
import type { VirtualTable } from './tables.ts'

/** A table for each type that has records; its columns are those of the type's describe. */
export function customMetadataTables(org: Org): VirtualTable[] {
  const byType = Map.groupBy(org.customMetadata.values(), ({ type }) => type)
  return [...byType].flatMap(([name, records]) => {
    const type = org.objects.get(name.toLowerCase())
    if (type === undefined || type.deletedAt) return []
    const rows = () => records.map((record) => rowOf(org, type, record))
    return [{ name: type.name, columns: {}, rows }]
  })
}

function rowOf(org: Org, type: SObject, record: CustomMetadataRecord): SoqlRow {
  return {
    Id: record.id,
    DeveloperName: record.developerName,
    MasterLabel: record.label,
    Language: org.language,
    NamespacePrefix: null,
    Label: record.label,
    QualifiedApiName: record.developerName,
    IsProtected: record.protected,
    SystemModstamp: salesforceDateTime(record.lastModifiedDate),
    ...Object.fromEntries(
      liveFields(type)
        .filter(({ describe }) => describe.custom)
        .map((field) => [field.describe.name, valueOf(org, type, record, field)]),
    ),
  }
}

function valueOf(
  org: Org,
  type: SObject,
  { values }: CustomMetadataRecord,
  field: Field,
): SoqlValue {
  if (field.describe.type !== 'reference') return values[field.describe.name] ?? null
  const related = relatedTo(org, type, field, values)
  if (related === undefined) return null
  if ('record' in related) return related.record.id
  return related.field === undefined
    ? related.object.durableId
    : fieldDurableId(related.object, related.field)
}

// MetadataComponentDependency: which component mentions which custom field or object. Salesforce:
// Tooling API guide, "MetadataComponentDependency".

import type { Org } from '../../org/model.ts'
import type { SoqlRow } from '../../soql/schema.ts'
import { globalValueSetFields, liveFields } from '../metadata/bodies.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { derivedId } from '../query/derived-ids.ts'
import type { VirtualTable } from '../query/tables.ts'

interface Component {
  type: string
  id: string
  name: string
  namespace: string | null
  /** The whole text of the component, to look for names in. */
  text: string
  /** The object it belongs to, if any. */
  object: string | null
}

export const dependencies = (org: Org): VirtualTable => ({
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

/** A component that mentions or uses another one. */
export interface Dependent {
  type: string
  name: string
}

/** Components that mention the custom field or object with this id, or use the global value set. */
export function* dependentsOf(org: Org, id: string): Generator<Dependent> {
  for (const row of dependencyRows(org)) {
    if (row['RefMetadataComponentId'] !== id) continue
    yield {
      type: String(row['MetadataComponentType']),
      name: String(row['MetadataComponentName']),
    }
  }
}

/**
 * Which components mention which custom field or custom object, and which fields use a global value set.
 */
function* dependencyRows(org: Org): Generator<SoqlRow> {
  yield* valueSetRows(org)
  const objects = liveObjects(org)
  const customNames = /[A-Za-z]\w*__c\b/g
  for (const from of referringComponents(org)) {
    yield* labelRows(org, from)
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

function* valueSetRows(org: Org): Generator<SoqlRow> {
  for (const { object, field } of globalValueSetFields(org)) {
    const set = org.globalValueSets.get(field.globalValueSet?.toLowerCase() ?? '')
    if (set === undefined) continue
    const { name } = field.describe
    const from = { type: 'CustomField', id: field.id, name, namespace: object.namespace }
    yield dependency(from, set.id, set.developerName, null, 'GlobalValueSet')
  }
}

/** A label is written `$Label.Name` in formulas and flows. */
function* labelRows(org: Org, from: Component): Generator<SoqlRow> {
  const names = new Set(
    [...from.text.matchAll(/\$Label\.(\w+)/gi)].map(([, name = '']) => name.toLowerCase()),
  )
  for (const name of names) {
    const label = org.customLabels.get(name)
    if (label !== undefined) yield dependency(from, label.id, label.name, null, 'CustomLabel')
  }
}

function dependency(
  from: Omit<Component, 'text' | 'object'>,
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

/** Parts of objects that prevent the deletion of fields they name. */
const NAMING_PARTS = [
  ['FieldSet', 'fieldSets'],
  ['WebLink', 'webLinks'],
] as const

function* referringComponents(org: Org): Generator<Component> {
  for (const object of liveObjects(org)) {
    for (const rule of object.validationRules) {
      const { id, name, namespace, errorConditionFormula: text } = rule
      yield { type: 'ValidationRule', id, name, namespace, text, object: object.name }
    }
    for (const [type, element] of NAMING_PARTS) {
      for (const { id, name, namespace, metadata } of object.parts[element]) {
        yield { type, id, name, namespace, text: JSON.stringify(metadata), object: object.name }
      }
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

// Picklists as in the Metadata API before value sets. Salesforce: Metadata API guide of version 37.0,
// "Picklist (Including Dependent Picklist)": the values one by one, with their meaning for a status,
// also those of standard fields, which have since become StandardValueSets.

import type { Field, SObject } from '../../org/model.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../org/metadata-xml.ts'
import { statusMeaning } from '../query/status-tables.ts'

const VALUE_SETS_SINCE = 38

/** The body of a field in the shape of this version of the API. */
export function fieldInVersion(
  object: SObject,
  field: Field,
  body: MetadataNode,
  version: number,
): MetadataNode {
  const { type, controllerName, picklistValues } = field.describe
  if (version >= VALUE_SETS_SINCE || !/picklist$/.test(type)) return body
  const { valueSet: _, ...others } = body
  const set = child(body, 'valueSet')
  const controls = controlled(set)
  return {
    ...others,
    picklist: {
      controllingField: typeof controllerName === 'string' ? controllerName : undefined,
      picklistValues: picklistValues
        .filter(({ active }) => active)
        .map((value) => ({
          fullName: value.value,
          controllingFieldValues: controls.get(value.value),
          default: value.defaultValue,
          ...meaningIn(`${object.name}.${field.describe.name}`, value),
        })),
      sorted: text(child(set, 'valueSetDefinition'), 'sorted') === 'true',
    },
  }
}

/** The body of an object, its fields in the shape of this version. */
export function objectInVersion(
  object: SObject,
  body: MetadataNode,
  version: number,
): MetadataNode {
  if (version >= VALUE_SETS_SINCE) return body
  return {
    ...body,
    fields: nodes(body, 'fields').map((each) => {
      const field = object.fields.get((text(each, 'fullName') ?? '').toLowerCase())
      return field === undefined ? each : fieldInVersion(object, field, each, version)
    }),
  }
}

/** For which values of the controlling field each value is available. */
const controlled = (set: MetadataNode | undefined): Map<string, string[]> =>
  new Map(
    nodes(set, 'valueSettings').map((setting) => [
      text(setting, 'valueName') ?? '',
      texts(setting, 'controllingFieldValue'),
    ]),
  )

/** Columns of the status tables, by the elements with the same meaning. */
const MEANINGS = {
  closed: 'IsClosed',
  converted: 'IsConverted',
  forecastCategory: 'ForecastCategory',
  highPriority: 'IsHighPriority',
  probability: 'DefaultProbability',
  won: 'IsWon',
} as const

function meaningIn(path: string, value: Field['describe']['picklistValues'][number]) {
  const row = statusMeaning(path, value)
  return Object.fromEntries(
    Object.entries(MEANINGS).map(([element, column]) => [
      element,
      row?.[column] as MetadataNode[string],
    ]),
  )
}

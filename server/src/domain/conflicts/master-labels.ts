// Labels of a translated Salesforce org. A describe has them in the language of the user who reads it; what is
// deployed is the master label, in the language of the Salesforce org. Where the two differ, the labels of the
// metadata take the place of those of the describes; what it does not tell is left out.

import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { sameName } from '../metadata/names.ts'
import { type Plan, type PlanObject } from '../plan/schema.ts'
import { type LiveFacts, type SnapshotFacts } from './facts.ts'

/** Elements of a list in a file, by their names. */
const named = (value: unknown): ReadonlyMap<string, JsonObject> =>
  new Map(listObjects(value).map((one) => [sameName(leaf(one.fullName) ?? ''), one]))

/** Undefined where nothing tells: such a member is not compared. */
const textOf = (element: JsonObject | undefined, member: string): string | undefined =>
  (element === undefined ? null : leaf(element[member])) ?? undefined

const valuesIn = (element: JsonObject | undefined): ReadonlyMap<string, JsonObject> => {
  const [set] = listObjects(element?.valueSet)
  const [definition] = listObjects(set?.valueSetDefinition)
  return named(definition?.value)
}

const fieldWith = (field: JsonObject, element: JsonObject | undefined): JsonObject => {
  const values = valuesIn(element)
  return {
    ...field,
    label: textOf(element, 'label'),
    // An element without it is one of a field without help.
    inlineHelpText: element === undefined ? undefined : (textOf(element, 'inlineHelpText') ?? null),
    ...(field.picklistValues === undefined
      ? {}
      : {
          picklistValues: listObjects(field.picklistValues).map((entry) => ({
            ...entry,
            label: textOf(values.get(sameName(String(entry.value))), 'label'),
          })),
        }),
  }
}

const describeWith = (describe: JsonObject, content: JsonObject): JsonObject => {
  const [fields, recordTypes] = [named(content.fields), named(content.recordTypes)]
  return {
    ...describe,
    label: textOf(content, 'label'),
    labelPlural: textOf(content, 'pluralLabel'),
    fields: listObjects(describe.fields).map((field) =>
      fieldWith(field, fields.get(sameName(String(field.name)))),
    ),
    recordTypeInfos: listObjects(describe.recordTypeInfos).map((info) => ({
      ...info,
      name: textOf(recordTypes.get(sameName(String(info.developerName))), 'label'),
    })),
  }
}

/** Whether anything that the plan labels is there already. */
const hasLabelsIn = (describe: JsonObject, object: PlanObject): boolean => {
  const names = (value: unknown, member: string): ReadonlySet<string> =>
    new Set(listObjects(value).map((one) => sameName(String(one[member]))))
  const [fields, recordTypes] = [
    names(describe.fields, 'name'),
    names(describe.recordTypeInfos, 'developerName'),
  ]
  return (
    object.label !== undefined ||
    object.plural_label !== undefined ||
    object.fields.some(({ api_name: name }) => fields.has(sameName(name))) ||
    object.record_types.some(({ api_name: name }) => recordTypes.has(sameName(name)))
  )
}

/** The snapshot with the labels that deploying the plan would change. */
export const withMasterLabels = async (
  snapshot: SnapshotFacts,
  plan: Plan,
  live: Pick<LiveFacts, 'organization' | 'contentOf'>,
): Promise<SnapshotFacts> => {
  const planned = new Map(plan.objects.map((object) => [sameName(object.api_name), object]))
  const touched = [...snapshot.describes].filter(([name, describe]) => {
    const object = planned.get(sameName(name))
    return object !== undefined && hasLabelsIn(describe, object)
  })
  if (snapshot.language === null || touched.length === 0) return snapshot
  const language = (await live.organization())?.language ?? null
  if (language === null || language === snapshot.language) return snapshot
  const described = await Promise.all(
    touched.map(async ([name, describe]) => {
      const content = await live.contentOf('CustomObject', name)
      return [name, describeWith(describe, content ?? {})] as const
    }),
  )
  return { ...snapshot, describes: new Map([...snapshot.describes, ...described]) }
}

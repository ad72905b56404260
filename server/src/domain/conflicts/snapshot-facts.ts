// The part of a snapshot that a check needs: of its thousands of describes, those of the objects that
// the plan touches and of those they refer to.

import { describedBy } from '../../salesforce/activities.ts'
import { asText, type JsonObject } from '../../salesforce/json.ts'
import { list } from '../../salesforce/xml.ts'
import { COMPONENT_KINDS } from '../metadata/kinds.ts'
import { sameName } from '../metadata/names.ts'
import { type Plan } from '../plan/schema.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { criteriaFieldsOf, fieldsOfFlow, formulasOfRule, objectsOfFlow } from './definitions.ts'
import { type RecordPath, recordPathsOf } from '../workflows/flow-references.ts'
import { pathsOfFormula } from './field-paths.ts'
import { type PlannedWorkflow, type SnapshotFacts } from './facts.ts'
import { mastersIn, relationIn } from './subjects.ts'

/** `Job__c` of `Job__c.Title__c`; null where there is no dot. */
const ownerOf = (name: string): string | null => {
  const dot = name.indexOf('.')
  return dot < 0 ? null : name.slice(0, dot)
}

/** Everything that formulas of the plan, and workflows, name on a path. */
const pathsOf = (plan: Plan, workflows: readonly PlannedWorkflow[]): RecordPath[] => [
  ...plan.objects.flatMap(({ api_name: object, fields, validation_rules: rules }) =>
    [
      ...fields.flatMap((field) => {
        if (field.type === 'Formula') return [field.formula]
        return 'default_formula' in field ? (field.default_formula ?? []) : []
      }),
      ...rules.map((rule) => rule.error_condition_formula),
    ].flatMap((formula) => pathsOfFormula(formula, object)),
  ),
  ...workflows.flatMap(({ type, api_name, definition }) =>
    type === 'flow'
      ? recordPathsOf(definition)
      : formulasOfRule(definition).flatMap((formula) =>
          pathsOfFormula(formula, ownerOf(api_name) ?? ''),
        ),
  ),
]

/** Objects that the plan or the workflows mention, once each. */
export const objectsOf = (plan: Plan, workflows: readonly PlannedWorkflow[]): string[] => {
  const names = [
    ...plan.objects.flatMap(({ api_name, fields }) => [
      api_name,
      ...fields.flatMap((field) => {
        if ('reference_to' in field) return [field.reference_to]
        if (field.type === 'Summary') return [ownerOf(field.summary_foreign_key)]
        return []
      }),
    ]),
    ...COMPONENT_KINDS.flatMap(({ mentions }) => mentions?.(plan) ?? []),
    ...pathsOf(plan, workflows).map(({ object }) => object),
    ...workflows.flatMap(({ type, api_name, definition }) =>
      type === 'flow'
        ? [...objectsOfFlow(definition), ...fieldsOfFlow(definition).map(({ object }) => object)]
        : [ownerOf(api_name), ...criteriaFieldsOf(definition).map(ownerOf)],
    ),
  ].filter((name) => name !== null)
  return [...new Map(names.map((name) => [sameName(name), name])).values()]
}

/** Salesforce: a reference goes through five relationships at most. */
const RELATIONSHIPS_MAX = 5

/** The next objects on the paths, according to the describes read so far. */
const reachedBy = (
  paths: readonly RecordPath[],
  describes: ReadonlyMap<string, JsonObject>,
): string[] => {
  const known = new Map([...describes].map(([name, describe]) => [sameName(name), describe]))
  const reached = paths.flatMap(({ object, steps }) => {
    const objects: string[] = []
    let at: string | undefined = object
    for (const step of steps.slice(0, -1)) {
      const [relationship = '', named]: string[] = step.split(':')
      const field: JsonObject | null = relationIn(known.get(sameName(at)) ?? null, relationship)
      const targets = list(field?.referenceTo).flatMap((name) => asText(name) ?? [])
      at = named ?? (targets.length === 1 ? targets[0] : undefined)
      if (at === undefined) break
      objects.push(at)
    }
    return objects
  })
  return [...new Set(reached)].filter((name) => !known.has(sameName(name)))
}

/** The masters of masters that the plan gives to objects, according to the describes read so far. */
const mastersAbove = (plan: Plan, describes: ReadonlyMap<string, JsonObject>): string[] => {
  const known = new Map([...describes].map(([name, describe]) => [sameName(name), describe]))
  const given = plan.objects
    .flatMap(({ fields }) => fields)
    .flatMap((field) => (field.type === 'MasterDetail' ? [field.reference_to] : []))
  const seen = new Map(given.map((name) => [sameName(name), name]))
  for (const name of seen.values()) {
    for (const master of mastersIn(known.get(sameName(name)) ?? null)) {
      if (!seen.has(sameName(master))) seen.set(sameName(master), master)
    }
  }
  return [...seen.values()].filter((name) => !known.has(sameName(name)))
}

const readDescribes = async (
  snapshot: CompleteSnapshot,
  plan: Plan,
  workflows: readonly PlannedWorkflow[],
): Promise<ReadonlyMap<string, JsonObject>> => {
  const describes = new Map(await snapshot.readObjects(objectsOf(plan, workflows)))
  const paths = pathsOf(plan, workflows)
  for (let depth = 0; depth < RELATIONSHIPS_MAX; depth++) {
    const next = [...new Set([...reachedBy(paths, describes), ...mastersAbove(plan, describes)])]
    if (next.length === 0) break
    const found = await snapshot.readObjects(next)
    if (found.size === 0) break
    for (const [name, describe] of found) describes.set(name, describe)
  }
  return describes
}

/** No describe lists Activity, which every Salesforce org with tasks has. */
const withActivity = (names: readonly string[]): readonly string[] =>
  names.includes(describedBy('Activity')) ? [...names, 'Activity'] : names

export const readSnapshotFacts = async (
  snapshot: CompleteSnapshot,
  plan: Plan,
  workflows: readonly PlannedWorkflow[],
): Promise<SnapshotFacts> => {
  const [describes, automations] = await Promise.all([
    readDescribes(snapshot, plan, workflows),
    snapshot.readAutomations(),
  ])
  return {
    takenAt: snapshot.completedAt,
    language: snapshot.language,
    objectNames: withActivity(snapshot.objectNames),
    unreadable: snapshot.unreadable,
    notVisible: snapshot.notVisible,
    describes,
    automations,
  }
}

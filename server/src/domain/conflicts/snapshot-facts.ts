// The part of a snapshot that a check needs: of its thousands of describes, those of the objects that
// the plan touches and of those they refer to.

import { sameName } from '../metadata/names.ts'
import { type Plan } from '../plan/schema.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { fieldsOfFlow, objectsOfFlow } from './definitions.ts'
import { type PlannedWorkflow, type SnapshotFacts } from './facts.ts'

/** `Job__c` of `Job__c.Title__c`; null where there is no dot. */
const ownerOf = (name: string): string | null => {
  const dot = name.indexOf('.')
  return dot < 0 ? null : name.slice(0, dot)
}

/** Objects that the plan or the workflows speak of, once each. */
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
    ...workflows.flatMap(({ type, api_name, definition }) =>
      type === 'flow'
        ? [...objectsOfFlow(definition), ...fieldsOfFlow(definition).map(({ object }) => object)]
        : [ownerOf(api_name)],
    ),
  ].filter((name) => name !== null)
  return [...new Map(names.map((name) => [sameName(name), name])).values()]
}

export const readSnapshotFacts = async (
  snapshot: CompleteSnapshot,
  plan: Plan,
  workflows: readonly PlannedWorkflow[],
): Promise<SnapshotFacts> => {
  const [describes, automations] = await Promise.all([
    snapshot.readObjects(objectsOf(plan, workflows)),
    snapshot.readAutomations(),
  ])
  return {
    takenAt: snapshot.completedAt,
    objectNames: snapshot.objectNames,
    unreadable: snapshot.unreadable,
    notVisible: snapshot.notVisible,
    describes,
    automations,
  }
}

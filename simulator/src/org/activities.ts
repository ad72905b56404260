// Activity: what tasks and events have in common. Salesforce Help, "Create Custom Fields": its custom
// fields appear on both, and neither has any of its own. It has no records, and no API describes it;
// metadata and Tooling name it. Field-level security is granted for Task and Event, each by itself
// (Metadata API guide, PermissionSet: "When referencing shared Activity fields, specify Event or Task").

import { type Org, type SObject } from './model.ts'
import { makeObject } from './schema.ts'

const ACTIVITY = 'Activity'
const KINDS: ReadonlySet<string> = new Set(['Task', 'Event'])

export const isActivity = ({ name }: Pick<SObject, 'name'>): boolean => name === ACTIVITY

/** Whether the custom fields that it shows are defined on Activity. */
export const showsActivityFields = ({ name }: Pick<SObject, 'name'>): boolean => KINDS.has(name)

/** The objects on which the custom fields of this one appear, itself first. */
export const showingFieldsOf = (org: Org, object: SObject): SObject[] =>
  isActivity(object)
    ? [object, ...[...KINDS].flatMap((name) => org.objects.get(name.toLowerCase()) ?? [])]
    : [object]

/** Adds Activity, with the fields that tasks and events both have, so that formulas can name them. */
export const addActivity = (org: Org): void => {
  const [task, event] = ['task', 'event'].map((name) => org.objects.get(name))
  if (task === undefined || event === undefined) return
  const described = [...task.fields.values()]
    .map(({ describe }) => describe)
    .filter(({ name, custom }) => !custom && event.fields.has(name.toLowerCase()))
  const none = { createable: false, deletable: false, queryable: false, updateable: false }
  makeObject(org, {
    name: ACTIVITY,
    describe: {
      ...none,
      ...{ layoutable: false, mruEnabled: false, replicateable: false, retrieveable: false },
      ...{ searchable: false, triggerable: false, undeletable: false },
      labelPlural: 'Activities',
    },
    described,
    fields: [],
  })
}

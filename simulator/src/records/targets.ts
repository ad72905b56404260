// The targets of references: records, and the people, queues and record types that the org stores
// separately.

import { findObject } from '../org/changes.ts'
import { type Org, type Row, type SObject } from '../org/model.ts'
import { recordStateOf } from './state.ts'

/** Rows of set-up objects as formulas and references need them; undefined: not such an object. */
const SETUP: Record<string, (org: Org, id: string) => Row | undefined> = {
  user: (org, id) => {
    const user = org.users.get(id)
    return (
      user && {
        Id: id,
        Username: user.username,
        Email: user.email,
        FirstName: user.firstName,
        LastName: user.lastName,
        Name: `${user.firstName} ${user.lastName}`.trim(),
        IsActive: user.active,
        ProfileId: user.profileId,
      }
    )
  },
  organization: (org, id) => (id === org.id ? { Id: id, Name: org.name } : undefined),
  group: (org, id) => {
    const group = org.groups.find((each) => each.id === id)
    return (
      group && { Id: id, Name: group.name, DeveloperName: group.developerName, Type: group.type }
    )
  },
  profile: (org, id) => {
    const profile = org.profiles.get(id)
    return profile && { Id: id, Name: profile.name }
  },
  permissionset: (org, id) => {
    const set = org.permissionSets.get(id)
    return set && { Id: id, Name: set.name, Label: set.label }
  },
  recordtype: (org, id) => {
    for (const object of org.objects.values()) {
      const type = object.recordTypes.find((each) => each.id === id)
      if (type === undefined) continue
      const { developerName, name, active } = type
      return {
        Id: id,
        DeveloperName: developerName,
        Name: name,
        IsActive: active,
        SobjectType: object.name,
      }
    }
    return undefined
  },
}

/** Stored as state of the org: it has no row in `org.records`. */
export const isSetupObject = (name: string): boolean => name.toLowerCase() in SETUP

/** The row behind an id of this object, deleted or not; and its object, if it belongs to the schema. */
export const targetRow = (
  org: Org,
  objectName: string,
  id: string,
): { object: SObject | undefined; row: Row } | undefined => {
  const object = findObject(org, objectName)
  const setup = SETUP[objectName.toLowerCase()]
  const row =
    setup?.(org, id) ??
    (object === undefined ? undefined : recordStateOf(org).store.row(object, id))
  return row === undefined ? undefined : { object, row }
}

// A permission set: made where it is the plan's own, read and added to otherwise. Others write to it as
// well, so only entries of ours are ever taken out.

import { type Findings } from '../../plan/findings.ts'
import { type Plan } from '../../plan/schema.ts'
import {
  type AccessChange,
  isEntryList,
  mergePermissionSet,
  readableIn,
  stillInPlace,
  takeOutOfPermissionSet,
} from '../entries.ts'
import { fileDifferences } from '../equality.ts'
import { keepReads, readsKeptText } from '../masters.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import {
  changedSince,
  isNamed,
  keep,
  REMOVED,
  type Scene,
  type Settled,
  stillOpening,
  type Undoing,
  undoUnread,
} from '../undoing.ts'
import { reversible, TAKEN_OUT } from '../reversibility.ts'
import { listed, one, plural } from '../../words.ts'
import {
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  refusal,
  never,
} from './kind.ts'
import { seesAllBelow } from './asking.ts'
import { holdsSet, PERMISSION_SET_GROUP } from './permission-set-group.ts'

/** The member that names the set which the plan makes where it is not there. */
const MAIN = 'permissions.permission_set'

const named = ({ objects, permissions }: Plan): Named[] => {
  const { permission_set: main, permission_sets: others } = permissions
  // Permissions mention objects and what is on them; without objects there is nothing to permit.
  if (objects.length === 0) return []
  return [
    ...(main === null ? [] : [{ fullName: main, path: MAIN }]),
    ...others.map((fullName, index) => ({
      fullName,
      path: `permissions.permission_sets.${index}`,
    })),
  ]
}

const check = (plan: Plan, findings: Findings): void => {
  if (plan.permissions.permission_set === null && plan.permissions.assign_to_connected_user) {
    findings.add(
      ['permissions', 'assign_to_connected_user'],
      'attributes_conflict',
      'Without a permission set there is nothing to assign. Set permission_set, or set assign_to_connected_user to false.',
    )
  }
  const seen = new Set<string>()
  for (const { fullName: name, path } of named(plan)) {
    // A set of an installed package carries its namespace; that one cannot be changed.
    if (/^[A-Za-z]\w*__/.test(name)) {
      findings.add(
        [path],
        'managed',
        `Permission set ${name} belongs to an installed package and cannot be changed. Use one of your own.`,
      )
    } else {
      const fault = nameFault(name, `Permission set name ${name}`, 80)
      if (fault !== null) findings.add([path], fault.code, fault.message)
    }
    if (seen.has(sameName(name))) {
      findings.add([path], 'duplicate', `Permission set ${name} is listed twice. Keep one.`)
    }
    seen.add(sameName(name))
  }
}

const compile = ({ plan, current, access }: Compiling): CompiledFile[] =>
  named(plan).map(({ fullName, path }) => {
    const text = current('PermissionSet', fullName)
    if (text === null && path !== MAIN) {
      throw refusal(
        path,
        'permission_set_not_found',
        `The Salesforce org has no permission set ${fullName}. Use an existing one, or set it as permission_set.`,
      )
    }
    const merged = mergePermissionSet(fullName, access('PermissionSet'), text)
    return merged.changes.length === 0 && text !== null
      ? { fullName, text: null, unchanged: [{ type: 'PermissionSet', fullName }] }
      : {
          fullName,
          text: merged.text,
          unchanged: [],
          noted: { permissionSets: { [fullName]: merged.changes } },
        }
  })

/** The members in which two states of a permission set differ. */
const changesIn = (a: string, b: string): string[] =>
  fileDifferences('PermissionSet', a, b).map(({ member }) => member)

/** Groups that hold the set and that the same rollback neither deletes nor frees of it. */
const groupsWith = (
  component: Component,
  scene: Scene,
  { kept, isTakenBack }: Settled,
): string[] => {
  const holding = [
    ...kept.filter((other) => holdsSet(scene.now.part(other), component.fullName)),
    ...scene.usersOf(component).filter(({ type }) => type === PERMISSION_SET_GROUP),
  ]
  const names = holding.filter((group) => !isTakenBack(group)).map(({ fullName }) => fullName)
  return names.filter(
    (name, at) => names.findIndex((other) => sameName(other) === sameName(name)) === at,
  )
}

/** One that we made goes if nobody else uses it; else our entries are taken out. */
const undoEntries = (
  component: Component,
  made: boolean,
  scene: Scene,
  settled: Settled,
): Undoing => {
  const { isOurs } = settled
  const early = undoUnread(component, scene)
  if (early !== null) return early
  const noted: AccessChange[] = scene.changes.permissionSets[component.fullName] ?? []
  const entries = noted.filter(({ list, key }) => isOurs(list, key))
  const others = scene.othersWith(component.fullName)

  const now = scene.now.file(component) ?? ''
  const out = takeOutOfPermissionSet(now, entries)
  const left = scene.after.file(component)
  // What would be left of it is what we made it with: nobody else has put anything in.
  const changed =
    left === null ? [] : changesIn(takeOutOfPermissionSet(left, entries).text, out.text)
  const untouched = left !== null && out.kept.length === 0 && changed.length === 0
  const all = entries.length === noted.length
  const goes = made && all && others === 0 && (untouched || isNamed(component, scene))
  const groups = goes ? groupsWith(component, scene, settled) : []
  if (goes && groups.length === 0) return REMOVED

  const back = keepReads(entries, readableIn(out.text, 'PermissionSet'), scene.mastersOf)
  const done = back.kept.size === 0 ? out : takeOutOfPermissionSet(now, back.changes)
  const readsKept = readsKeptText(back)
  const restore = done.removed.length > 0 ? { file: done.text } : null
  if (groups.length > 0) {
    const { kept } = keep(
      `It is in the permission set ${one(groups, 'group', 'groups')} ${listed(groups)}. Remove it there first. ${readsKept}`.trim(),
    )
    return { remove: false, restore, kept }
  }
  if (out.kept.length > 0) {
    const { kept } = keep(changedSince(out.kept), { drifted: true })
    return { remove: false, restore, kept }
  }
  const opening = stillInPlace(
    out.text,
    'PermissionSet',
    noted.filter(({ list, key }) => !isOurs(list, key)),
  )
  if (opening.length > 0) return { remove: false, restore, kept: stillOpening(opening, readsKept) }
  if (!made) {
    return { remove: false, restore, kept: readsKept === '' ? null : stillOpening([], readsKept) }
  }
  const isChanged = changed.some((member) => !isEntryList(member))
  const why =
    others > 0
      ? `It is assigned to ${plural(others, 'other user')}.`
      : isChanged
        ? changedSince(changed)
        : 'It holds other entries by now.'
  const { kept } = keep(`${why} Only ours are removed. ${readsKept}`.trim(), {
    drifted: isChanged && others === 0,
    removable: false,
  })
  return { remove: false, restore, kept }
}

const rules: KindRule[] = [
  {
    code: 'permission_set_missing',
    severity: 'red',
    judge: async ({ fullName, path }, { lookUp }) => {
      if (path === MAIN) return null
      const found = await lookUp('PermissionSet', fullName)
      return found === null || found.exists
        ? null
        : {
            message: `The permission set ${fullName} does not exist in this Salesforce org.`,
            remedy: 'Correct its name; the plan creates only its main permission set.',
          }
    },
  },
  {
    code: 'permission_set_managed',
    severity: 'red',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp('PermissionSet', fullName))?.managed === true
        ? {
            message: `The permission set ${fullName} belongs to an installed package and cannot be changed.`,
            remedy: 'Use one of your own.',
          }
        : null,
  },
  {
    code: 'permission_set_sees_all_below',
    severity: 'red',
    judge: seesAllBelow('PermissionSet', 'permission set'),
  },
  {
    code: 'permission_set_merged',
    severity: 'green',
    judge: ({ fullName, path }) => ({
      message:
        path === MAIN
          ? `The permission set ${fullName} is created, or extended if it exists: nobody loses access.`
          : `The permission set ${fullName} is extended: nobody loses access.`,
    }),
  },
]

export const permissionSet: FileKind = {
  type: 'PermissionSet',
  folder: 'permissionsets',
  suffix: 'permissionset',
  isShared: true,
  comparedBy: 'nothing',
  named,
  objectOf: () => null,
  toRead: (plan) => named(plan).map(({ fullName }) => fullName),
  check,
  compile,
  deletion: { place: 6, withObject: never },
  partOf: {
    type: PERMISSION_SET_GROUP,
    object: 'PermissionSetGroupComponent',
    field: 'PermissionSetId',
    nameField: 'PermissionSetGroup.DeveloperName',
  },
  heldBy: () => [{ object: 'PermissionSetAssignment', field: 'PermissionSetId' }],
  reversibility: ({ made }) =>
    made
      ? reversible(
          'Rollback deletes it, unless others have it or a permission set group holds it by then; what others added stays.',
        )
      : TAKEN_OUT,
  undo:
    ({ component, made }, scene) =>
    (settled) =>
      undoEntries(component, made, scene, settled),
  rules,
}

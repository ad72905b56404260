// A profile that gets the plan's access. It already exists, holds other people's entries, and is never
// deleted.

import { type Findings } from '../../plan/findings.ts'
import { type Plan } from '../../plan/schema.ts'
import {
  type AccessChange,
  changedInProfile,
  mergeProfile,
  readableIn,
  stillInPlace,
  takeOutOfProfile,
} from '../entries.ts'
import { keepReads, readsKeptText } from '../masters.ts'
import { type Component, metadataName, sameName } from '../names.ts'
import {
  changedSince,
  keep,
  type Scene,
  type Settled,
  stillOpening,
  type Undoing,
  undoUnread,
} from '../undoing.ts'
import { TAKEN_OUT } from '../reversibility.ts'
import { seesAllBelow } from './asking.ts'
import {
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  refusal,
  never,
} from './kind.ts'

const named = ({ objects, permissions }: Plan): Named[] =>
  objects.length === 0
    ? []
    : permissions.profiles.map((name, index) => ({
        fullName: metadataName(name),
        path: `permissions.profiles.${index}`,
      }))

const check = ({ permissions }: Plan, findings: Findings): void => {
  const seen = new Set<string>()
  for (const [index, name] of permissions.profiles.entries()) {
    if (seen.has(sameName(name))) {
      findings.add(
        ['permissions', 'profiles', index],
        'duplicate',
        `Profile ${name} is listed twice. Keep one.`,
      )
    }
    seen.add(sameName(name))
  }
}

const compile = ({ plan, current, access }: Compiling): CompiledFile[] =>
  named(plan).map(({ fullName, path }, index) => {
    const text = current('Profile', fullName)
    if (text === null) {
      throw refusal(
        path,
        'profile_not_found',
        `The Salesforce org has no profile ${plan.permissions.profiles[index] ?? fullName}. Use its name in the Metadata API, for example Admin.`,
      )
    }
    const merged = mergeProfile(access('Profile'), text)
    return merged.changes.length === 0
      ? { fullName, text: null, unchanged: [{ type: 'Profile', fullName }] }
      : {
          fullName,
          text: merged.text,
          unchanged: [],
          noted: { profiles: { [fullName]: merged.changes } },
        }
  })

/** What the profile gives read access to once our entries are revoked. */
const stillReadable = (
  component: Component,
  scene: Scene,
  inPlace: readonly AccessChange[],
  isOurs: Settled['isOurs'],
): string[] => {
  const back = new Set(
    inPlace
      .filter(({ list, before, key }) => before?.allowRead !== 'true' && isOurs(list, key))
      .map(({ list, key }) => `${list}:${sameName(key)}`),
  )
  return [
    ...readableIn(scene.now.file(component) ?? '', 'Profile'),
    ...scene.opensBeside(component),
  ].filter((object) => !back.has(`objectPermissions:${sameName(object)}`))
}

/** Entries that still grant what we granted are revoked, except those that open what stays. */
const undoEntries = (
  component: Component,
  scene: Scene,
  { isOurs, isRemoved }: Settled,
): Undoing => {
  const early = undoUnread(component, scene)
  if (early !== null) return early
  const noted = scene.changes.profiles[component.fullName] ?? []
  const inPlace = stillInPlace(scene.now.file(component) ?? '', 'Profile', noted)
  const ours = inPlace.filter(({ list, key }) => isOurs(list, key) && !isRemoved(list, key))
  const back = keepReads(ours, stillReadable(component, scene, inPlace, isOurs), scene.mastersOf)
  const opening = inPlace.filter(({ list, key }) => !isOurs(list, key))
  const readsKept = readsKeptText(back)
  const restore = back.changes.length === 0 ? null : { file: takeOutOfProfile(back.changes) }
  const changed = changedInProfile(
    scene.now.file(component) ?? '',
    noted.filter(({ list, key }) => !isRemoved(list, key)),
  )
  if (changed.length > 0) {
    const { kept } = keep(changedSince(changed), { drifted: true, removable: false })
    return { remove: false, restore, kept }
  }
  return {
    remove: false,
    restore,
    kept: opening.length > 0 || readsKept !== '' ? stillOpening(opening, readsKept) : null,
  }
}

const rules: KindRule[] = [
  {
    code: 'profile_missing',
    severity: 'red',
    judge: async ({ fullName }, { lookUp }) => {
      const found = await lookUp('Profile', fullName)
      return found === null || found.exists
        ? null
        : {
            message: `The profile ${fullName} does not exist in this Salesforce org.`,
            remedy: 'Correct its name; use the API name of the profile, for example Admin.',
          }
    },
  },
  {
    code: 'profile_sees_all_below',
    severity: 'red',
    judge: seesAllBelow('Profile', 'profile'),
  },
  {
    code: 'profile_widens_access',
    severity: 'yellow',
    judge: ({ fullName }) => ({
      message: `Every user with the profile ${fullName} will be able to see and edit what the plan creates.`,
      remedy: 'Leave the profile out if the permission set is enough.',
    }),
  },
]

export const profile: FileKind = {
  type: 'Profile',
  folder: 'profiles',
  suffix: 'profile',
  isShared: true,
  isReadInPart: true,
  comparedBy: 'nothing',
  named,
  objectOf: () => null,
  toRead: (plan) => named(plan).map(({ fullName }) => fullName),
  check,
  compile,
  deletion: { place: null, withObject: never },
  reversibility: () => TAKEN_OUT,
  undo:
    ({ component }, scene) =>
    (settled) =>
      undoEntries(component, scene, settled),
  rules,
}

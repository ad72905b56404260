// A permission set group: permission sets that are assigned together. It is read and added to; existing
// sets that the plan does not name stay.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, list } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanPermissionSetGroup } from '../../plan/schema.ts'
import { listed, one, plural } from '../../words.ts'
import { samePart } from '../equality.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import { reversible, TAKEN_OUT } from '../reversibility.ts'
import {
  changedSince,
  isLeftOut,
  isNamed,
  keep,
  NOT_NAMED,
  NOTHING,
  type Scene,
  type Undoing,
  undoMade,
} from '../undoing.ts'
import { overlay, readRoot, writeFile } from '../xml-tree.ts'
import {
  type Asked,
  type CompiledFile,
  type FileKind,
  type KindRule,
  type Named,
  never,
  refusal,
} from './kind.ts'

export const PERMISSION_SET_GROUP = 'PermissionSetGroup'
const TYPE = PERMISSION_SET_GROUP

/** Salesforce: Object reference, PermissionSetGroup: DeveloperName. */
const NAME_MAX = 80

/** Salesforce: Help, "Permission Set Group Considerations". */
const SETS_MAX = 100

/** What a plan can set beside its permission sets. */
const TEXTS = ['description', 'label'] as const

const named = (plan: Plan): Named[] =>
  plan.permission_set_groups.map(({ api_name }, index) => ({
    fullName: api_name,
    path: `permission_set_groups.${index}`,
  }))

const check = ({ permission_set_groups: groups }: Plan, findings: Findings): void => {
  reportDuplicates(
    groups.map(({ api_name }) => api_name),
    (name) => `Permission set group ${name}`,
    (index) => ['permission_set_groups', index, 'api_name'],
    findings,
  )
  for (const [index, { api_name, permission_sets: sets }] of groups.entries()) {
    const path = ['permission_set_groups', index]
    const fault = nameFault(api_name, `Permission set group name ${api_name}`, NAME_MAX)
    if (fault !== null) findings.add([...path, 'api_name'], fault.code, fault.message)
    reportDuplicates(
      sets,
      (name) => `Permission set ${name} of ${api_name}`,
      (at) => [...path, 'permission_sets', at],
      findings,
    )
  }
}

const setsIn = (group: JsonObject | null): string[] =>
  list(group?.permissionSets).flatMap((name) => leaf(name) ?? [])

const without = (names: readonly string[], others: readonly string[]): string[] => {
  const gone = new Set(others.map(sameName))
  return names.filter((name) => !gone.has(sameName(name)))
}

/** Salesforce: the order of the sets has no meaning, and `status` is calculated by Salesforce. */
const contentOf = (text: string): JsonObject => {
  const { status: _, ...root } = readRoot(text, TYPE)
  return { ...root, permissionSets: setsIn(root).toSorted() }
}

const compileGroup = (
  group: PlanPermissionSetGroup,
  path: string,
  text: string | null,
): CompiledFile => {
  const fullName = group.api_name
  const root = text === null ? null : contentOf(text)
  const there = setsIn(root)
  const permissionSets = [...there, ...without(group.permission_sets, there)]
  if (permissionSets.length > SETS_MAX) {
    throw refusal(
      `${path}.permission_sets`,
      'too_many',
      `${fullName} would contain ${permissionSets.length} permission sets; Salesforce allows ${SETS_MAX}. Add fewer, or use another group.`,
    )
  }
  const element = overlay(root, {
    description: group.description,
    hasActivationRequired: leaf(root?.hasActivationRequired) === 'true',
    label: group.label,
    permissionSets,
  })
  return root !== null && samePart(element, root)
    ? { fullName, text: null, unchanged: [{ type: TYPE, fullName }] }
    : { fullName, text: writeFile(TYPE, element), unchanged: [] }
}

/** Whether a group, by its element, contains the permission set. */
export const holdsSet = (group: JsonObject | null, permissionSet: string): boolean =>
  setsIn(group).some((name) => sameName(name) === sameName(permissionSet))

/** Salesforce does not delete a group that somebody has. */
const undoMadeGroup = (component: Component, scene: Scene): Undoing => {
  const undoing = undoMade(component, null, scene)
  const users = scene.heldBy(component).reduce((sum, { rows }) => sum + rows, 0)
  if (!undoing.remove || users === 0) return undoing
  return keep(`It is assigned to ${plural(users, 'user')}. Unassign it first.`)
}

/** Sets that the deployment added are removed; what others changed since stays. */
const undoChangedGroup = (component: Component, scene: Scene): Undoing => {
  const [was, left, is] = [scene.before, scene.after, scene.now].map((moment) =>
    moment.part(component),
  )
  if (is == null) return keep('Deleted by somebody else since.', { removable: false })
  if (was == null || samePart(was, is)) return NOTHING
  if (isLeftOut(component, scene)) return NOT_NAMED
  const unseen = left == null && !isNamed(component, scene)
  if (unseen) return keep(changedSince([]), { drifted: true })
  const ours = without(setsIn(left ?? is), setsIn(was))
  const isAsLeft = (name: string): boolean =>
    [left?.[name], was[name]].some((text) => leaf(text) === leaf(is[name]))
  const drifted = isNamed(component, scene) ? [] : TEXTS.filter((name) => !isAsLeft(name))
  const texts = TEXTS.filter((name) => !drifted.includes(name)).map(
    (name) => [name, leaf(was[name]) ?? ''] as const,
  )
  const element = {
    ...is,
    ...Object.fromEntries(texts),
    permissionSets: without(setsIn(is), ours),
  }
  const restore = samePart(element, is) ? null : { element }
  const { kept } = keep(changedSince(drifted), { drifted: true })
  return { remove: false, restore, kept: drifted.length > 0 ? kept : null }
}

const missingSets = async (fullName: string, { plan, lookUp }: Asked): Promise<string[]> => {
  const group = plan.permission_set_groups.find(
    ({ api_name }) => sameName(api_name) === sameName(fullName),
  )
  // The plan's own set is created if it does not exist.
  const own = plan.objects.length === 0 ? null : plan.permissions.permission_set
  const asked = await Promise.all(
    (group?.permission_sets ?? [])
      .filter((name) => own === null || sameName(name) !== sameName(own))
      .map(async (name) => ({ name, found: await lookUp('PermissionSet', name) })),
  )
  return asked.filter(({ found }) => found?.exists === false).map(({ name }) => name)
}

const rules: KindRule[] = [
  {
    code: 'permission_set_group_set_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const missing = await missingSets(fullName, asked)
      return missing.length === 0
        ? null
        : {
            message: `The permission set group ${fullName} would contain ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in the plan nor in this Salesforce org.`,
            remedy: 'Create the permission set, correct its name, or leave it out.',
            at: 'permission_sets',
          }
    },
  },
  {
    code: 'permission_set_group_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The permission set group ${fullName} exists. Everybody who has it also gets the permission sets of the plan; its other sets stay.`,
            remedy:
              'Make sure that all of these users should have the access, or use another group.',
          }
        : null,
  },
  {
    code: 'permission_set_group_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The permission set group ${fullName} is new; nobody has it until it is assigned.`,
          }
        : null,
  },
]

export const permissionSetGroup: FileKind = {
  type: TYPE,
  folder: 'permissionsetgroups',
  suffix: 'permissionsetgroup',
  isShared: true,
  isToldByItsFile: true,
  contentOf,
  named,
  objectOf: () => null,
  toRead: (plan) => plan.permission_set_groups.map(({ api_name }) => api_name),
  heldBy: () => [{ object: 'PermissionSetAssignment', field: 'PermissionSetGroupId' }],
  check,
  compile: ({ plan, current }) =>
    plan.permission_set_groups.map((group, index) =>
      compileGroup(group, `permission_set_groups.${index}`, current(TYPE, group.api_name)),
    ),
  // Before the permission sets that it contains.
  deletion: { place: 0, withObject: never },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless somebody has it by then.') : TAKEN_OUT,
  undo: ({ component, made }, scene) =>
    made ? undoMadeGroup(component, scene) : undoChangedGroup(component, scene),
  rules,
}

// A public group: a set of people that sharing rules, queues and other groups can refer to. Salesforce:
// Metadata API guide, "Group": its file does not name its members, who are added in Salesforce.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, list } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanPublicGroup } from '../../plan/schema.ts'
import { listed, one, plural } from '../../words.ts'
import { samePart } from '../equality.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { keep, type Scene, type Settled, undoChange, type Undoing, undoMade } from '../undoing.ts'
import { overlay, readRoot, writeFile } from '../xml-tree.ts'
import { type CompiledFile, type FileKind, type KindRule, type Named, never } from './kind.ts'

const TYPE = 'Group'

/** Salesforce: Object reference, Group: DeveloperName. */
const NAME_MAX = 80

const named = (plan: Plan): Named[] =>
  plan.public_groups.map(({ api_name }, index) => ({
    fullName: api_name,
    path: `public_groups.${index}`,
  }))

const check = ({ public_groups: groups }: Plan, findings: Findings): void => {
  reportDuplicates(
    groups.map(({ api_name }) => api_name),
    (name) => `Public group ${name}`,
    (index) => ['public_groups', index, 'api_name'],
    findings,
  )
  for (const [index, { api_name }] of groups.entries()) {
    const fault = nameFault(api_name, `Public group name ${api_name}`, NAME_MAX)
    if (fault !== null)
      findings.add(['public_groups', index, 'api_name'], fault.code, fault.message)
  }
}

const compileGroup = (group: PlanPublicGroup, text: string | null): CompiledFile => {
  const fullName = group.api_name
  const root = text === null ? null : readRoot(text, TYPE)
  const element = overlay(root, {
    description: group.description,
    doesIncludeBosses:
      group.grant_access_using_hierarchies ?? leaf(root?.doesIncludeBosses) !== 'false',
    name: group.label,
  })
  return root !== null && samePart(element, root)
    ? { fullName, text: null, unchanged: [{ type: TYPE, fullName }] }
    : { fullName, text: writeFile(TYPE, element), unchanged: [] }
}

/** Whether a queue, by its element, has the group as a member. */
const hasMember = (queue: JsonObject | null, group: string): boolean => {
  const members = isObject(queue?.queueMembers) ? queue.queueMembers : {}
  const groups = isObject(members.publicGroups) ? list(members.publicGroups.publicGroup) : []
  return groups.some((name) => sameName(leaf(name) ?? '') === sameName(group))
}

/**
 * Somebody has added people to it, or a queue that stays has it as a member: then we must not delete it.
 */
const undoMadeGroup = (component: Component, scene: Scene, { kept }: Settled): Undoing => {
  const undoing = undoMade(component, null, scene)
  const queues = kept
    .filter((other) => hasMember(scene.now.part(other), component.fullName))
    .map(({ fullName }) => fullName)
  if (undoing.remove && queues.length > 0) {
    return keep(`It is a member of the ${one(queues, 'queue', 'queues')} ${listed(queues)}.`)
  }
  const members = scene.heldBy(component).reduce((sum, { rows }) => sum + rows, 0)
  if (!undoing.remove || members === 0) return undoing
  return keep(`It has ${plural(members, 'member')}. Remove them first.`)
}

const rules: KindRule[] = [
  {
    code: 'public_group_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The public group ${fullName} exists. It gets the label of the plan; its members stay.`,
            remedy: 'Make sure that it is the group you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'public_group_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The public group ${fullName} is new and has no members until they are added in Salesforce.`,
          }
        : null,
  },
]

export const publicGroup: FileKind = {
  type: TYPE,
  folder: 'groups',
  suffix: 'group',
  named,
  objectOf: () => null,
  toRead: (plan) => plan.public_groups.map(({ api_name }) => api_name),
  heldBy: () => [{ object: 'GroupMember', field: 'GroupId' }],
  check,
  compile: ({ plan, current }) =>
    plan.public_groups.map((one) => compileGroup(one, current(TYPE, one.api_name))),
  // After the queues that have it as a member.
  deletion: { place: 9, withObject: never },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless it has members by then.') : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? (settled) => undoMadeGroup(component, scene, settled) : undoChange(component, scene),
  rules,
}

// A queue: an owner of records that nobody has taken yet, and its members, who may take them. It is read
// and added to; existing members and objects that the plan does not name stay.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanQueue } from '../../plan/schema.ts'
import { inRecords, listed, one } from '../../words.ts'
import { samePart } from '../equality.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import { type NamedRecords, PUBLIC_GROUPS, ROLES, USERS } from '../named-records.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { keep, NOTHING, type Scene, undoChange, type Undoing, undoMade } from '../undoing.ts'
import { overlay, readRoot, writeFile } from '../xml-tree.ts'
import { missingRecords, ownersOf } from './asking.ts'
import {
  type Asked,
  type CompiledFile,
  type FileKind,
  type KindRule,
  type Named,
  never,
} from './kind.ts'

const TYPE = 'Queue'

/** Salesforce: Object reference, Group: DeveloperName. */
const NAME_MAX = 80

/** Objects that have assignment rules. */
const ASSIGNED: ReadonlySet<string> = new Set(['lead', 'case'])

interface MemberList {
  /** The member of a plan. */
  list: keyof PlanQueue['members']
  /** The list in the file, and its entries. */
  element: string
  entry: string
  /** The records in which its names are looked up. */
  records: NamedRecords
}

/** Salesforce: Metadata API guide, "QueueMembers". */
const MEMBER_LISTS: readonly MemberList[] = [
  { list: 'public_groups', element: 'publicGroups', entry: 'publicGroup', records: PUBLIC_GROUPS },
  {
    list: 'roles_and_subordinates',
    element: 'roleAndSubordinates',
    entry: 'roleAndSubordinate',
    records: ROLES,
  },
  {
    list: 'roles_and_internal_subordinates',
    element: 'roleAndSubordinatesInternal',
    entry: 'roleAndSubordinateInternal',
    records: ROLES,
  },
  { list: 'roles', element: 'roles', entry: 'role', records: ROLES },
  { list: 'users', element: 'users', entry: 'user', records: USERS },
]

const named = (plan: Plan): Named[] =>
  plan.queues.map(({ api_name }, index) => ({ fullName: api_name, path: `queues.${index}` }))

const plannedAs = (plan: Plan, fullName: string): PlanQueue | undefined =>
  plan.queues.find(({ api_name }) => sameName(api_name) === sameName(fullName))

const check = ({ queues }: Plan, findings: Findings): void => {
  reportDuplicates(
    queues.map(({ api_name }) => api_name),
    (name) => `Queue ${name}`,
    (index) => ['queues', index, 'api_name'],
    findings,
  )
  for (const [index, queue] of queues.entries()) {
    const fault = nameFault(queue.api_name, `Queue name ${queue.api_name}`, NAME_MAX)
    if (fault !== null) findings.add(['queues', index, 'api_name'], fault.code, fault.message)
    if (queue.email !== undefined && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(queue.email)) {
      const message = `${queue.email} is not an email address. Correct it.`
      findings.add(['queues', index, 'email'], 'bad_email', message)
    }
  }
}

/** What exists, in its order, then what the plan adds. */
const added = (current: readonly string[], wanted: readonly string[]): string[] => {
  const names = new Map(current.map((name) => [sameName(name), name]))
  for (const name of wanted) if (!names.has(sameName(name))) names.set(sameName(name), name)
  return [...names.values()]
}

const namesIn = (values: readonly unknown[]): string[] =>
  values.map(leaf).filter((name) => name !== null)

const objectsIn = (queue: JsonObject | null): string[] =>
  namesIn(listObjects(queue?.queueSobject).map(({ sobjectType }) => sobjectType))

const membersIn = (queue: JsonObject | null, { element, entry }: MemberList): string[] => {
  const members = isObject(queue?.queueMembers) ? queue.queueMembers : {}
  const names = members[element]
  return isObject(names) ? namesIn(list(names[entry])) : []
}

const compileQueue = (queue: PlanQueue, text: string | null): CompiledFile => {
  const fullName = queue.api_name
  const root = text === null ? null : readRoot(text, TYPE)
  const members = MEMBER_LISTS.map(
    (one) => [one, added(membersIn(root, one), queue.members[one.list])] as const,
  ).filter(([, names]) => names.length > 0)
  const element = overlay(root, {
    description: queue.description,
    doesSendEmailToMembers: queue.email_members ?? root?.doesSendEmailToMembers === 'true',
    email: queue.email,
    name: queue.label,
    queueMembers:
      members.length === 0
        ? null
        : Object.fromEntries(
            members.map(([{ element, entry }, names]) => [element, { [entry]: names }]),
          ),
    queueSobject: added(objectsIn(root), queue.objects).map((sobjectType) => ({ sobjectType })),
  })
  return root !== null && samePart(element, root)
    ? { fullName, text: null, unchanged: [{ type: TYPE, fullName }] }
    : { fullName, text: writeFile(TYPE, element), unchanged: [] }
}

/** Records of objects that the same rollback deletes do not keep their queue. */
const undoMadeQueue = (component: Component, scene: Scene): Undoing => {
  const undoing = undoMade(component, null, scene)
  const rules = scene.usersOf(component).map(({ fullName }) => fullName)
  if (undoing.remove && rules.length > 0) {
    return keep(
      `It is used by the ${one(rules, 'assignment rule', 'assignment rules')} ${listed(rules)}.`,
    )
  }
  const owned = scene.heldBy(component).filter(({ object }) => !scene.goes.has(sameName(object)))
  if (!undoing.remove || owned.length === 0) return undoing
  const records = owned.map(({ object, rows }) => `${inRecords(rows)} of ${object}`)
  return keep(`It owns ${listed(records)}. Give them a different owner first.`)
}

/**
 * Restored as it was. What it did not have is written empty, not left out: no source says that a file
 * without members removes existing ones.
 */
const undoChangedQueue = (component: Component, scene: Scene): Undoing => {
  const undoing = undoChange(component, scene)
  const was = scene.before.part(component)
  if (undoing.restore === null || was === null) return undoing
  const is = scene.now.part(component) ?? {}
  const gained = ['description', 'email', 'queueMembers'].filter(
    (member) => member in is && !(member in was),
  )
  const empty = Object.fromEntries(gained.map((member) => [member, '']))
  return { ...NOTHING, restore: { element: { ...was, ...empty } } }
}

const rulesNaming = (fullName: string, file: JsonObject): Component[] =>
  listObjects(file.assignmentRule)
    .filter((rule) =>
      listObjects(rule.ruleEntry).some(
        ({ assignedToType, assignedTo }) =>
          assignedToType === TYPE && sameName(leaf(assignedTo) ?? '') === sameName(fullName),
      ),
    )
    .map((rule) => ({
      type: 'AssignmentRule',
      fullName: `${leaf(file.fullName) ?? ''}.${leaf(rule.fullName) ?? ''}`,
    }))

type Ownership = 'by_queues' | 'by_users' | 'missing'

/** Who may own records of an object after the plan; null if Salesforce does not say. */
const ownershipOf = (name: string, asked: Asked): Ownership | null => {
  const owners = ownersOf(name, asked)
  if (owners === null) return asked.objectExists(name) ? null : 'missing'
  return owners.includes('Group') ? 'by_queues' : 'by_users'
}

const objectsThatAre = (fullName: string, ownership: Ownership, asked: Asked): string[] =>
  plannedAs(asked.plan, fullName)?.objects.filter(
    (name) => ownershipOf(name, asked) === ownership,
  ) ?? []

const missingMembers = (queue: PlanQueue, asked: Asked): Promise<string[]> =>
  missingRecords(
    MEMBER_LISTS.map(({ list, records }) => ({ records, names: queue.members[list] })),
    asked,
  )

const rules: KindRule[] = [
  {
    code: 'queue_object_missing',
    severity: 'red',
    judge: ({ fullName }, asked) => {
      const missing = objectsThatAre(fullName, 'missing', asked)
      return missing.length === 0
        ? null
        : {
            message: `The queue ${fullName} is for ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the object to the plan, or remove it from the queue.',
            at: 'objects',
          }
    },
  },
  {
    code: 'queue_object_not_allowed',
    severity: 'red',
    judge: ({ fullName }, asked) => {
      const refused = objectsThatAre(fullName, 'by_users', asked)
      return refused.length === 0
        ? null
        : {
            message: `The queue ${fullName} is for ${listed(refused)}, whose records a queue cannot own.`,
            remedy:
              'Use an object whose owner may be a queue, such as Lead, Case or a custom object.',
            at: 'objects',
          }
    },
  },
  {
    code: 'queue_member_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const queue = plannedAs(asked.plan, fullName)
      const missing = queue === undefined ? [] : await missingMembers(queue, asked)
      return missing.length === 0
        ? null
        : {
            message: `The queue ${fullName} has members that do not exist in this Salesforce org: ${listed(missing)}.`,
            remedy: 'Create them, correct the names, or leave them out.',
            at: 'members',
          }
    },
  },
  {
    code: 'queue_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The queue ${fullName} exists. It gets the label, members and objects of the plan; its other members and objects stay.`,
            remedy: 'Make sure that it is the queue you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'queue_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? { message: `The queue ${fullName} is new; it owns no record yet.` }
        : null,
  },
]

export const queue: FileKind = {
  type: TYPE,
  folder: 'queues',
  suffix: 'queue',
  isToldByItsFile: true,
  named,
  objectOf: () => null,
  mentions: (plan) => plan.queues.flatMap(({ objects }) => objects),
  toRead: (plan) => plan.queues.map(({ api_name }) => api_name),
  heldBy: (content) => objectsIn(content).map((object) => ({ object, field: 'OwnerId' })),
  namedIn: {
    type: 'AssignmentRules',
    files: (content) => objectsIn(content).filter((name) => ASSIGNED.has(sameName(name))),
    by: rulesNaming,
  },
  check,
  compile: ({ plan, current }) =>
    plan.queues.map((one) => compileQueue(one, current(TYPE, one.api_name))),
  // After the objects whose records it may own.
  deletion: { place: 8, withObject: never },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless it owns records by then.') : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? undoMadeQueue(component, scene) : undoChangedQueue(component, scene),
  rules,
}

// Queue: an owner of records that nobody has taken yet. Salesforce: Metadata API guide, "Queue"; Object
// reference, "Group" and "QueueSobject" on lengths and on what a queue may own. A file is the whole
// queue: members and objects that it leaves out are removed.

import type { Group, GroupMembers } from '../../../org/model.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { QUEUE_MEMBERS, queueObjectsOf } from '../bodies.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, flag, noObject, noSuch, required } from './names.ts'
import { same } from './typed.ts'

const NAME_MAX = 40
const DEVELOPER_NAME_MAX = 80
const EMAIL_MAX = 255
const DESCRIPTION_MAX = 1_332

/** Creates or changes a queue. */
export function deployQueue(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkDeveloperName('Queue', fullName, DEVELOPER_NAME_MAX)
  const found = queueNamed(draft, fullName)
  const content = readQueue(draft, node)
  if (found !== undefined && same(content, contentOf(draft, found))) {
    return { id: found.id, created: false, changed: false }
  }
  const queue: Group = {
    id: found?.id ?? org.ids.make('00G'),
    type: 'Queue',
    developerName: found?.developerName ?? fullName,
    ...content,
    ...draft.stamps(found),
  }
  draft.keep('groups')
  org.groups = [...org.groups.filter((each) => each !== found), queue]
  return { id: queue.id, created: found === undefined, changed: true }
}

/**
 * Returns the id of what was deleted, undefined if it did not exist. Salesforce: "You cannot delete a
 * queue if it is used by an assignment rule or has any records in it" (tip sheet on queues, quoted at
 * learn4sfdc.blogspot.com/2012/06/queue-best-practice.html). The words of the refusals are ours.
 */
export function deleteQueue(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = queueNamed(draft, fullName)
  if (found === undefined) return undefined
  const rules = org.assignmentRules
    .filter(({ entries }) =>
      entries.some(
        ({ assignedTo, assignedToType }) =>
          assignedToType === 'Queue' &&
          assignedTo !== undefined &&
          sameName(assignedTo, found.developerName),
      ),
    )
    .map(({ object, name }) => `AssignmentRule - ${object}.${name}`)
  if (rules.length > 0) {
    throw new Problem(
      `This queue is referenced elsewhere in salesforce.com: ${rules.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  }
  const owning = queueObjectsOf(org, found).filter((object) =>
    [...(org.records.get(object.toLowerCase())?.values() ?? [])].some(
      (row) => row['OwnerId'] === found.id && row['IsDeleted'] !== true,
    ),
  )
  if (owning.length > 0) {
    throw new Problem(
      `This queue owns records and cannot be deleted: ${owning.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  }
  draft.keep('groups')
  org.groups = org.groups.filter((each) => each !== found)
  return found.id
}

const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()

const queueNamed = ({ org }: Draft, name: string): Group | undefined =>
  org.groups.find((each) => each.type === 'Queue' && sameName(each.developerName, name))

type Content = Omit<Group, 'id' | 'type' | 'developerName' | keyof ReturnType<Draft['stamps']>>

const contentOf = ({ org }: Draft, group: Group): Content => ({
  name: group.name,
  description: group.description,
  email: group.email,
  sendsEmailToMembers: group.sendsEmailToMembers,
  includesBosses: group.includesBosses,
  queueObjects: queueObjectsOf(org, group),
  members: group.members,
})

function readQueue(draft: Draft, node: MetadataNode): Content {
  if (text(node, 'queueRoutingConfig') !== undefined) {
    throw new NotDone('does not deploy queueRoutingConfig')
  }
  const name = required(node, 'name')
  checkLength('Name', name, NAME_MAX)
  const email = text(node, 'email') ?? ''
  checkLength('Email', email, EMAIL_MAX)
  if (email !== '' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
    throw new Problem(`Email: invalid email address: ${email}`, 'INVALID_EMAIL_ADDRESS')
  }
  const description = text(node, 'description') ?? null
  checkLength('Description', description ?? undefined, DESCRIPTION_MAX)
  return {
    name,
    description,
    email: email === '' ? null : email,
    sendsEmailToMembers: flag(node, 'doesSendEmailToMembers') === true,
    includesBosses: flag(node, 'doesIncludeBosses') ?? null,
    queueObjects: unique(
      nodes(node, 'queueSobject').map((each) =>
        ownedByQueues(draft, required(each, 'sobjectType')),
      ),
    ),
    members: readMembers(draft, child(node, 'queueMembers')),
  }
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

/**
 * The object by its own name. Salesforce: QueueSobject.SobjectType is a restricted picklist; the objects
 * in it are those whose owner may be a Group.
 */
function ownedByQueues(draft: Draft, name: string): string {
  const object = draft.object(name)
  if (object === undefined) throw noObject('sobjectType', name)
  const owner = object.fields.get('ownerid')
  if (owner?.describe.referenceTo.includes('Group') !== true) {
    throw new Problem(
      `QueueSobject: bad value for restricted picklist field: ${object.name}`,
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    )
  }
  return object.name
}

const NOUNS = {
  publicGroups: 'Group',
  roleAndSubordinates: 'Role',
  roleAndSubordinatesInternal: 'Role',
  roles: 'Role',
} as const satisfies Partial<Record<keyof GroupMembers, string>>

function readMembers(draft: Draft, node: MetadataNode | undefined): GroupMembers {
  const { org } = draft
  const known: Record<keyof GroupMembers, readonly string[]> = {
    publicGroups: org.groups
      .filter(({ type }) => type !== 'Queue')
      .map(({ developerName }) => developerName),
    roleAndSubordinates: org.roles.map(({ developerName }) => developerName),
    roleAndSubordinatesInternal: org.roles.map(({ developerName }) => developerName),
    roles: org.roles.map(({ developerName }) => developerName),
    users: [...org.users.values()].map(({ username }) => username),
  }
  const read = (list: keyof GroupMembers): string[] =>
    unique(
      texts(child(node, list), QUEUE_MEMBERS[list]).map((name) => {
        const found = known[list].find((each) => sameName(each, name))
        if (found !== undefined) return found
        // The words for users: docs.gearset.com, "New or changed reference user".
        throw list === 'users'
          ? new Problem(`Cannot find a user that matches any of the following usernames: ${name}`)
          : noSuch(QUEUE_MEMBERS[list], NOUNS[list], name)
      }),
    ).toSorted()
  return {
    publicGroups: read('publicGroups'),
    roleAndSubordinates: read('roleAndSubordinates'),
    roleAndSubordinatesInternal: read('roleAndSubordinatesInternal'),
    roles: read('roles'),
    users: read('users'),
  }
}

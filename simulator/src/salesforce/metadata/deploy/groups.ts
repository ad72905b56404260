// Group: a public group. Salesforce: Metadata API guide, "Group"; Object reference, "Group" on lengths, on
// the default of doesIncludeBosses, and on deletion. No file names its members.

import type { Group } from '../../../org/model.ts'
import { makeGroup } from '../../../org/create.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, flag, required } from './names.ts'
import { same } from './typed.ts'

const NAME_MAX = 40
const DEVELOPER_NAME_MAX = 80
const DESCRIPTION_MAX = 1_332

/** Creates or changes a public group; its members stay. */
export function deployGroup(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkDeveloperName('Group', fullName, DEVELOPER_NAME_MAX)
  const found = groupNamed(draft, fullName)
  if (found !== undefined && found.type !== 'Regular') {
    throw new Problem(`The group ${found.developerName} is read-only`, 'INSUFFICIENT_ACCESS')
  }
  const content = readGroup(node)
  if (found !== undefined && same(content, contentOf(found))) {
    return { id: found.id, created: false, changed: false }
  }
  const group: Group = {
    ...(found ?? makeGroup(org, 'Regular', fullName)),
    ...content,
    ...draft.stamps(found),
  }
  draft.keep('groups')
  org.groups = [...org.groups.filter((each) => each !== found), group]
  return { id: group.id, created: found === undefined, changed: true }
}

/**
 * Returns the id of what was deleted, undefined if it did not exist. Salesforce: a public group is
 * deleted even if sharing uses it, and its memberships are deleted with it.
 */
export function deleteGroup(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = groupNamed(draft, fullName)
  if (found?.type !== 'Regular') return undefined
  draft.keep('groups')
  org.groups = org.groups
    .filter((each) => each !== found)
    .map((each) =>
      each.members.publicGroups.includes(found.developerName)
        ? {
            ...each,
            members: {
              ...each.members,
              publicGroups: each.members.publicGroups.filter(
                (name) => name !== found.developerName,
              ),
            },
          }
        : each,
    )
  return found.id
}

const groupNamed = ({ org }: Draft, name: string): Group | undefined =>
  org.groups.find(
    (each) => each.type !== 'Queue' && each.developerName.toLowerCase() === name.toLowerCase(),
  )

type Content = Pick<Group, 'name' | 'description' | 'includesBosses'>

const contentOf = ({ name, description, includesBosses }: Group): Content => ({
  name,
  description,
  includesBosses: includesBosses ?? true,
})

function readGroup(node: MetadataNode): Content {
  const name = required(node, 'name')
  checkLength('Name', name, NAME_MAX)
  const description = text(node, 'description') ?? null
  checkLength('Description', description ?? undefined, DESCRIPTION_MAX)
  return { name, description, includesBosses: flag(node, 'doesIncludeBosses') ?? true }
}

// PermissionSetGroup: permission sets that are assigned as one. Salesforce: Metadata API guide and
// Object reference, types of this name. A file is the whole group: sets that it leaves out are no longer
// in it.

import type { PermissionSetGroup } from '../../../org/model.ts'
import { text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { qualified } from '../catalogue.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, checkUnmanaged, flag, oneOf, required } from './names.ts'
import { same } from './typed.ts'

const NAME_MAX = 80
const LABEL_MAX = 80
const DESCRIPTION_MAX = 255
const SETS_MAX = 100
const STATUSES = ['Updated', 'Outdated', 'Updating', 'Failed'] as const

/** Creates or changes a group. */
export function deployPermissionSetGroup(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkUnmanaged(org, 'PermissionSetGroup', fullName)
  checkDeveloperName('Permission Set Group', fullName, NAME_MAX)
  const found = groupNamed(draft, fullName)
  const content = readGroup(draft, node)
  // The rule is Salesforce's (Help, "Permission Set Group Considerations"), the words are ours.
  if (texts(node, 'permissionSets').length > SETS_MAX) {
    throw new Problem(
      `A permission set group can contain up to ${SETS_MAX} permission sets`,
      'LIMIT_EXCEEDED',
    )
  }
  if (found !== undefined && same(comparable(draft, found), comparable(draft, content))) {
    return { id: found.id, created: false, changed: false }
  }
  const group: PermissionSetGroup = {
    id: found?.id ?? org.ids.make('0PG'),
    setId: found?.setId ?? org.ids.make('0PS'),
    developerName: found?.developerName ?? fullName,
    ...content,
    ...draft.stamps(found),
  }
  draft.put(org.permissionSetGroups, group.id, group)
  draft.touchOrg()
  return { id: group.id, created: found === undefined, changed: true }
}

/**
 * Returns the id of what was deleted, undefined if it did not exist. That a group with users cannot be
 * deleted is Salesforce's rule (Help, "Permission Set Groups Considerations"); the words are ours.
 */
export function deletePermissionSetGroup(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = groupNamed(draft, fullName)
  if (found === undefined) return undefined
  if (org.assignments.some(({ permissionSetGroupId }) => permissionSetGroupId === found.id)) {
    throw new Problem('This permission set group is assigned to users and cannot be deleted')
  }
  draft.put(org.permissionSetGroups, found.id, undefined)
  draft.touchOrg()
  return found.id
}

const groupNamed = ({ org }: Draft, name: string): PermissionSetGroup | undefined =>
  [...org.permissionSetGroups.values()].find(
    ({ developerName }) => developerName.toLowerCase() === name.toLowerCase(),
  )

type Content = Pick<
  PermissionSetGroup,
  'label' | 'description' | 'hasActivationRequired' | 'permissionSetIds'
>

const comparable = (
  { org }: Draft,
  { label, description, hasActivationRequired, permissionSetIds }: Content,
) => ({
  label,
  description,
  hasActivationRequired,
  // The order of the sets has no meaning.
  sets: permissionSetIds.filter((id) => org.permissionSets.has(id)).toSorted(),
})

function readGroup(draft: Draft, node: MetadataNode): Content {
  if (text(node, 'mutingPermissionSets') !== undefined) {
    throw new NotDone('does not deploy mutingPermissionSets')
  }
  const label = required(node, 'label')
  checkLength('MasterLabel', label, LABEL_MAX)
  const description = text(node, 'description') ?? ''
  checkLength('Description', description, DESCRIPTION_MAX)
  const status = text(node, 'status')
  // The status in a file is ignored: Salesforce calculates it.
  if (status !== undefined) oneOf('PermissionSetGroupStatus', STATUSES, status)
  return {
    label,
    description: description === '' ? null : description,
    hasActivationRequired: flag(node, 'hasActivationRequired') === true,
    permissionSetIds: readSets(draft, texts(node, 'permissionSets')),
  }
}

/** The refusal is in Salesforce's words: forcedotcom/cli#1803. */
function readSets({ org }: Draft, names: readonly string[]): string[] {
  const ids = new Map(
    [...org.permissionSets.values()].map((set) => [
      qualified(set.namespace, set.name).toLowerCase(),
      set.id,
    ]),
  )
  const unknown = names.filter((name) => !ids.has(name.toLowerCase()))
  if (unknown.length > 0) {
    throw new Problem(
      `Cannot create permission set group components since the following permission set names are invalid: ${unknown.join(', ')}`,
      'INVALID_CROSS_REFERENCE_KEY',
    )
  }
  return [...new Set(names.flatMap((name) => ids.get(name.toLowerCase()) ?? []))]
}

/** The groups that a permission set is in, by name. */
export const groupsWith = ({ org }: Draft, permissionSetId: string): string[] =>
  [...org.permissionSetGroups.values()]
    .filter(({ permissionSetIds }) => permissionSetIds.includes(permissionSetId))
    .map(({ developerName }) => developerName)

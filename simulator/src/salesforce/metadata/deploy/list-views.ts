// ListView. Salesforce: Metadata API guide, "ListView"; Object reference, "ListView" on lengths. The words
// `Could not resolve list view column` and `Invalid scope:Mine, not allowed` are Salesforce's, the others ours.

import type { Org, SObject } from '../../../org/model.ts'
import { child, list, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkFilterLogic, operationOf } from './filters.ts'
import { standardColumns } from './list-view-columns.ts'
import { checkLength, noSuch, oneOf, required } from './names.ts'
import { deletePart, putPart } from './object-parts.ts'

const LABEL_MAX = 40
const SCOPES = [
  'Everything',
  'Mine',
  'Queue',
  'Delegated',
  'MyTerritory',
  'MyTeamTerritory',
  'Team',
  'SalesTeam',
  'AssignedToMe',
  'MineAndMyGroups',
  'ScopingRule',
] as const
/**
 * Scopes of an object whose records have an owner; the others belong to features that no simulated org
 * has.
 */
const OF_OWNERS = ['Mine', 'Queue', 'MineAndMyGroups']
/** Creates or changes a list view. */
export const deployListView = (draft: Draft, item: Item): Outcome =>
  putPart(draft, 'listViews', item, (object, node) => readListView(draft.org, object, node))

export const deleteListView = deletePart('listViews')

function readListView(org: Org, object: SObject, node: MetadataNode) {
  const label = required(node, 'label')
  checkLength('Name', label, LABEL_MAX)
  checkScope(org, object, node)
  for (const column of texts(node, 'columns')) checkColumn(object, column)
  const filters = nodes(node, 'filters')
  for (const filter of filters) {
    checkColumn(object, required(filter, 'field'))
    operationOf(filter)
  }
  checkFilterLogic(text(node, 'booleanFilter'), filters.length)
  checkSharing(org, child(node, 'sharedTo') ?? {})
  return { label, metadata: node }
}

function checkScope(org: Org, object: SObject, node: MetadataNode): void {
  const scope = oneOf('FilterScope', SCOPES, required(node, 'filterScope'))
  const owned = object.fields.has('ownerid')
  if (scope !== 'Everything' && !(owned && OF_OWNERS.includes(scope))) {
    throw new Problem(`Invalid scope:${scope}, not allowed`)
  }
  if (scope !== 'Queue') return
  const name = required(node, 'queue')
  const queue = org.groups.find(
    ({ type, developerName }) =>
      type === 'Queue' && developerName.toLowerCase() === name.toLowerCase(),
  )
  if (queue === undefined) throw noSuch('queue', 'Queue', name)
}

/**
 * Custom fields by name, optionally prefixed with their object; standard ones by their list view names.
 */
function checkColumn(object: SObject, column: string): void {
  const own = `${object.name}.`.toLowerCase()
  const plain = column.toLowerCase().startsWith(own) ? column.slice(own.length) : column
  if (isField(object, plain) && /__[a-z]+$/i.test(plain)) return
  const standard = standardColumns(object.name)
  if (standard === undefined && !/__[a-z]+$/i.test(plain)) {
    throw new NotDone(`does not know the standard list view columns of ${object.name}: ${column}`)
  }
  const field = standard?.[column]
  if (field === undefined || !isField(object, field)) {
    throw new Problem(`Could not resolve list view column: ${column}`)
  }
}

function isField(object: SObject, name: string): boolean {
  const field = object.fields.get(name.toLowerCase())
  return field !== undefined && field.deletedAt === undefined
}

/** Who sees it: groups and roles have to exist. */
function checkSharing(org: Org, sharedTo: MetadataNode): void {
  const knows = (names: readonly { developerName: string }[], name: string) =>
    names.some(({ developerName }) => developerName.toLowerCase() === name.toLowerCase())
  for (const element of Object.keys(sharedTo)) {
    if (/^all\w+Users$/.test(element)) continue
    for (const name of list(sharedTo, element).map(String)) {
      if (element === 'group' || element === 'groups') {
        if (
          !knows(
            org.groups.filter(({ type }) => type === 'Regular'),
            name,
          )
        ) {
          throw noSuch(element, 'Group', name)
        }
      } else if (element === 'queue') {
        if (
          !knows(
            org.groups.filter(({ type }) => type === 'Queue'),
            name,
          )
        ) {
          throw noSuch(element, 'Queue', name)
        }
      } else if (/^roles?/.test(element)) {
        if (!knows(org.roles, name)) throw noSuch(element, 'Role', name)
      } else throw new NotDone(`does not share list views by ${element}`)
    }
  }
}

// Related lists, custom buttons and quick actions of a page layout: added beside its content, which is
// neither moved nor dropped, and removed again. Source: Metadata API guide, "Layout".

import { type XmlValue } from '../../salesforce/xml.ts'
import { sameName } from './names.ts'
import {
  applyEdits,
  childrenNamed,
  childText,
  type Edit,
  inSchemaOrder,
  insertBehind,
  insertFirst,
  readDocument,
  removeNode,
  type XmlDocument,
  type XmlNode,
} from './xml-tree.ts'

/** A list of actions of a layout; each hides Salesforce's defaults if it exists. */
const ACTION_LISTS = {
  platformActionList: { item: 'platformActionListItems', name: 'actionName' },
  quickActionList: { item: 'quickActionListItems', name: 'quickActionName' },
} as const
type ActionList = keyof typeof ACTION_LISTS

interface PlacedAction {
  list: ActionList
  name: string
}

/** What a deployment added to a layout beside fields; absent in older changes. */
export interface ListChange {
  /** A list that it created, or the columns that one gained. */
  related_lists?: { related_list: string; made: boolean; fields: string[] }[]
  buttons?: string[]
  actions?: PlacedAction[]
}

export interface ListWish {
  related_lists?:
    | readonly {
        related_list: string
        fields: readonly string[]
        sort_field?: string | undefined
        sort_order?: 'Asc' | 'Desc' | undefined
      }[]
    | undefined
  buttons?: readonly string[] | undefined
  quick_actions?: readonly string[] | undefined
}

export interface MergedLists {
  text: string
  change: ListChange
}

/** Whether the change contains anything. */
export const isEmptyListChange = ({ related_lists, buttons, actions }: ListChange): boolean =>
  [related_lists, buttons, actions].every((list) => list === undefined || list.length === 0)

const leafOf = ({ value }: XmlNode): string => (typeof value === 'string' ? value : '')

const isNamed = (names: readonly string[], name: string): boolean =>
  names.some((one) => sameName(one) === sameName(name))

/** After the last child that the schema's order puts before it or beside it. */
const insertInto = (parent: XmlNode, text: string, name: string, value: XmlValue): Edit => {
  const last = parent.children.findLast((child) => child.name <= name)
  return last === undefined
    ? insertFirst(parent, text, name, value)
    : insertBehind(last, name, value)
}

const relatedListIn = ({ root }: XmlDocument, name: string): XmlNode | undefined =>
  childrenNamed(root, 'relatedLists').find(
    (node) => sameName(childText(node, 'relatedList') ?? '') === sameName(name),
  )

/** Whether the layout shows the related list. */
export const layoutLists = (text: string, name: string): boolean =>
  relatedListIn(readDocument(text, 'Layout'), name) !== undefined

/**
 * The layout with the wanted related lists: an existing one gains columns and otherwise stays as it is.
 */
const mergeRelatedLists = (text: string, wished: ListWish['related_lists'] = []): MergedLists => {
  const document = readDocument(text, 'Layout')
  const change: NonNullable<ListChange['related_lists']> = []
  const edits: Edit[] = []
  const made: XmlValue[] = []
  for (const { related_list, fields, sort_field, sort_order } of wished) {
    const node = relatedListIn(document, related_list)
    if (node === undefined) {
      const members = { sortField: sort_field, sortOrder: sort_order }
      made.push(inSchemaOrder({ fields: [...fields], relatedList: related_list, ...members }))
      change.push({ related_list, made: true, fields: [...fields] })
      continue
    }
    const shown = childrenNamed(node, 'fields').map(leafOf)
    const missing = fields.filter((field) => !isNamed(shown, field))
    if (missing.length === 0) continue
    edits.push(insertInto(node, text, 'fields', missing))
    change.push({ related_list, made: false, fields: missing })
  }
  if (made.length > 0) edits.push(insertInto(document.root, text, 'relatedLists', made))
  return {
    text: applyEdits(text, edits),
    change: change.length === 0 ? {} : { related_lists: change },
  }
}

const mergeButtons = (text: string, wished: readonly string[] = []): MergedLists => {
  const document = readDocument(text, 'Layout')
  const shown = childrenNamed(document.root, 'customButtons').map(leafOf)
  const missing = wished.filter((button) => !isNamed(shown, button))
  if (missing.length === 0) return { text, change: {} }
  const edit = insertInto(document.root, text, 'customButtons', missing)
  return { text: applyEdits(text, [edit]), change: { buttons: missing } }
}

const itemsOf = (node: XmlNode, list: ActionList): XmlNode[] =>
  childrenNamed(node, ACTION_LISTS[list].item)
const actionOf = (item: XmlNode, list: ActionList): string =>
  childText(item, ACTION_LISTS[list].name) ?? ''

const nextOrder = (items: readonly XmlNode[]): number =>
  Math.max(-1, ...items.map((item) => Number(childText(item, 'sortOrder') ?? -1))) + 1

/**
 * Actions added at the end of a list that the layout has; no list is created, since it would hide the
 * defaults.
 */
const mergeActions = (
  text: string,
  list: ActionList,
  wished: readonly { name: string; type: 'CustomButton' | 'QuickAction' }[],
): MergedLists => {
  const document = readDocument(text, 'Layout')
  const [node] = childrenNamed(document.root, list)
  if (node === undefined) return { text, change: {} }
  const items = itemsOf(node, list)
  const shown = items.map((item) => actionOf(item, list))
  const missing = wished.filter(({ name }) => !isNamed(shown, name))
  if (missing.length === 0) return { text, change: {} }
  const first = nextOrder(items)
  const values: XmlValue[] = missing.map(({ name, type }, index) =>
    list === 'quickActionList'
      ? { quickActionName: name }
      : { actionName: name, actionType: type, sortOrder: first + index },
  )
  return {
    text: applyEdits(text, [insertInto(node, text, ACTION_LISTS[list].item, values)]),
    change: { actions: missing.map(({ name }) => ({ list, name })) },
  }
}

/** Whether the layout has a list of actions of its own; without one it offers Salesforce's defaults. */
export const hasActionList = (text: string): boolean => {
  const { root } = readDocument(text, 'Layout')
  return Object.keys(ACTION_LISTS).some((list) => childrenNamed(root, list).length > 0)
}

/** The layout with what is wanted beside its fields; what it already shows stays where it is. */
export const mergeLists = (
  text: string,
  { related_lists, buttons = [], quick_actions = [] }: ListWish,
): MergedLists => {
  const quick = quick_actions.map((name) => ({ name, type: 'QuickAction' as const }))
  const all = [...buttons.map((name) => ({ name, type: 'CustomButton' as const })), ...quick]
  const lists = mergeRelatedLists(text, related_lists)
  const custom = mergeButtons(lists.text, buttons)
  const platform = mergeActions(custom.text, 'platformActionList', all)
  const publisher = mergeActions(platform.text, 'quickActionList', quick)
  return {
    text: publisher.text,
    change: joinListChanges(lists.change, custom.change, platform.change, publisher.change),
  }
}

/** Several changes of one layout as one. */
export const joinListChanges = (...changes: readonly ListChange[]): ListChange => {
  const related = changes.flatMap(({ related_lists }) => related_lists ?? [])
  const buttons = changes.flatMap((change) => change.buttons ?? [])
  const actions = changes.flatMap((change) => change.actions ?? [])
  return {
    ...(related.length === 0 ? {} : { related_lists: related }),
    ...(buttons.length === 0 ? {} : { buttons }),
    ...(actions.length === 0 ? {} : { actions }),
  }
}

/** What a list of ours may contain and still be only ours. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'fields',
  'relatedList',
  'sortField',
  'sortOrder',
])

interface Taken {
  edits: Edit[]
  removed: string[]
  kept: string[]
}

const takeRelatedLists = (document: XmlDocument, { related_lists = [] }: ListChange): Taken => {
  const taken: Taken = { edits: [], removed: [], kept: [] }
  for (const { related_list, made, fields } of related_lists) {
    const node = relatedListIn(document, related_list)
    if (node === undefined) continue
    const columns = childrenNamed(node, 'fields')
    const ours = columns.filter((column) => isNamed(fields, leafOf(column)))
    if (!made) {
      taken.edits.push(...ours.map((column) => removeNode(column, document.text)))
      taken.removed.push(...ours.map((column) => `${related_list} ${leafOf(column)}`))
    } else if (
      ours.length === columns.length &&
      node.children.every(({ name }) => OWN_MEMBERS.has(name))
    ) {
      taken.edits.push(removeNode(node, document.text))
      taken.removed.push(related_list)
    } else taken.kept.push(related_list)
  }
  return taken
}

const takeActions = (document: XmlDocument, { actions = [] }: ListChange): Taken => {
  const taken: Taken = { edits: [], removed: [], kept: [] }
  for (const list of ['platformActionList', 'quickActionList'] as const) {
    const ours = actions.filter((action) => action.list === list).map(({ name }) => name)
    const [node] = childrenNamed(document.root, list)
    if (node === undefined || ours.length === 0) continue
    const items = itemsOf(node, list).filter((item) => isNamed(ours, actionOf(item, list)))
    taken.removed.push(...items.map((item) => actionOf(item, list)))
    if (items.length > 0 && items.length === node.children.length) {
      taken.edits.push({ start: node.start, end: node.end, text: `<${list}/>` })
    } else taken.edits.push(...items.map((item) => removeNode(item, document.text)))
  }
  return taken
}

/**
 * Removes what a deployment added to the layout beside fields. A related list of ours that now holds
 * something else stays, and is named in `kept`.
 */
export const takeOutLists = (
  current: string,
  change: ListChange,
): { text: string; removed: string[]; kept: string[] } => {
  const document = readDocument(current, 'Layout')
  const lists = takeRelatedLists(document, change)
  const actions = takeActions(document, change)
  const buttons = childrenNamed(document.root, 'customButtons').filter((button) =>
    isNamed(change.buttons ?? [], leafOf(button)),
  )
  return {
    text: applyEdits(current, [
      ...lists.edits,
      ...actions.edits,
      ...buttons.map((button) => removeNode(button, current)),
    ]),
    removed: [...lists.removed, ...buttons.map(leafOf), ...actions.removed],
    kept: lists.kept,
  }
}

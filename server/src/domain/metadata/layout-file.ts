// Page layouts: fields are put into a section, nothing that stands there is moved or dropped, and
// what was put in can be taken out again.

import { type XmlValue } from '../../salesforce/xml.ts'
import { isReadOnly, isRequired, type PlanField } from './fields/field-kinds.ts'
import { type PlanObject } from '../plan/schema.ts'
import { type TakenOut } from './entries.ts'
import { type ListChange, takeOutLists } from './layout-lists.ts'
import { sameName } from './names.ts'
import {
  applyEdits,
  childrenNamed,
  childText,
  type Edit,
  insertBehind,
  insertFirst,
  readDocument,
  removeNode,
  writeFile,
  type XmlDocument,
  type XmlNode,
} from './xml-tree.ts'

/** What a deployment put on a layout. */
export interface LayoutChange extends ListChange {
  /** The layout itself is new. */
  created: boolean
  fields: string[]
  /** Labels of the sections it made. */
  sections: string[]
  /**
   * By field: how the empty column was written that it is the first in; '' where the section had no column
   * to put it in. Absent in changes of before it was kept.
   */
  columns?: Record<string, string>
}

export interface LayoutWish {
  section: string
  fields: readonly string[]
  after?: string | undefined
}

export interface MergedLayout {
  text: string
  change: LayoutChange
}

const STYLE = 'TwoColumnsTopToBottom'

type Behavior = 'Required' | 'Readonly' | 'Edit'

// Salesforce refuses a layout on which a required field could be left empty, or a formula edited.
const behaviorOf = (field: PlanField | undefined): Behavior => {
  if (field === undefined) return 'Edit'
  if (isRequired(field)) return 'Required'
  return isReadOnly(field) ? 'Readonly' : 'Edit'
}

const columnsOf = (section: XmlNode): XmlNode[] => childrenNamed(section, 'layoutColumns')
const itemsOf = (column: XmlNode): XmlNode[] => childrenNamed(column, 'layoutItems')
const sectionsOf = (document: XmlDocument): XmlNode[] =>
  childrenNamed(document.root, 'layoutSections')

const sameLabel = (a: string, b: string): boolean =>
  a.trim().toLowerCase() === b.trim().toLowerCase()

const findItem = (document: XmlDocument, field: string) => {
  for (const section of sectionsOf(document)) {
    for (const column of columnsOf(section)) {
      for (const item of itemsOf(column)) {
        if (sameName(childText(item, 'field') ?? '') === sameName(field)) return { section, item }
      }
    }
  }
  return null
}

/** Whether the layout shows the field anywhere. */
export const layoutShows = (text: string, field: string): boolean =>
  findItem(readDocument(text, 'Layout'), field) !== null

const itemFor = (object: Pick<PlanObject, 'fields'>, field: string): XmlValue => ({
  behavior: behaviorOf(
    object.fields.find(({ api_name }) => sameName(api_name) === sameName(field)),
  ),
  field,
})

const newSection = (label: string, items: readonly XmlValue[]): XmlValue => {
  const half = Math.ceil(items.length / 2)
  const column = (part: readonly XmlValue[]): XmlValue =>
    part.length === 0 ? '' : { layoutItems: part }
  return {
    customLabel: true,
    detailHeading: true,
    editHeading: true,
    label,
    layoutColumns: [column(items.slice(0, half)), column(items.slice(half))],
    style: STYLE,
  }
}

/** Behind the section of `after`; else before Salesforce's own closing sections; else last. */
const placeSection = (document: XmlDocument, wish: LayoutWish, value: XmlValue): Edit => {
  const sections = sectionsOf(document)
  const closing = sections.findIndex(
    (section) =>
      childText(section, 'style') === 'CustomLinks' ||
      (childText(section, 'customLabel') !== 'true' &&
        sameLabel(childText(section, 'label') ?? '', 'System Information')),
  )
  const last = closing > 0 ? sections[closing - 1] : sections.at(-1)
  const anchor =
    (wish.after === undefined ? undefined : findItem(document, wish.after)?.section) ??
    last ??
    document.root.children.findLast(({ name }) => name < 'layoutSections')
  return anchor === undefined
    ? insertFirst(document.root, document.text, 'layoutSections', value)
    : insertBehind(anchor, 'layoutSections', value)
}

interface Item {
  field: string
  value: XmlValue
}

interface Filled {
  edits: Edit[]
  columns: Record<string, string>
}

/** Each field goes to the column that is shortest then. */
const fillColumns = (document: XmlDocument, section: XmlNode, items: readonly Item[]): Filled => {
  const columns = columnsOf(section).map((node) => ({
    node,
    length: itemsOf(node).length,
    added: [] as Item[],
  }))
  if (columns.length === 0) {
    const label = section.children.findLast(({ name }) => name < 'layoutColumns')
    const column = { layoutItems: items.map(({ value }) => value) }
    const edit =
      label === undefined
        ? insertFirst(section, document.text, 'layoutColumns', column)
        : insertBehind(label, 'layoutColumns', column)
    return { edits: [edit], columns: Object.fromEntries(items.map(({ field }) => [field, ''])) }
  }
  for (const item of items) {
    const shortest = columns.reduce((best, column) => (column.length < best.length ? column : best))
    shortest.added.push(item)
    shortest.length += 1
  }
  const filled = columns.filter(({ added }) => added.length > 0)
  return {
    edits: filled.map(({ node, added }) => {
      const values = added.map(({ value }) => value)
      const last = node.children.at(-1)
      return last === undefined
        ? insertFirst(node, document.text, 'layoutItems', values)
        : insertBehind(last, 'layoutItems', values)
    }),
    columns: Object.fromEntries(
      filled
        .filter(({ node }) => node.children.length === 0)
        .flatMap(({ node, added }) => {
          const empty = document.text.slice(node.start, node.end)
          return added.map(({ field }) => [field, empty])
        }),
    ),
  }
}

/**
 * The layout with the fields of one wish. A field that it shows already, wherever, stays there.
 * `object` tells which fields are required or read-only.
 */
export const mergeLayout = (
  text: string,
  object: Pick<PlanObject, 'fields'>,
  wish: LayoutWish,
): MergedLayout => {
  const document = readDocument(text, 'Layout')
  const fields = wish.fields.filter((field) => findItem(document, field) === null)
  const change: LayoutChange = { created: false, fields, sections: [] }
  if (fields.length === 0) return { text, change }

  const items = fields.map((field) => itemFor(object, field))
  const section = sectionsOf(document).find((node) =>
    sameLabel(childText(node, 'label') ?? '', wish.section),
  )
  if (section === undefined) {
    change.sections.push(wish.section)
    const edit = placeSection(document, wish, newSection(wish.section, items))
    return { text: applyEdits(text, [edit]), change }
  }
  const after = wish.after === undefined ? null : findItem(document, wish.after)
  if (after !== null && after.section === section) {
    return { text: applyEdits(text, [insertBehind(after.item, 'layoutItems', items)]), change }
  }
  const { edits, columns } = fillColumns(
    document,
    section,
    fields.map((field) => ({ field, value: itemFor(object, field) })),
  )
  return { text: applyEdits(text, edits), change: { ...change, columns } }
}

/** Fields without which Salesforce refuses the layout ("Layout must contain an item for required layout field"). */
export const missingRequired = (text: string, object: Pick<PlanObject, 'fields'>): string[] => {
  const document = readDocument(text, 'Layout')
  return object.fields
    .filter((field) => isRequired(field) && findItem(document, field.api_name) === null)
    .map(({ api_name }) => api_name)
}

/** A layout for an object that the plan makes: its name, owner and system fields. */
export const newLayout = (object: PlanObject): string => {
  const isDetail = object.fields.some(({ type }) => type === 'MasterDetail')
  const item = (behavior: Behavior, field: string): XmlValue => ({ behavior, field })
  const section = (label: string, left: XmlValue[], right: XmlValue[]): XmlValue => ({
    customLabel: false,
    detailHeading: false,
    editHeading: true,
    label,
    layoutColumns: [left, right].map((items) => (items.length === 0 ? '' : { layoutItems: items })),
    style: STYLE,
  })
  const name = item(object.name_field?.type === 'AutoNumber' ? 'Readonly' : 'Required', 'Name')
  return writeFile('Layout', {
    layoutSections: [
      // Salesforce: a detail has the owner of its master and no owner field.
      section('Information', [name], isDetail ? [] : [item('Edit', 'OwnerId')]),
      section(
        'System Information',
        [item('Readonly', 'CreatedById')],
        [item('Readonly', 'LastModifiedById')],
      ),
    ],
  })
}

/** A column that loses all it holds is written as it was before it held anything. */
const takeFromColumn = (
  column: XmlNode,
  isOurs: (item: XmlNode) => boolean,
  text: string,
  { columns = {} }: LayoutChange,
): Edit[] => {
  const taken = itemsOf(column).filter(isOurs)
  if (taken.length === 0 || taken.length < column.children.length) {
    return taken.map((item) => removeNode(item, text))
  }
  const fields = new Set(taken.map((item) => sameName(childText(item, 'field') ?? '')))
  const [, was] = Object.entries(columns).find(([field]) => fields.has(sameName(field))) ?? []
  return was === ''
    ? [removeNode(column, text)]
    : [{ start: column.start, end: column.end, text: was ?? '<layoutColumns/>' }]
}

/**
 * Removes what a deployment added to the layout in its current state; a section or related list that it
 * created is also removed, unless it now holds something else (then it is named in `kept`).
 */
export const takeOutOfLayout = (current: string, change: LayoutChange): TakenOut => {
  const document = readDocument(current, 'Layout')
  const ours = new Set(change.fields.map(sameName))
  const isOurs = (item: XmlNode): boolean => ours.has(sameName(childText(item, 'field') ?? ''))
  const edits: Edit[] = []
  const removed: string[] = []
  const kept: string[] = []
  for (const section of sectionsOf(document)) {
    const items = columnsOf(section).flatMap(itemsOf)
    const taken = items.filter(isOurs)
    for (const item of taken) removed.push(childText(item, 'field') ?? '')
    const label = childText(section, 'label') ?? ''
    const made = change.sections.some((name) => sameLabel(name, label))
    // Salesforce: an empty space is an item too, but nobody's content.
    const others = items.filter((item) => !isOurs(item) && childText(item, 'emptySpace') !== 'true')
    if (made && others.length === 0) {
      edits.push(removeNode(section, current))
      removed.push(label)
      continue
    }
    if (made) kept.push(label)
    for (const column of columnsOf(section))
      edits.push(...takeFromColumn(column, isOurs, current, change))
  }
  const lists = takeOutLists(applyEdits(current, edits), change)
  return {
    text: lists.text,
    removed: [...removed, ...lists.removed],
    kept: [...kept, ...lists.kept],
  }
}

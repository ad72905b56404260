// Metadata files as Salesforce wrote them, changed in single places: every other byte stays. A file is
// read twice, for its values (through the XML helpers) and for the position of each element.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { METADATA_NAMESPACE } from '../../salesforce/metadata.ts'
import { leaf, listObjects, parseXml, toXml, type XmlValue } from '../../salesforce/xml.ts'
import { sameName } from './names.ts'

const INDENT = '    '

/** An element and its position in the text, in characters. */
export interface XmlNode {
  name: string
  start: number
  end: number
  /** Between the tags; for `<x/>` both are null. */
  innerStart: number | null
  innerEnd: number | null
  depth: number
  /** Its text, unescaped, or its children by name, as `parseXml` returns them. */
  value: unknown
  children: XmlNode[]
}

export interface XmlDocument {
  text: string
  root: XmlNode
}

const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(\/?)([^\s/>!?]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>/g

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const readNodes = (text: string): XmlNode | null => {
  const open: XmlNode[] = []
  let root: XmlNode | null = null
  for (const match of text.matchAll(TOKEN)) {
    const [all, closing, name, , selfClosing] = match
    if (name === undefined) continue
    const end = match.index + all.length
    if (closing === '/') {
      const node = open.pop()
      if (node === undefined) return null
      node.innerEnd = match.index
      node.end = end
      continue
    }
    const node: XmlNode = {
      name: localName(name),
      start: match.index,
      end,
      innerStart: selfClosing === '/' ? null : end,
      innerEnd: null,
      depth: open.length,
      value: '',
      children: [],
    }
    const parent = open.at(-1)
    if (parent === undefined) root ??= node
    else parent.children.push(node)
    if (selfClosing !== '/') open.push(node)
  }
  return open.length === 0 ? root : null
}

const repeated = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** Gives each node its value: the n-th element of a name has the n-th value under that name. */
const attachValues = (node: XmlNode, value: unknown): void => {
  node.value = value
  if (!isObject(value)) return
  const counts = new Map<string, number>()
  for (const child of node.children) {
    const index = counts.get(child.name) ?? 0
    counts.set(child.name, index + 1)
    attachValues(child, repeated(value[child.name])[index] ?? '')
  }
}

/**
 * The document of a metadata file. Throws SalesforceError `malformed` for text that is not
 * well-formed, and TypeError where the root element is not `rootName`.
 */
export const readDocument = (text: string, rootName: string): XmlDocument => {
  const values = parseXml(text)
  const root = readNodes(text)
  if (root === null || root.name !== rootName) {
    throw new TypeError(`Not a metadata file of type ${rootName}`)
  }
  attachValues(root, values[rootName])
  return { text, root }
}

/** Value of the root element, as `parseXml` returns it. */
export const readRoot = (text: string, rootName: string): JsonObject => {
  const value = parseXml(text)[rootName]
  if (value === undefined) throw new TypeError(`Not a metadata file of type ${rootName}`)
  return isObject(value) ? value : {}
}

/** The elements of a list in a file that have a fullName, by that name in lower case. */
export const elementsIn = (
  text: string | null,
  { root, list }: { root: string; list: string },
): ReadonlyMap<string, JsonObject> => {
  const elements = text === null ? [] : listObjects(readRoot(text, root)[list])
  return new Map(
    elements.flatMap((element) => {
      const name = leaf(element.fullName)
      return name === null ? [] : [[sameName(name), element]]
    }),
  )
}

export const childrenNamed = (node: XmlNode, name: string): XmlNode[] =>
  node.children.filter((child) => child.name === name)

/** Text of a leaf child; null if it is absent, empty, or not a leaf. */
export const childText = (node: XmlNode, name: string): string | null => {
  const value = isObject(node.value) ? node.value[name] : undefined
  return typeof value === 'string' && value !== '' ? value : null
}

/** One change of a text; an insertion has `end === start`. */
export interface Edit {
  start: number
  end: number
  text: string
}

/** The text with all edits applied; edits at the same position keep their order. */
export const applyEdits = (text: string, edits: readonly Edit[]): string => {
  const sorted = edits
    .map((edit, order) => ({ ...edit, order }))
    .toSorted((a, b) => a.start - b.start || a.order - b.order)
  let result = ''
  let position = 0
  for (const edit of sorted) {
    // An element inside another one that is also removed is already gone.
    if (edit.start < position) continue
    result += text.slice(position, edit.start) + edit.text
    position = edit.end
  }
  return result + text.slice(position)
}

/** An element with its children on lines of their own, as Salesforce writes files; starts without indent. */
export const writeElement = (name: string, value: XmlValue, depth: number): string => {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) {
    return (value as readonly XmlValue[])
      .map((item) => writeElement(name, item, depth))
      .filter((text) => text !== '')
      .join(`\n${INDENT.repeat(depth)}`)
  }
  if (typeof value !== 'object') return toXml(name, value)
  const inner = Object.entries(value)
    .map(([child, content]) => writeElement(child, content, depth + 1))
    .filter((text) => text !== '')
    .map((text) => `\n${INDENT.repeat(depth + 1)}${text}`)
    .join('')
  return inner === '' ? toXml(name, '') : `<${name}>${inner}\n${INDENT.repeat(depth)}</${name}>`
}

/** A whole metadata file. */
export const writeFile = (
  rootName: string,
  members: Readonly<Record<string, XmlValue>>,
): string => {
  const element = writeElement(rootName, members, 0)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootName} xmlns="${METADATA_NAMESPACE}"${element.slice(rootName.length + 1)}\n`
}

/**
 * Members in the order of Salesforce's schema: the name first, which comes from the base type, then
 * alphabetically, capitals before lower case. Members without a value are left out.
 */
export const inSchemaOrder = (
  members: Readonly<Record<string, XmlValue>>,
): Record<string, XmlValue> =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== null && value !== undefined)
      .toSorted(([a], [b]) => {
        if (a === 'fullName' || b === 'fullName') return a === b ? 0 : a === 'fullName' ? -1 : 1
        return a < b ? -1 : a > b ? 1 : 0
      }),
  )

/** A parsed value in a form that can be written again. */
export const asXmlValue = (value: unknown): XmlValue => {
  if (Array.isArray(value)) return value.map(asXmlValue)
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, asXmlValue(member)]),
    )
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : null
}

/** An element with these members replaced; a member that is null stays as it is. */
export const overlay = (
  before: JsonObject | null,
  own: Readonly<Record<string, XmlValue>>,
): Record<string, XmlValue> => {
  const kept = Object.fromEntries(
    Object.entries(before ?? {}).map(([name, value]) => [name, asXmlValue(value)]),
  )
  return inSchemaOrder({ ...kept, ...inSchemaOrder(own) })
}

/** As `overlay`, but a member that is null is removed. */
export const rewrite = (
  before: JsonObject | null,
  own: Readonly<Record<string, XmlValue>>,
): Record<string, XmlValue> =>
  overlay(
    Object.fromEntries(Object.entries(before ?? {}).filter(([name]) => own[name] !== null)),
    own,
  )

/** Inserts an element right after a sibling. */
export const insertBehind = (sibling: XmlNode, name: string, value: XmlValue): Edit => ({
  start: sibling.end,
  end: sibling.end,
  text: `\n${INDENT.repeat(sibling.depth)}${writeElement(name, value, sibling.depth)}`,
})

/** Inserts an element as the first child of another; `<x/>` is opened for it. */
export const insertFirst = (parent: XmlNode, text: string, name: string, value: XmlValue): Edit => {
  const indent = INDENT.repeat(parent.depth + 1)
  const element = `\n${indent}${writeElement(name, value, parent.depth + 1)}`
  if (parent.innerStart !== null) {
    const empty = parent.children.length === 0
    const tail = empty && parent.innerStart === parent.innerEnd
    return {
      start: parent.innerStart,
      end: parent.innerStart,
      text: tail ? `${element}\n${INDENT.repeat(parent.depth)}` : element,
    }
  }
  const tag = text.slice(parent.start, parent.end)
  const opened = tag.replace(/\s*\/>$/, '>')
  const qualified = /^<([^\s/>]+)/.exec(tag)?.[1] ?? parent.name
  return {
    start: parent.start,
    end: parent.end,
    text: `${opened}${element}\n${INDENT.repeat(parent.depth)}</${qualified}>`,
  }
}

/** Removes an element, with its line. Looks no further back than the line: a file has thousands of them. */
export const removeNode = (node: XmlNode, text: string): Edit => {
  let line = node.start
  while (text[line - 1] === ' ' || text[line - 1] === '\t') line -= 1
  const lineBreak = text[line - 1] !== '\n' ? 0 : text[line - 2] === '\r' ? 2 : 1
  return { start: lineBreak === 0 ? node.start : line - lineBreak, end: node.end, text: '' }
}

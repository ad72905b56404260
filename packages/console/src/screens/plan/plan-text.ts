// A plan as the text that somebody edits: JSON or YAML. What it says, what is wrong with it, and on which line
// a path of the API (`objects.0.fields.2.length`) is. Pure: no React.

import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml'
import { type PlanField, type PlanObject } from '@sfdc-engine-x/client'

export interface TextFault {
  message: string
  /** From 1. */
  line: number
}

export interface PlanText {
  /** What the text says; null with a fault. */
  plan: Record<string, unknown> | null
  fault: TextFault | null
  /** The line of a path, or of the nearest thing around it; from 1. */
  lineOf: (path: string) => number
}

/** A plan of more aliases than this is an attack, or a mistake. */
const ALIASES_MAX = 100

export const readPlanText = (text: string): PlanText => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
  })
  const lineOf = (path: string): number => lineAt(document, lines, path)
  const failed = (fault: TextFault): PlanText => ({ plan: null, fault, lineOf })
  if (text.trim() === '') return failed({ message: 'The plan is empty.', line: 1 })
  const [error] = document.errors
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0])
    return failed({ message: jsonFault(text) ?? error.message, line: Math.max(1, line) })
  }
  let said: unknown
  try {
    said = document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (thrown) {
    return failed({ message: thrown instanceof Error ? thrown.message : String(thrown), line: 1 })
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) {
    return failed({
      message: 'A plan is an object with members such as "objects" or "layouts".',
      line: 1,
    })
  }
  return { plan: said as Record<string, unknown>, fault: null, lineOf }
}

/** JSON's own words, for who wrote JSON: those of YAML would puzzle. */
const jsonFault = (text: string): string | null => {
  if (!isJsonLike(text)) return null
  try {
    JSON.parse(text)
    return null
  } catch (thrown) {
    return thrown instanceof Error ? `This is not JSON: ${thrown.message}` : null
  }
}

export const isJsonLike = (text: string): boolean => /^\s*[{[]/.test(text)

const lineAt = (document: Document, lines: LineCounter, path: string): number => {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const part of path.split('.').filter((name) => name !== '')) {
    const next = step(node, part)
    if (next === null) break
    offset = next.offset
    node = next.value
  }
  return Math.max(1, lines.linePos(offset).line)
}

const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0

const step = (node: unknown, part: string): { value: unknown; offset: number } | null => {
  if (isSeq(node)) {
    const value = node.items[Number(part)]
    return value === undefined ? null : { value, offset: startOf(value) }
  }
  if (!isMap(node)) return null
  const pair = node.items.find((item) => isPair(item) && keyText(item.key) === part)
  return pair === undefined ? null : { value: pair.value, offset: startOf(pair.key) }
}

const keyText = (key: unknown): string => String((key as { value?: unknown } | null)?.value ?? key)

/** The plan without members that say nothing, as text to edit. Paths stay as they are. */
export const textOfPlan = (plan: object): string => `${JSON.stringify(plan, withoutEmpty, 2)}\n`

const withoutEmpty = (_name: string, value: unknown): unknown =>
  Array.isArray(value) && value.length === 0 ? undefined : value

/** A new object at the end of the plan. Comments and the order of what is there stay as they are. */
export const addObject = (text: string, object: PlanObject): string =>
  edit(text, (document) => {
    requireList(document, ['objects'])
    document.addIn(['objects'], document.createNode(object))
  })

/** A field for an object, which is added to the plan if it is not in it. */
export const addField = (text: string, objectName: string, field: PlanField): string =>
  edit(text, (document) => {
    requireList(document, ['objects'])
    const objects = (document.toJS() as { objects: { api_name?: string }[] }).objects
    const at = objects.findIndex((one) => sameName(one?.api_name, objectName))
    if (at === -1) {
      document.addIn(['objects'], document.createNode({ api_name: objectName, fields: [field] }))
      return
    }
    requireList(document, ['objects', at, 'fields'])
    document.addIn(['objects', at, 'fields'], document.createNode(field))
  })

/** Names of Salesforce do not differ by case. */
const sameName = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase()

const requireList = (document: Document, path: readonly (string | number)[]): void => {
  const present = document.getIn(path)
  if (isSeq(present)) return
  if (isCollection(present)) throw new TypeError(`${path.join('.')} is not a list.`)
  document.setIn(path, document.createNode([]))
}

const edit = (text: string, change: (document: Document) => void): string => {
  const document = parseDocument(text.trim() === '' ? '{}' : text, { stringKeys: true })
  change(document)
  return isJsonLike(text) || text.trim() === ''
    ? `${JSON.stringify(document.toJS(), null, 2)}\n`
    : document.toString({ lineWidth: 0 })
}

/** `Job Posting` → `Job_Posting__c`: what Salesforce itself proposes. */
export const apiNameOf = (label: string): string => {
  const name = label
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
  if (name === '') return ''
  return `${/^[A-Za-z]/.test(name) ? name : `X${name}`}__c`
}

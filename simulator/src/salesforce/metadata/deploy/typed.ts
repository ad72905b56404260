// Metadata comes as text; Tooling returns it as JSON with numbers and booleans.

import type { MetadataNode, MetadataValue } from '../../../org/metadata-xml.ts'

/** Elements that hold text written by people: "true" in them is a word. */
const WORDS = new Set([
  'controllingFieldValue',
  'defaultValue',
  'description',
  'errorConditionFormula',
  'errorMessage',
  'expression',
  'formula',
  'fullName',
  'helpText',
  'inlineHelpText',
  'label',
  'masterLabel',
  'name',
  'stringValue',
  'text',
  'url',
  'value',
  'valueName',
])
const NUMBERS = new Set([
  'activeVersionNumber',
  'height',
  'length',
  'limit',
  'locationX',
  'locationY',
  'numberValue',
  'precision',
  'relationshipOrder',
  'scale',
  'startingNumber',
  'triggerOrder',
  'visibleLines',
  'width',
])

/** The same metadata with booleans and numbers where Salesforce has them. */
export function typed(node: MetadataNode): MetadataNode {
  return Object.fromEntries(
    Object.entries(node).map(([element, value]) => [element, typedValue(element, value)]),
  )
}

function typedValue(element: string, value: MetadataValue): MetadataValue {
  if (Array.isArray(value)) {
    return (value as readonly MetadataValue[]).map((item) => typedValue(element, item))
  }
  if (typeof value === 'object' && value !== null) return typed(value as MetadataNode)
  if (typeof value !== 'string') return value
  if (element === 'apiVersion') return Number(value)
  // A number that would be written differently stays as it was written.
  if (NUMBERS.has(element)) return String(Number(value)) === value ? Number(value) : value
  if (WORDS.has(element)) return value
  return value === 'true' ? true : value === 'false' ? false : value
}

/** Whether both mean the same, whatever the order of their elements. */
export function same(left: unknown, right: unknown): boolean {
  return canonical(left) === canonical(right)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const items: unknown[] = value
    return items.length === 1 ? canonical(items[0]) : `[${items.map(canonical).join(',')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return `{${members
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${name}:${canonical(member)}`)
      .join(',')}}`
  }
  return String(value)
}

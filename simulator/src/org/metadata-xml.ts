import { XMLParser } from 'fast-xml-parser'

/** A metadata element's content, in the order in which it is written. */
export interface MetadataNode {
  [element: string]: MetadataValue
}
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | MetadataNode
  | readonly MetadataValue[]

export const metadataNamespace = 'http://soap.sforce.com/2006/04/metadata'
/** The namespaces `xsi:` and `xsd:` in files whose values state their type. */
export const SCHEMA_NAMESPACES =
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>'

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
}

/**
 * Puts elements in the order Salesforce writes them: `fullName` first, the rest by name, at every depth.
 * (Flow elements are the exception: they keep the order of their inheritance, name, label, location,
 * then the rest; so flow metadata is stored and written as it is.)
 */
export function inSalesforceOrder(node: MetadataNode): MetadataNode {
  const names = Object.keys(node).sort((left, right) =>
    left === 'fullName' ? -1 : right === 'fullName' ? 1 : left < right ? -1 : 1,
  )
  return Object.fromEntries(names.map((name) => [name, ordered(node[name])]))
}

function ordered(value: MetadataValue): MetadataValue {
  if (isList(value)) return value.map(ordered)
  return isNode(value) ? inSalesforceOrder(value) : value
}

function isList(value: MetadataValue): value is readonly MetadataValue[] {
  return Array.isArray(value)
}

function isNode(value: MetadataValue): value is MetadataNode {
  return typeof value === 'object' && value !== null && !isList(value)
}

/** Elements without indentation, for SOAP bodies. Undefined is left out; null is an empty element. */
export function writeElements(node: MetadataNode): string {
  return render(node, null, 0)
}

/** A metadata file, indented by four spaces as in Salesforce's zips. */
export function writeMetadataFile(type: string, node: MetadataNode): string {
  const content = render(node, '    ', 1)
  const schema = / xsi:(type|nil)="/.test(content) ? ` ${SCHEMA_NAMESPACES}` : ''
  return `${declaration}\n<${type} xmlns="${metadataNamespace}"${schema}>\n${content}</${type}>\n`
}

/** A value that states its type: `xsd:boolean`; without a value it is `xsi:nil`. */
export const typedText = (type: string, value: string | null): MetadataNode =>
  value === null ? { '@nil': 'true' } : { '@type': type, '#text': value }

function render(node: MetadataNode, indent: string | null, depth: number): string {
  let out = ''
  const [pad, end] = indent === null ? ['', ''] : [indent.repeat(depth), '\n']
  for (const [name, value] of Object.entries(node)) {
    for (const item of isList(value) ? value : [value]) {
      if (item === undefined) continue
      if (item === null || item === '') out += `${pad}<${name}/>${end}`
      else if (isList(item)) throw new Error(`list inside of the list ${name}`)
      else if ('@nil' in (isNode(item) ? item : {})) out += `${pad}<${name} xsi:nil="true"/>${end}`
      else if (isNode(item) && item['@type'] !== undefined) {
        const written = escapeXml(text(item, '#text') ?? '')
        out += `${pad}<${name} xsi:type="${text(item, '@type') ?? ''}">${written}</${name}>${end}`
      } else if (isNode(item)) {
        const inner = render(item, indent, depth + 1)
        out += inner
          ? `${pad}<${name}>${end}${inner}${pad}</${name}>${end}`
          : `${pad}<${name}/>${end}`
      } else {
        out += `${pad}<${name}>${escapeXml(String(item))}</${name}>${end}`
      }
    }
  }
  return out
}

/**
 * Parses XML into nodes: text stays text, a repeated element becomes a list (so a single one is
 * not a list: read with `list`), attributes are dropped, prefixes are stripped, and an empty
 * element is an empty string. Throws when the text is not well-formed XML.
 */
export function parseXml(xml: string): MetadataNode {
  const parsed = new XMLParser({ ...PARSING, ignoreAttributes: true }).parse(
    xml,
    true,
  ) as MetadataNode
  return withoutIndentation(parsed) as MetadataNode
}

/** White space is not text: beside elements it is dropped, by itself it is an empty text. */
function withoutIndentation(value: MetadataValue): MetadataValue {
  if (isList(value)) return value.map(withoutIndentation)
  if (typeof value === 'string') return value.trim() === '' ? '' : value
  if (!isNode(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, item]) => [name, withoutIndentation(item)] as const)
      .filter(([name, item]) => name !== '#text' || item !== ''),
  )
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** XML 1.0: five names and every character by its number; Salesforce's parser knows no others. */
const decodeReferences = (written: string): string =>
  written.replaceAll(/&(?:#x([\da-f]+);|#(\d+);|(\w+);|)/gi, (all, hex, decimal, name) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(String(hex), 16)
    if (code <= 0x10ffff) return String.fromCodePoint(code)
    const known = NAMED[String(name)]
    if (known !== undefined) return known
    throw new Error(
      typeof name === 'string'
        ? `The entity "${name}" was referenced, but not declared.`
        : `The reference ${all} is not one of XML.`,
    )
  })

const ignore = (): void => undefined

const PARSING = {
  // Its own reads no characters by their number.
  entityDecoder: {
    decode: decodeReferences,
    setExternalEntities: ignore,
    addInputEntities: ignore,
    setXmlVersion: ignore,
    reset: ignore,
  },
  ignoreDeclaration: true,
  removeNSPrefix: true,
  parseTagValue: false,
  // Salesforce keeps spaces at both ends of a text; those between elements are removed below.
  trimValues: false,
  processEntities: true,
}

/**
 * As `parseXml`, but an element's `xsi:type` is its member `@type`, and one that is `xsi:nil` is left
 * out. With `typedTexts` a text that states its type keeps it: see `typedText`.
 */
export function parseTypedXml(xml: string, typedTexts = false): MetadataNode {
  const parser = new XMLParser({
    ...PARSING,
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseAttributeValue: false,
  })
  const read = withoutIndentation(parser.parse(xml, true) as MetadataNode)
  const parsed = withXsi(read, typedTexts)
  return isNode(parsed) ? parsed : {}
}

function withXsi(value: MetadataValue, typedTexts: boolean): MetadataValue {
  if (isList(value)) {
    return value.map((item) => withXsi(item, typedTexts)).filter((item) => item !== undefined)
  }
  if (!isNode(value)) return value
  if (value['@nil'] === 'true') return undefined
  const elements = Object.entries(value)
    .filter(([name]) => !name.startsWith('@') && name !== '#text')
    .map(([name, item]) => [name, withXsi(item, typedTexts)] as const)
  if (typedTexts && elements.length === 0 && value['@type'] !== undefined) {
    return typedText(text(value, '@type') ?? '', text(value, '#text') ?? '')
  }
  // Text in an element with attributes is text.
  if (elements.length === 0 && (value['#text'] !== undefined || value['@type'] === undefined)) {
    return value['#text'] ?? ''
  }
  const type = value['@type']
  return { ...(type === undefined ? {} : { '@type': type }), ...Object.fromEntries(elements) }
}

/** Reads a metadata file: its root element's name and content, with `typedTexts` as `parseTypedXml`. */
export function parseMetadataFile(
  xml: string,
  typedTexts = false,
): { type: string; node: MetadataNode } {
  const [root] = Object.entries(typedTexts ? parseTypedXml(xml, true) : parseXml(xml))
  if (!root) throw new Error('the file has no root element')
  const [type, value] = root
  return { type, node: isNode(value) ? value : {} }
}

/** The child elements as a list, however many there are. */
export function list(node: MetadataNode | undefined, element: string): readonly MetadataValue[] {
  const value = node?.[element]
  if (value === undefined || value === null) return []
  return isList(value) ? value : [value]
}

export function nodes(node: MetadataNode | undefined, element: string): MetadataNode[] {
  return list(node, element).filter(isNode)
}

export function child(node: MetadataNode | undefined, element: string): MetadataNode | undefined {
  return nodes(node, element)[0]
}

export function texts(node: MetadataNode | undefined, element: string): string[] {
  return list(node, element)
    .filter((value) => value !== undefined && value !== null && typeof value !== 'object')
    .map(String)
}

export function text(node: MetadataNode | undefined, element: string): string | undefined {
  return texts(node, element)[0]
}

/**
 * A picklist value or the name of a business process as files have it. Salesforce writes the special
 * characters of ASCII as %XX, except spaces, hyphens and underscores (`User didn%27t attend` in
 * forcedotcom/cli#155, `Europe%2FRome` beside `Trade Show` in retrieved objects).
 */
export function writtenName(name: string): string {
  return name.replace(/[!-,./:-@[-^`{-~]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase()
    return `%${code}`
  })
}

/** The name that a file means; a `%` that does not start an escape belongs to the name. */
export function readName(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written
  }
}

// XML in and out. Parsed without DTD and without entities except the five of XML itself; always escaped
// when written.

import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { xmlText } from './escape.ts'
import { malformed, SalesforceError } from './failure.ts'
import { isObject, type JsonObject } from './json.ts'
import { readPlainXml } from './plain-xml.ts'

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

const codePoint = (value: number, original: string): string =>
  value <= 0x10ffff ? String.fromCodePoint(value) : original

const decodeText = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/g,
    (all: string, hex?: string, decimal?: string, name?: string) => {
      if (hex !== undefined) return codePoint(Number.parseInt(hex, 16), all)
      if (decimal !== undefined) return codePoint(Number(decimal), all)
      return NAMED[name ?? ''] ?? all
    },
  )

const UNKNOWN_REFERENCE = /&(?!(?:#x[0-9a-fA-F]{1,6}|#\d{1,7}|lt|gt|amp|quot|apos);)/

/**
 * Null for a text that only the full parser can decode: with another kind of reference, or the end of a
 * CDATA.
 */
const decodePlain = (text: string): string | null => {
  if (text.includes('\r') || text.includes(']]>')) return null
  if (!text.includes('&')) return text
  return UNKNOWN_REFERENCE.test(text) ? null : decodeText(text)
}

const ignore = (): void => undefined

const createParser = (): XMLParser =>
  new XMLParser({
    removeNSPrefix: true,
    ignoreAttributes: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    // "007" stays "007" and " x " stays " x ": its reader decides what a value means.
    parseTagValue: false,
    trimValues: false,
    jPath: false, // the path of an element is not used, and takes a tenth of the time
    // It never learns a document's own entities, so there is nothing to expand.
    entityDecoder: {
      decode: decodeText,
      setExternalEntities: ignore,
      addInputEntities: ignore,
      setXmlVersion: ignore,
      reset: ignore,
    },
  })

/** Removes the indentation of pretty-printed XML, in place. */
const dropWhitespace = (value: unknown): void => {
  if (Array.isArray(value)) value.forEach(dropWhitespace)
  else if (isObject(value)) {
    const text = value['#text']
    if (typeof text === 'string' && text.trim() === '') delete value['#text']
    Object.values(value).forEach(dropWhitespace)
  }
}

/**
 * The document as objects: an element without children is its text ('' when empty), namespace
 * prefixes and attributes are left out, a repeated element is an array. Salesforce: a list of one
 * is not repeated and a list of none is absent, so read every list through `list`.
 * Throws SalesforceError `malformed` for text that is not well-formed or has a DTD.
 */
export const parseXml = (text: string): JsonObject => {
  const plain = readPlainXml(text, decodePlain)
  if (plain !== null) return plain
  if (/<!DOCTYPE/i.test(text)) throw new SalesforceError(malformed('The XML has a DTD.'))
  // The parser itself accepts a document that ends too early.
  if (XMLValidator.validate(text) !== true) {
    throw new SalesforceError(malformed('The XML is not well-formed.'))
  }
  try {
    const parsed: unknown = createParser().parse(text)
    dropWhitespace(parsed)
    return isObject(parsed) ? parsed : {}
  } catch {
    throw new SalesforceError(malformed('The XML cannot be read.'))
  }
}

/** A list as XML had it: absent, empty, one element, or several. */
export const list = (value: unknown): unknown[] => {
  if (value === undefined || value === null || value === '') return []
  return Array.isArray(value) ? value : [value]
}

/** The elements of a list that have members of their own. */
export const listObjects = (value: unknown): JsonObject[] => list(value).filter(isObject)

/** Text of a leaf element; null if it is absent or empty. */
export const leaf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

export type XmlValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue }

const XML_NAME = /^[A-Za-z_][\w.-]*$/

/**
 * `<name>…</name>`: members become child elements in their order, an array repeats the element, null and
 * undefined leave it out. Throws TypeError for a name that is not valid in XML.
 */
export const toXml = (name: string, value: XmlValue): string => {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value))
    return (value as readonly XmlValue[]).map((item) => toXml(name, item)).join('')
  if (!XML_NAME.test(name)) throw new TypeError(`Not an XML element name: ${JSON.stringify(name)}`)
  const content =
    typeof value === 'object'
      ? Object.entries(value)
          .map(([child, inner]) => toXml(child, inner))
          .join('')
      : xmlText(String(value))
  return `<${name}>${content}</${name}>`
}

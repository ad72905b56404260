// The only ways to put a value into SOQL, a URL path or XML. Each takes whole values, so that no call
// site ever concatenates strings.

/** SOQL text whose values were escaped by `soql`; a bare string is not accepted in its place. */
export class Soql {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type SoqlScalar = string | number | bigint | boolean | Date | null
export type SoqlValue = SoqlScalar | Soql | readonly SoqlScalar[]

// Salesforce: SOQL and SOSL reference, "Reserved Characters" lists the escape sequences.
const SOQL_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

const soqlScalar = (value: SoqlScalar): string => {
  if (value === null) return 'null'
  if (typeof value === 'string') {
    return `'${value.replace(/[\\'"\n\r\t\b\f]/g, (char) => SOQL_ESCAPES[char] ?? '')}'`
  }
  // Salesforce: a dateTime literal has no quotes.
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`SOQL has no literal for ${value}`)
  }
  return String(value)
}

const soqlValue = (value: SoqlValue): string => {
  if (value instanceof Soql) return value.text
  if (!Array.isArray(value)) return soqlScalar(value as SoqlScalar)
  if (value.length === 0) throw new TypeError('SOQL has no empty list')
  return `(${(value as readonly SoqlScalar[]).map(soqlScalar).join(', ')})`
}

/**
 * Tagged template: strings become quoted literals, arrays become lists for IN, dates and numbers
 * literals. Names of objects and fields are inserted with `soqlName`. Throws TypeError on an empty list.
 */
export const soql = (parts: TemplateStringsArray, ...values: SoqlValue[]): Soql =>
  new Soql(
    parts.reduce((text, part, index) => {
      const value = values[index - 1]
      return text + (value === undefined ? '' : soqlValue(value)) + part
    }),
  )

const SOQL_NAME = /^[A-Za-z]\w*(?:\.[A-Za-z]\w*)*$/

/** Names of objects and fields (dotted for relationships), comma-joined. Throws TypeError on any other text. */
export const soqlName = (...names: readonly string[]): Soql => {
  const bad = names.find((name) => !SOQL_NAME.test(name))
  if (bad !== undefined || names.length === 0) {
    throw new TypeError(`Not the API name of an object or field: ${JSON.stringify(bad ?? '')}`)
  }
  return new Soql(names.join(', '))
}

/**
 * Tagged template for URL paths: each value becomes one escaped segment. Throws TypeError for an
 * empty value and for `.` and `..`, which a server would resolve away.
 */
export const urlPath = (
  parts: TemplateStringsArray,
  ...values: readonly (string | number)[]
): string =>
  parts.reduce((path, part, index) => {
    const value = String(values[index - 1] ?? '')
    if (value === '' || value === '.' || value === '..') {
      throw new TypeError(`Not a path segment: ${JSON.stringify(value)}`)
    }
    return path + encodeURIComponent(value) + part
  })

const XML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#xD;',
}

// XML 1.0 cannot contain these at all, not even escaped.
// oxlint-disable-next-line no-control-regex
const XML_FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** Text for an element or a double-quoted attribute; characters that XML cannot contain are left out. */
export const xmlText = (value: string): string =>
  value
    .toWellFormed()
    .replace(XML_FORBIDDEN, '')
    .replace(/[&<>"'\r]/g, (char) => XML_ESCAPES[char] ?? '')

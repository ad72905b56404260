// What of the page stands in the address.

import { textParam, wholeParam, wordParam } from '../../app/params.ts'

export interface SchemaSearch {
  /** Absent: the newest. */
  version?: number
  /** A part of a name. */
  q?: string
  /** What is searched for: fields of all objects. Absent: objects. */
  in?: 'fields'
  /** The object that is open. */
  object?: string
  /** A part of a field's name or label. */
  fq?: string
  /** The field that is open. */
  field?: string
}

export const schemaSearchOf = (search: Record<string, unknown>): SchemaSearch => ({
  ...wholeParam('version', search),
  ...textParam('q', search),
  ...wordParam('in', ['fields'], search),
  ...textParam('object', search),
  ...textParam('fq', search),
  ...textParam('field', search),
})

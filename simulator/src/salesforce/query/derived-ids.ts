import { createHash } from 'node:crypto'
import { toId18 } from '../../org/ids.ts'
import type { Field, SObject } from '../../org/model.ts'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * A stable 18-character id for a row that the org does not store by id (a field permission, say):
 * the same key gives the same id.
 */
export function derivedId(prefix: string, key: string): string {
  const bytes = createHash('sha1').update(key).digest()
  let id = prefix
  for (let i = 0; id.length < 15; i += 1) id += digits[(bytes[i] ?? 0) % digits.length] ?? '0'
  return toId18(id) ?? id
}

/** Salesforce: the durable id of a custom field ends in the 15 characters of its 00N id. */
export function fieldDurableId(object: SObject, { describe, id }: Field): string {
  return `${object.durableId}.${describe.custom ? id.slice(0, 15) : fieldToken(describe.name)}`
}

// Salesforce: references drop their `Id` in durable ids (`Account.Owner`).
function fieldToken(name: string): string {
  return name.length > 2 && name.endsWith('Id') ? name.slice(0, -2) : name
}

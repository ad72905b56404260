import { createHash } from 'node:crypto'
import { toId18 } from '../../org/ids.ts'

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

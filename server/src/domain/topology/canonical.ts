// One text for one content: JSON whose members are sorted, so that equal contents have equal hashes.

import { hash } from 'node:crypto'

const isSorted = (names: readonly string[]): boolean => {
  for (let i = 1; i < names.length; i += 1) {
    if ((names[i - 1] ?? '') > (names[i] ?? '')) return false
  }
  return true
}

/** The value with sorted members; the very same object where nothing needs to move. */
const sorted = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    let changed: unknown[] | null = null
    for (let i = 0; i < value.length; i += 1) {
      const item: unknown = value[i]
      const after = sorted(item)
      if (after !== item) (changed ??= [...(value as unknown[])])[i] = after
    }
    return changed ?? value
  }
  const members = value as Record<string, unknown>
  const names = Object.keys(members)
  // Salesforce writes describes with sorted members: as a rule nothing is copied here.
  const inOrder = isSorted(names)
  let changed: [string, unknown][] | null = null
  if (!inOrder) names.sort()
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? ''
    const after = sorted(members[name])
    if (changed === null && (after !== members[name] || (!inOrder && i === 0))) {
      changed = names.slice(0, i).map((before) => [before, members[before]])
    }
    changed?.push([name, after])
  }
  // fromEntries defines members, so that one called __proto__ stays a member.
  return changed === null ? value : Object.fromEntries(changed)
}

/** JSON with sorted members and no spaces; arrays keep their order. Parsed, it deep-equals the value. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value))

/** SHA-256 of the text, as base64 without padding: the name of a content in manifests and maps. */
export const hashOf = (text: string): string => hash('sha256', text, 'base64url')

export const hashBytes = (hashText: string): Buffer => Buffer.from(hashText, 'base64url')
export const hashText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

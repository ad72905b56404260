// One text for one content: JSON whose members are sorted, so that equal contents have equal hashes.
// Hashes of these texts are stored (contents of snapshots, plans, workflows, bodies under an
// Idempotency-Key): the text for a content must never change by a byte.

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
  // Salesforce writes describes with sorted members, so usually nothing is copied here.
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

/**
 * JSON with sorted members and no spaces; arrays keep their order, members without a value are left out.
 * Parsed, it deep-equals the value. Names that are whole numbers come first, by size: that is how
 * JavaScript orders them in every object.
 */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value)) ?? 'null'

/**
 * The same, except that names that are whole numbers are sorted like all others: "10" comes before "9".
 * Bodies under an Idempotency-Key have been hashed this way since the first version.
 */
export const canonicalBody = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalBody).join(',')}]`
  if (typeof value !== 'object' || value === null) return canonicalJson(value)
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalBody(member)}`)
  return `{${members.join(',')}}`
}

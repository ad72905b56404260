// One text for one content: JSON whose members are sorted, so that equal contents have equal hashes.
// Hashes of these texts are stored (contents of snapshots, plans, workflows, bodies under an
// Idempotency-Key): the text for a content must never change by a byte.

// Two rounds of `for in`, which makes no list of names: describes hold thousands of objects, and their
// lists were a third of the work of a pull. What was parsed from JSON inherits nothing that it shows.
const isSorted = (members: Record<string, unknown>): boolean => {
  let before = ''
  for (const name in members) {
    if (name < before) return false
    before = name
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
  // fromEntries and spreading define members, so that one called __proto__ stays a member.
  if (!isSorted(members)) {
    const names = Object.keys(members).sort()
    return Object.fromEntries(names.map((name) => [name, sorted(members[name])]))
  }
  // Salesforce writes describes with sorted members, all but a few addresses, so little is copied here.
  let changed: Map<string, unknown> | null = null
  for (const name in members) {
    const member = members[name]
    const after = sorted(member)
    if (after !== member) (changed ??= new Map()).set(name, after)
  }
  return changed === null ? value : { ...members, ...Object.fromEntries(changed) }
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

// In which order the rows of a client, or of an org, are deleted: what refers to others goes before them.
// Pure: the tables and their references come from the catalog of the database.

export interface Reference {
  child: string
  parent: string
  /** Its own columns, without those of the tenant. */
  columns: readonly string[]
  is_nullable: boolean
  /** The database itself empties or deletes what refers to a deleted row. */
  acts: boolean
}

export type PurgeStep =
  | { do: 'empty'; table: string; column: string }
  | { do: 'delete'; table: string }

/** What outlives everything, and what goes with the end of the purge itself. */
const NOT_DELETED: ReadonlySet<string> = new Set(['audit_log', 'purges'])

/**
 * The steps that delete the rows of all tables. References in a circle, and of a table to itself, are
 * emptied first. Throws where a circle has none that can be empty: such a schema cannot be purged.
 */
export const purgeOrder = (
  tables: readonly string[],
  references: readonly Reference[],
): PurgeStep[] => {
  const left = new Set(tables.filter((table) => !NOT_DELETED.has(table)))
  const among = references.filter(({ child, parent }) => left.has(child) && left.has(parent))
  const emptied: PurgeStep[] = []
  const empty = ({ child: table, columns, acts }: Reference): void => {
    if (acts) return
    for (const column of columns) emptied.push({ do: 'empty', table, column })
  }
  for (const own of among) if (own.child === own.parent) empty(own)
  let open = among.filter(({ child, parent }) => child !== parent)

  const deleted: PurgeStep[] = []
  while (left.size > 0) {
    const free = [...left].filter((table) => !open.some(({ parent }) => parent === table))
    for (const table of free) {
      left.delete(table)
      deleted.push({ do: 'delete', table })
    }
    open = open.filter(({ child }) => left.has(child))
    if (free.length > 0) continue
    const breakable = open.find(
      (one) => one.is_nullable && reaches(open, one.parent, one.child, new Set()),
    )
    if (breakable === undefined) {
      throw new Error(`tables refer to each other in a circle: ${[...left].join(', ')}`)
    }
    empty(breakable)
    open = open.filter((one) => one !== breakable)
  }
  return [...emptied, ...deleted]
}

/** Whether `from` refers to `to`, directly or through others. */
const reaches = (
  references: readonly Reference[],
  from: string,
  to: string,
  seen: Set<string>,
): boolean => {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return references.some(
    ({ child, parent }) => child === from && reaches(references, parent, to, seen),
  )
}

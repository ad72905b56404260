// Into the recycle bin and out of it. Salesforce: SOAP API guide, "delete()" and "undelete()"; the
// relationship decides what is deleted with its parent.

import { findObject } from '../org/changes.ts'
import { type Field, type Org, type Row, type SObject } from '../org/model.ts'
import { childRelationships } from '../org/child-relationships.ts'
import { type Transaction } from './locks.ts'
import { problem } from './row-errors.ts'
import { recordStateOf, type Deletion } from './state.ts'

interface Child {
  object: SObject
  field: Field
  rule: 'cascade' | 'cascade unless activated' | 'restrict' | 'clear'
}

const childrenOf = (org: Org, parent: SObject): Child[] =>
  (childRelationships(org, parent) as { childSObject: string; field: string }[]).flatMap(
    ({ childSObject, field: name }): Child[] => {
      if ((org.records.get(childSObject.toLowerCase())?.size ?? 0) === 0) return []
      const object = findObject(org, childSObject)
      const field = object?.fields.get(name.toLowerCase())
      if (object === undefined || field === undefined) return []
      const { describe } = field
      const cascades = describe.relationshipOrder !== null || describe['cascadeDelete'] === true
      const restricts = describe['restrictedDelete'] === true
      if (cascades) {
        return [{ object, field, rule: restricts ? 'cascade unless activated' : 'cascade' }]
      }
      return [{ object, field, rule: restricts ? 'restrict' : 'clear' }]
    },
  )

const put = (org: Org, transaction: Transaction, object: SObject, row: Row): void => {
  const { store } = recordStateOf(org)
  const before = store.row(object, row.Id)
  store.put(object, row)
  transaction.onRollback(() =>
    before === undefined ? store.erase(object, row.Id) : store.put(object, before),
  )
}

/** Moves the row, and its details, into the bin. Throws DELETE_FAILED if a child forbids it. */
export const moveToBin = (
  org: Org,
  transaction: Transaction,
  object: SObject,
  row: Row,
  at: string,
): void => {
  const { bin } = recordStateOf(org)
  const deletion: Deletion = { rows: [], cleared: [] }
  const gone = new Set<string>()
  const remove = (of: SObject, one: Row): void => {
    if (gone.has(one.Id)) return
    gone.add(one.Id)
    deletion.rows.push({ object: of.name, id: one.Id })
    for (const { object: child, field, rule } of childrenOf(org, of)) {
      const rows = recordStateOf(org).store.liveWith(child, field, one.Id)
      if (rule === 'cascade') for (const each of rows) remove(child, each)
      // Recorded: contracts and orders of an account have both flags. Salesforce help, "Delete Accounts":
      // they are deleted with it, but activated ones keep it.
      if (rule === 'cascade unless activated') {
        const activated = rows.filter((each) => each['Status'] === 'Activated')
        if (activated.length > 0) throw deleteFailed(of, one, child, activated)
        for (const each of rows) remove(child, each)
      }
      const left = rows.filter(({ Id }) => !gone.has(Id))
      if (rule === 'restrict' && left.length > 0) throw deleteFailed(of, one, child, left)
      if (rule === 'clear') for (const each of left) clear(child, each, field)
    }
    put(org, transaction, of, { ...one, IsDeleted: true, ...modified(of, at) })
  }
  const clear = (of: SObject, one: Row, { describe: { name } }: Field): void => {
    deletion.cleared.push({ object: of.name, id: one.Id, field: name, was: String(one[name]) })
    put(org, transaction, of, { ...one, [name]: null, ...modified(of, at) })
  }
  remove(object, row)
  bin.set(row.Id, deletion)
  transaction.onRollback(() => bin.delete(row.Id))
}

const modified = (object: SObject, at: string): Record<string, unknown> =>
  object.fields.has('systemmodstamp') ? { SystemModstamp: at } : {}

const deleteFailed = (object: SObject, row: Row, child: SObject, children: Row[]) => {
  const named = (of: SObject, one: Row) => {
    const field = [...of.fields.values()].find(({ describe }) => describe.nameField)
    const name = one[field?.describe.name ?? 'Id']
    return typeof name === 'string' ? name : one.Id
  }
  return problem(
    'DELETE_FAILED',
    `Your attempt to delete ${named(object, row)} could not be completed because it is associated with the following ${child.describe.labelPlural.toLowerCase()}.: ${children
      .slice(0, 10)
      .map((each) => named(child, each))
      .join(', ')}`,
  )
}

/** Erases the row and what was deleted with it; it need not be in the bin before. */
export const erase = (
  org: Org,
  transaction: Transaction,
  object: SObject,
  row: Row,
  at: string,
): void => {
  const { bin, store } = recordStateOf(org)
  if (row['IsDeleted'] !== true) moveToBin(org, transaction, object, row, at)
  const deletion = bin.get(row.Id)
  for (const { object: name, id } of deletion?.rows ?? [{ object: object.name, id: row.Id }]) {
    const of = findObject(org, name)
    const one = of === undefined ? undefined : store.row(of, id)
    if (of === undefined || one === undefined) continue
    store.erase(of, id)
    transaction.onRollback(() => store.put(of, one))
  }
  if (deletion === undefined) return
  bin.delete(row.Id)
  transaction.onRollback(() => bin.set(row.Id, deletion))
}

/** Restores the row, and what was deleted with it, from the bin. */
export const takeFromBin = (
  org: Org,
  transaction: Transaction,
  _object: SObject,
  row: Row,
  at: string,
): void => {
  const { bin, store } = recordStateOf(org)
  const deletion = bin.get(row.Id)
  // Salesforce: what was deleted with its parent is restored only with it.
  if (row['IsDeleted'] !== true || deletion === undefined) {
    throw problem('UNDELETE_FAILED', 'Entity is not in the recycle bin')
  }
  for (const { object: name, id } of deletion.rows) {
    const of = findObject(org, name)
    const one = of === undefined ? undefined : store.row(of, id)
    if (of === undefined || one === undefined) continue
    for (const field of of.fields.values()) {
      const { unique, name: unico } = field.describe
      if (!unique || (one[unico] ?? null) === null) continue
      const other = store.liveWith(of, field, one[unico])[0]
      if (other !== undefined) {
        throw problem(
          'DUPLICATE_VALUE',
          `duplicate value found: ${unico} duplicates value on record with id: ${other.Id}`,
        )
      }
    }
    put(org, transaction, of, { ...one, IsDeleted: false, ...modified(of, at) })
  }
  // Salesforce: lookups are restored if nothing else has replaced them.
  for (const { object: name, id, field, was } of deletion.cleared) {
    const of = findObject(org, name)
    const one = of === undefined ? undefined : store.row(of, id)
    if (of === undefined || one === undefined || (one[field] ?? null) !== null) continue
    put(org, transaction, of, { ...one, [field]: was, ...modified(of, at) })
  }
  bin.delete(row.Id)
  transaction.onRollback(() => bin.set(row.Id, deletion))
}

// The proof of a rollback: the second reading compared with what was there before the deploy.

import { type JsonObject } from '../../../salesforce/json.ts'
import { samePart } from '../../metadata/equality.ts'
import { kindOf, objectOf } from '../../metadata/kinds.ts'
import { keyOf, ownerOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { diffDescribes } from '../../topology/diff.ts'
import { type Proof, type RollbackResult } from '../rows.ts'
import { type Images } from './images.ts'
import { type Reversal, type ReversalInput } from './reversal.ts'

interface Compared {
  input: ReversalInput
  /** What is still to be rolled back by the second reading. */
  reversal: Reversal
  reading: Images
  before: Images
  after: Images
}

/** Names of what differs between two describes: attributes of the object, fields, record types. */
export const differencesOf = (before: JsonObject, after: JsonObject): string[] => {
  const diff = diffDescribes(before, after, { acrossOrgs: false, acrossVersions: false })
  if (diff === null) return []
  const parts = [...diff.fields, ...diff.record_types, ...diff.child_relationships]
  return [...diff.attributes.map(({ name }) => name), ...parts.map(({ api_name }) => api_name)]
}

const isShared = (type: string): boolean => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind && kind.isShared === true
}

/**
 * Compares the second reading with what was there before the deploy: each component that was rolled
 * back, and the describes of objects on which nothing of ours stays.
 */
export const prove = (
  result: RollbackResult,
  { reversal, reading: now, before, after, input }: Compared,
): Proof => {
  const { rows, changes } = input
  const proof: Proof = { complete: true, compared: 0, differences: [] }
  const [was, is] = [partsIn(before.files), partsIn(now.files)]
  const differ = (type: string, full_name: string, what: string): void => {
    proof.differences.push({ type, full_name, what })
  }
  const still = new Set([...reversal.remove, ...reversal.restore].map(keyOf))
  const stays = new Set(
    result.kept.map(({ type, full_name }) => keyOf({ type, fullName: full_name })),
  )
  for (const row of rows) {
    const component = { type: row.type, fullName: row.full_name }
    if (row.action === 'unchanged' || stays.has(keyOf(component))) continue
    proof.compared += 1
    if (still.has(keyOf(component))) {
      differ(row.type, row.full_name, 'It is still as the deployment left it.')
      continue
    }
    // Files that others also write to are restored when nothing of ours is left in them.
    if (isShared(row.type)) continue
    if (!samePart(was.part(component), is.part(component))) {
      differ(row.type, row.full_name, 'It is not as it was before the deployment.')
    }
  }
  const keptOn = new Set(
    result.kept.map(({ type, full_name }) =>
      sameName(isShared(type) ? '' : (objectOf({ type, fullName: full_name }) ?? '')),
    ),
  )
  const objects = new Set(
    rows
      .filter(({ type }) => type === 'CustomObject' || type === 'CustomField')
      .map(({ full_name }) => ownerOf(full_name)),
  )
  for (const object of objects) {
    if (keptOn.has(sameName(object))) continue
    proof.compared += 1
    const find = (describes: Images['describes']) =>
      [...describes].find(([name]) => sameName(name) === sameName(object))?.[1]
    const [earlier, left, present] = [before, after, now].map(({ describes }) => find(describes))
    if (earlier === undefined || present === undefined) {
      if (earlier !== present) {
        differ(
          'Describe',
          object,
          earlier === undefined ? 'It still exists.' : 'It no longer exists.',
        )
      }
      continue
    }
    // What also differs from the state that the deployment left was changed by somebody else since.
    const since = new Set(left === undefined ? [] : differencesOf(left, present))
    const between = Object.entries(changes.between ?? {})
    for (const [name, differences] of between) {
      if (sameName(name) === sameName(object)) for (const one of differences) since.add(one)
    }
    const ours = differencesOf(earlier, present).filter((name) => !since.has(name))
    if (ours.length > 0) {
      differ(
        'Describe',
        object,
        `Its describe differs from the one before the deployment: ${ours.join(', ')}.`,
      )
    }
  }
  for (const { permission_set: name } of reversal.unassign) {
    differ('PermissionSetAssignment', name, 'The connected user still has the permission set.')
  }
  proof.complete = proof.differences.length === 0
  return proof
}

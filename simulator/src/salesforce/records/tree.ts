// Nested records, created together. Salesforce: REST API guide, "sObject Tree": at most 200 records of 5
// types in 5 levels; all of them or none.

import { findObject } from '../../org/changes.ts'
import { type Org, type SObject } from '../../org/model.ts'
import { ROWS_MAX, saveRecords, type RowError } from '../../records/save.ts'
import { recordStateOf } from '../../records/state.ts'
import { rowError } from '../../records/row-errors.ts'
import { childRelationships } from '../../org/child-relationships.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { noSuchObject, refusal } from '../../refusals.ts'
import { jsonBody, rowErrorOf, saveContext, saveOptions } from './write.ts'

const DEPTH_MAX = 5
const TYPES_MAX = 5

export const treeRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/composite/tree/:name', handler: (ctx) => createTree(ctx) },
]

interface Node {
  referenceId: string
  object: SObject
  fields: Record<string, unknown>
  /** Its parent record, and the field that points to it. */
  parent: { node: Node; field: string } | null
  level: number
  id: string
}

interface Failure {
  referenceId: string
  errors: RowError[]
}

interface Given {
  attributes?: { type?: unknown; referenceId?: unknown }
  [name: string]: unknown
}

const createTree = async (ctx: RestContext): Promise<RestAnswer> => {
  const { org } = ctx
  const name = ctx.params['name'] ?? ''
  const root = findObject(org, name)
  if (root === undefined || !ctx.viewer.seesObject(root)) {
    throw noSuchObject(name, root !== undefined)
  }
  const nodes: Node[] = []
  const { records } = jsonBody(ctx)
  readLevel(org, records, root, null, 1, nodes)
  const failures = checkTree(nodes)
  if (failures.length > 0) return failed(failures)

  const transaction = ctx.transaction ?? recordStateOf(org).transaction()
  const savepoint = transaction.savepoint()
  try {
    for (const group of groupsOf(nodes)) {
      const outcomes = await saveRecords(
        { ...saveContext(ctx), transaction },
        {
          operation: 'insert',
          object: group[0]?.object.name ?? '',
          rows: group.map(({ fields, parent }) =>
            parent === null ? fields : { ...fields, [parent.field]: parent.node.id },
          ),
          options: saveOptions(ctx, false),
        },
      )
      for (const [n, node] of group.entries()) {
        const outcome = outcomes[n]
        if (outcome?.success === true) node.id = outcome.id
        else failures.push({ referenceId: node.referenceId, errors: outcome?.errors ?? [] })
      }
      if (failures.length > 0) break
    }
    if (failures.length > 0) transaction.rollback(savepoint)
  } catch (error) {
    transaction.rollback(savepoint)
    throw error
  } finally {
    if (ctx.transaction === undefined) transaction.release()
  }
  if (failures.length > 0) return failed(failures)
  return {
    status: 201,
    body: {
      hasErrors: false,
      results: nodes.map(({ referenceId, id }) => ({ referenceId, id })),
    },
  }
}

/** Salesforce: the answer names only the records that failed. */
const failed = (failures: Failure[]): RestAnswer => ({
  status: 400,
  body: {
    hasErrors: true,
    results: failures.map(({ referenceId, errors }) => ({
      referenceId,
      errors: errors.map(rowErrorOf),
    })),
  },
})

/** Reads records and, below them, those under the names of child relationships. */
const readLevel = (
  org: Org,
  records: unknown,
  object: SObject,
  parent: Node['parent'],
  level: number,
  nodes: Node[],
): void => {
  if (!Array.isArray(records) || records.length === 0) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The records list is required')
  }
  for (const record of records as Given[]) {
    const { attributes, ...members } = record
    const { type, referenceId } = attributes ?? {}
    if (typeof referenceId !== 'string' || typeof type !== 'string') {
      throw refusal(400, 'INVALID_INPUT', 'Every record needs attributes with type and referenceId')
    }
    const own = findObject(org, type)
    if (own === undefined || own !== object) {
      throw refusal(400, 'INVALID_INPUT', `A record of type ${object.name} was expected: ${type}`)
    }
    const node: Node = { referenceId, object: own, fields: {}, parent, level, id: '' }
    nodes.push(node)
    for (const [name, value] of Object.entries(members)) {
      const below = (value as { records?: unknown } | null)?.records
      const relationship = below === undefined ? undefined : childOf(org, own, name)
      if (relationship === undefined) {
        node.fields[name] = value
        continue
      }
      const above = { node, field: relationship.field }
      readLevel(org, below, relationship.object, above, level + 1, nodes)
    }
  }
}

const childOf = (org: Org, parent: SObject, name: string) => {
  const all = childRelationships(org, parent) as {
    relationshipName: string | null
    childSObject: string
    field: string
  }[]
  const found = all.find((each) => each.relationshipName?.toLowerCase() === name.toLowerCase())
  const object = found === undefined ? undefined : findObject(org, found.childSObject)
  return found === undefined || object === undefined ? undefined : { object, field: found.field }
}

const checkTree = (nodes: Node[]): Failure[] => {
  if (nodes.length > ROWS_MAX) {
    throw refusal(
      400,
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${ROWS_MAX} records in this operation`,
    )
  }
  if (new Set(nodes.map(({ object }) => object.name)).size > TYPES_MAX) {
    throw refusal(400, 'LIMIT_EXCEEDED', `A tree has records of ${TYPES_MAX} types at most`)
  }
  if (nodes.some(({ level }) => level > DEPTH_MAX)) {
    throw refusal(400, 'LIMIT_EXCEEDED', `A tree is ${DEPTH_MAX} levels deep at most`)
  }
  const seen = new Set<string>()
  const again = new Set<string>()
  for (const { referenceId } of nodes) {
    if (seen.has(referenceId)) again.add(referenceId)
    seen.add(referenceId)
  }
  return [...again].map((referenceId) => ({
    referenceId,
    errors: [rowError('INVALID_INPUT', 'Duplicate ReferenceId provided in the request.')],
  }))
}

/** Records of one level and type together: parents before their children. */
const groupsOf = (nodes: Node[]): Node[][] => [
  ...Map.groupBy(
    nodes.toSorted((a, b) => a.level - b.level),
    ({ level, object }) => `${level}:${object.name}`,
  ).values(),
]

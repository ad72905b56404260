// Permission set assignments as records that can be inserted and deleted. Salesforce: Object Reference,
// "PermissionSetAssignment".

import { touchOrg } from '../org/changes.ts'
import { toId18 } from '../org/ids.ts'
import type { Org } from '../org/model.ts'
import type { RestAnswer, RestContext, RestRoute } from './rest.ts'
import { notFound, refusal } from '../refusals.ts'

export const assignmentRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/sobjects/PermissionSetAssignment', handler: (ctx) => insert(ctx) },
  {
    method: 'DELETE',
    pattern: '/sobjects/PermissionSetAssignment/:id',
    handler: (ctx) => remove(ctx),
  },
]

/** Salesforce: a permission set or a group, not both. */
const ASSIGNED = ['PermissionSetId', 'PermissionSetGroupId'] as const
const KNOWN = ['attributes', 'AssigneeId', ...ASSIGNED]

const checkMayAssign = ({ viewer }: RestContext): void => {
  if (viewer.has('AssignPermissionSets') || viewer.has('ManageUsers')) return
  throw refusal(
    403,
    'INSUFFICIENT_ACCESS_OR_READONLY',
    'insufficient access rights on object id',
    [],
  )
}

const insert = (ctx: RestContext): RestAnswer => {
  const { org, request } = ctx
  checkMayAssign(ctx)
  const row = (typeof request.body === 'object' ? request.body : null) as Record<
    string,
    unknown
  > | null
  if (row === null || Array.isArray(row)) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The HTTP entity body is required')
  }
  for (const name of Object.keys(row)) {
    if (KNOWN.includes(name)) continue
    throw refusal(
      400,
      'INVALID_FIELD',
      `No such column '${name}' on sobject of type PermissionSetAssignment`,
    )
  }
  const given = ASSIGNED.filter((name) => (row[name] ?? '') !== '')
  const missing = [
    ...((row['AssigneeId'] ?? '') === '' ? ['AssigneeId'] : []),
    ...(given.length === 0 ? ['PermissionSetId'] : []),
  ]
  if (missing.length > 0) {
    throw refusal(
      400,
      'REQUIRED_FIELD_MISSING',
      `Required fields are missing: [${missing.join(', ')}]`,
      missing,
    )
  }
  // The words are ours.
  if (given.length > 1) {
    throw refusal(400, 'FIELD_INTEGRITY_EXCEPTION', 'Assign a permission set or a group', given)
  }
  const assigneeId = idOf('AssigneeId', row['AssigneeId'])
  const ids = given.map((name) => [name, idOf(name, row[name])] as const)
  const id = assign(org, assigneeId, new Map(ids))
  return { status: 201, body: { id, success: true, errors: [] } }
}

const idOf = (field: string, value: unknown): string => {
  const id = typeof value === 'string' ? toId18(value) : null
  if (id !== null) return id
  throw refusal(400, 'MALFORMED_ID', `${field}: id value of incorrect type: ${String(value)}`, [
    field,
  ])
}

const assign = (
  org: Org,
  assigneeId: string,
  given: ReadonlyMap<(typeof ASSIGNED)[number], string>,
): string => {
  const group = org.permissionSetGroups.get(given.get('PermissionSetGroupId') ?? '')
  const set = org.permissionSets.get(given.get('PermissionSetId') ?? '')
  const permissionSetId = group?.setId ?? set?.id
  if (!org.users.has(assigneeId)) throw unknownId('AssigneeId')
  if (permissionSetId === undefined) throw unknownId(...given.keys())
  const again = org.assignments.some(
    (each) => each.assigneeId === assigneeId && each.permissionSetId === permissionSetId,
  )
  if (again) {
    throw refusal(
      400,
      'DUPLICATE_VALUE',
      `Duplicate PermissionSetAssignment. Assignee: ${assigneeId}; Permission Set: ${permissionSetId}`,
      [],
    )
  }
  const id = org.ids.make('0Pa')
  org.assignments.push({
    id,
    permissionSetId,
    assigneeId,
    ...(group && { permissionSetGroupId: group.id }),
  })
  touchOrg(org)
  return id
}

const unknownId = (...fields: string[]) =>
  refusal(400, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', fields)

const remove = (ctx: RestContext): RestAnswer => {
  const { org, params } = ctx
  checkMayAssign(ctx)
  const id = toId18(params['id'] ?? '')
  const left = org.assignments.filter((each) => each.id !== id)
  if (left.length === org.assignments.length) throw notFound()
  org.assignments = left
  touchOrg(org)
  return { status: 204 }
}

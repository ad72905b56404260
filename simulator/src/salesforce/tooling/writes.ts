// Writes of the Tooling API: custom fields, global value sets, validation rules, compact layouts, flows.
// Salesforce: Tooling API guide, objects of these names: FullName can be set on creation, Metadata is
// replaced as a whole, and no other field can be written. Checks and messages are the same as in a
// deployment.

import type { Flow, FlowVersion, Org } from '../../org/model.ts'
import { toId18 } from '../../org/ids.ts'
import type { RestAnswer, RestContext, RestRoute } from '../rest.ts'
import { notFound, notSimulated, refusal } from '../../refusals.ts'
import { plainName } from '../metadata/component.ts'
import { interviewsOf } from '../metadata/deploy/deletions.ts'
import { changeSetup, Draft, NotDone, Problem } from '../metadata/deploy/draft.ts'
import { removeComponent, saveComponent, type SaveMode } from '../metadata/deploy/single.ts'
import type { MetadataNode } from '../../org/metadata-xml.ts'
import type { VirtualTable } from '../query/tables.ts'
import { toolingTable } from './component-tables.ts'

export const writeRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/tooling/sobjects/:name', handler: (ctx) => create(ctx) },
  { method: 'PATCH', pattern: '/tooling/sobjects/:name/:id', handler: (ctx) => update(ctx) },
  { method: 'DELETE', pattern: '/tooling/sobjects/:name/:id', handler: (ctx) => remove(ctx) },
]

/** What can be written, and how. */
const WRITABLE: Readonly<Record<string, { post?: SaveMode; patch?: true; remove?: true }>> = {
  CustomField: { post: 'create', patch: true, remove: true },
  ValidationRule: { post: 'create', patch: true, remove: true },
  CompactLayout: { post: 'create', patch: true, remove: true },
  // Salesforce: no DELETE (Tooling API guide, "GlobalValueSet").
  GlobalValueSet: { post: 'create', patch: true },
  // Salesforce: a flow that is posted again gets another version.
  Flow: { post: 'upsert', remove: true },
  FlowDefinition: { patch: true },
}

const create = (ctx: RestContext): RestAnswer => {
  const table = tableOf(ctx)
  const mode = WRITABLE[table.name]?.post
  if (mode === undefined) throw notSimulated(`POST of ${table.name} through Tooling`)
  const { fullName, node } = readBody(ctx, table, true)
  const given = { type: table.name, fullName, node }
  const { id } = change(ctx, (draft) => saveComponent(draft, given, mode))
  return { status: 201, body: { id, success: true, errors: [], warnings: [], infos: [] } }
}

const update = (ctx: RestContext): RestAnswer => {
  const table = tableOf(ctx)
  if (!WRITABLE[table.name]?.patch) throw notSimulated(`PATCH of ${table.name} through Tooling`)
  const { node } = readBody(ctx, table, false)
  const fullName = fullNameOf(ctx, table)
  // Salesforce: what a definition's Metadata leaves out is emptied; the label cannot be.
  const whole = table.name === 'FlowDefinition' ? { description: '', ...node } : node
  const given = { type: table.name, fullName, node: whole }
  change(ctx, (draft) => saveComponent(draft, given, 'update'))
  return { status: 204 }
}

const remove = (ctx: RestContext): RestAnswer => {
  const table = tableOf(ctx)
  if (!WRITABLE[table.name]?.remove) throw notSimulated(`DELETE of ${table.name} through Tooling`)
  const fullName = fullNameOf(ctx, table)
  if (table.name === 'Flow') checkVersionIsFree(ctx.org, toId18(ctx.params['id'] ?? '') ?? '')
  change(ctx, (draft) => removeComponent(draft, table.name, fullName))
  return { status: 204 }
}

const tableOf = (ctx: RestContext): VirtualTable => {
  const { viewer } = ctx
  if (!viewer.has('CustomizeApplication') && !viewer.has('ModifyMetadata')) {
    throw refusal(
      403,
      'INSUFFICIENT_ACCESS_OR_READONLY',
      'insufficient access rights on object id',
      [],
    )
  }
  return toolingTable(ctx.org, ctx.params['name'] ?? '')
}

const fullNameOf = (ctx: RestContext, table: VirtualTable): string => {
  const id = toId18(ctx.params['id'] ?? '')
  const row = [...table.rows(new Map())].find((each) => each['Id'] === id)
  if (row === undefined) throw notFound()
  return plainName(table.name, String(row['FullName']))
}

function readBody(
  ctx: RestContext,
  table: VirtualTable,
  creating: boolean,
): { fullName: string; node: MetadataNode } {
  const { body } = ctx.request
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The HTTP entity body is required')
  }
  const row = body as Record<string, unknown>
  for (const name of Object.keys(row)) {
    if (name === 'attributes' || name === 'Metadata' || (name === 'FullName' && creating)) continue
    if (table.columns[name] === undefined) {
      throw refusal(
        400,
        'INVALID_FIELD',
        `No such column '${name}' on sobject of type ${table.name}`,
      )
    }
    throw refusal(
      400,
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      `Unable to create/update fields: ${name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
      [name],
    )
  }
  const required = creating ? ['FullName', 'Metadata'] : ['Metadata']
  const missing = required.filter((name) => (row[name] ?? '') === '')
  if (missing.length > 0) {
    throw refusal(
      400,
      'REQUIRED_FIELD_MISSING',
      `Required fields are missing: [${missing.join(', ')}]`,
      missing,
    )
  }
  const { FullName: fullName, Metadata: node } = row
  if (typeof node !== 'object' || Array.isArray(node)) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'Metadata must be a JSON object')
  }
  const name = typeof fullName === 'string' ? plainName(table.name, fullName) : ''
  return { fullName: name, node: node as MetadataNode }
}

/** Changes the metadata, or refuses. A composite with allOrNone rolls it back with its records. */
function change<Result>(ctx: RestContext, what: (draft: Draft) => Result): Result {
  const draft = new Draft(ctx.org, { userId: ctx.user.id })
  try {
    const result = changeSetup(draft, what)
    ctx.transaction?.onRollback(() => draft.takeBack())
    return result
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw refusal(error instanceof NotDone ? 501 : 400, error.code, error.message, [])
  }
}

/**
 * Refuses to delete what is active or has interviews. Salesforce names them as `Flow Interview - 0Fo…`
 * (clients pick the ids out of the text); the rest of the message is ours.
 */
function checkVersionIsFree(org: Org, id: string): void {
  const { flow, version } = versionIn(org, id)
  if (flow.activeVersion === version.number) {
    throw refusal(
      400,
      'DELETE_FAILED',
      `Version ${version.number} of the flow ${flow.developerName} is active and cannot be deleted. Deactivate it first.`,
      [],
    )
  }
  const interviews = interviewsOf(org, version)
  if (interviews.length > 0) {
    const named = interviews.map((each) => `Flow Interview - ${each.id}`).join(', ')
    throw refusal(
      400,
      'DELETE_FAILED',
      `This flow version is referenced elsewhere in Salesforce. Remove the usage and try again. : ${named}`,
      [],
    )
  }
}

function versionIn(org: Org, id: string): { flow: Flow; version: FlowVersion } {
  for (const flow of org.flows.values()) {
    const version = flow.versions.find((one) => one.id === id)
    if (version !== undefined) return { flow, version }
  }
  throw notFound()
}

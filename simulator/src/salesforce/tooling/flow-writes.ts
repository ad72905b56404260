// Switching a flow by its definition, and deleting versions. Salesforce: Tooling API guide,
// FlowDefinition and Flow; Metadata API guide, FlowDefinition (activeVersionNumber 0: none).

import type { Flow, FlowVersion, Org } from '../../org/model.ts'
import { toId18 } from '../../org/ids.ts'
import type { RestAnswer, RestContext, RestRoute } from '../dispatch.ts'
import { notFound, refusal } from '../errors.ts'

export const flowWriteRoutes: RestRoute[] = [
  {
    method: 'PATCH',
    pattern: '/tooling/sobjects/FlowDefinition/:id',
    handler: (ctx) => patchDefinition(ctx),
  },
  { method: 'DELETE', pattern: '/tooling/sobjects/Flow/:id', handler: (ctx) => deleteVersion(ctx) },
]

const mayCustomize = ({ viewer }: RestContext): void => {
  if (viewer.has('CustomizeApplication') || viewer.has('ManageUsers')) return
  throw refusal(
    403,
    'INSUFFICIENT_ACCESS_OR_READONLY',
    'insufficient access rights on object id',
    [],
  )
}

const idIn = (ctx: RestContext): string => toId18(ctx.params['id'] ?? '') ?? ''

const later = (before: Date): Date => new Date(Math.max(Date.now(), before.getTime() + 1000))

const member = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined

/** The flow with this version active, or none; the one that was active becomes obsolete. */
const switchTo = (flow: Flow, number: number | null, userId: string): void => {
  if (flow.activeVersion === number) return
  const at = later(flow.lastModifiedDate)
  flow.activeVersion = number
  flow.lastModifiedDate = at
  flow.lastModifiedById = userId
  for (const version of flow.versions) {
    const status =
      version.number === number
        ? 'Active'
        : version.status === 'Active'
          ? 'Obsolete'
          : version.status
    if (status === version.status) continue
    version.status = status
    version.metadata = { ...version.metadata, status }
    version.lastModifiedDate = at
    version.lastModifiedById = userId
  }
}

const patchDefinition = (ctx: RestContext): RestAnswer => {
  mayCustomize(ctx)
  const id = idIn(ctx)
  const flow = [...ctx.org.flows.values()].find((one) => one.id === id)
  if (flow === undefined) throw notFound()
  const metadata = member(ctx.request.body, 'Metadata')
  if (typeof metadata !== 'object' || metadata === null) {
    throw refusal(400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Metadata]', [
      'Metadata',
    ])
  }
  if (flow.namespace !== null) {
    throw refusal(
      400,
      'CANNOT_MODIFY_MANAGED_OBJECT',
      'Cannot modify managed object: entity=FlowDefinition',
      [],
    )
  }
  const wanted = member(metadata, 'activeVersionNumber') ?? 0
  const number = wanted === 0 ? null : wanted
  if (number !== null && !flow.versions.some((version) => version.number === number)) {
    throw refusal(
      400,
      'FIELD_INTEGRITY_EXCEPTION',
      `The flow version ${JSON.stringify(number)} of ${flow.developerName} doesn't exist.`,
      ['activeVersionNumber'],
    )
  }
  // Salesforce: Metadata is replaced whole, so what is left out is emptied.
  const label = member(metadata, 'masterLabel')
  const description = member(metadata, 'description')
  flow.description = typeof description === 'string' ? description : null
  if (typeof label === 'string' && label !== '') flow.label = label
  switchTo(flow, number as number | null, ctx.user.id)
  return { status: 204 }
}

/** Interviews of a version that are paused or wait. */
export const waitingIn = (org: Org, version: FlowVersion) =>
  (org.flowInterviews ?? []).filter(({ versionId }) => versionId === version.id)

const deleteVersion = (ctx: RestContext): RestAnswer => {
  mayCustomize(ctx)
  const { org } = ctx
  const id = idIn(ctx)
  for (const [key, flow] of org.flows) {
    const version = flow.versions.find((one) => one.id === id)
    if (version === undefined) continue
    if (flow.namespace !== null) {
      throw refusal(400, 'CANNOT_MODIFY_MANAGED_OBJECT', 'Cannot delete managed object: Flow', [])
    }
    if (flow.activeVersion === version.number) {
      throw refusal(
        400,
        'DELETE_FAILED',
        'Your attempt to delete this flow version failed because it is active. Deactivate it first.',
        [],
      )
    }
    const waiting = waitingIn(org, version)
    if (waiting.length > 0) {
      throw refusal(
        400,
        'DELETE_FAILED',
        `The version is referenced elsewhere in Salesforce: ${waiting.length} paused or waiting flow interviews.`,
        [],
      )
    }
    flow.versions = flow.versions.filter((one) => one !== version)
    // Salesforce: a definition goes with its last version.
    if (flow.versions.length === 0) org.flows.delete(key)
    else flow.lastModifiedDate = later(flow.lastModifiedDate)
    return { status: 204 }
  }
  throw notFound()
}

// Every kind of event, in one table: what it tells, and its shape. /api/events, the webhooks of the
// OpenAPI document and the filters of endpoints are made from it. Most events are written by triggers
// (migrations/0025_events.sql), the others by `appendEvent`; a test compares them with this table.
//
// An event is thin: ids, states, counts. It goes to places that we do not know, so it never contains a
// value of a record, a label, a message of Salesforce or a secret.

import * as z from 'zod'
import { APPROVAL_ACTIONS } from '../approvals/change.ts'
import { type PauseReason, type RolloutState } from '../fleet/rollouts/model.ts'
import { pauseReason, rolloutState, targetCounts } from '../fleet/rollouts/schemas.ts'

const id = z.uuid()
const count = z.int().min(0)
const code = z
  .string()
  .nullable()
  .describe('The code of the error that it ended with, described at `/docs/errors`; null: none')
const sfdcOrg = z.string().describe('The id of the Salesforce org')

interface EventKind {
  /** What happened, for the documentation. */
  summary: string
  data: z.ZodObject
  example: Record<string, unknown>
}

const kind = (summary: string, data: z.ZodObject, example: Record<string, unknown>): EventKind => ({
  summary,
  data,
  example,
})

const EXAMPLE_ID = '01931f2a-7c00-7000-8000-000000000021'
const EXAMPLE_ORG = '00D5g000004Xc9NEAS'

const connection = z.object({
  connection_id: id,
  environment: z.enum(['production', 'sandbox']).meta({ id: 'Environment' }),
  sfdc_org_id: sfdcOrg.nullable(),
  code,
})
const connectionKind = (summary: string, lost: string | null): EventKind =>
  kind(summary, connection, {
    connection_id: EXAMPLE_ID,
    environment: 'production',
    sfdc_org_id: EXAMPLE_ORG,
    code: lost,
  })

const budget = z.object({ sfdc_org_id: sfdcOrg, used: count, max: count, reserve: count })
const budgetKind = (summary: string, used: number): EventKind =>
  kind(summary, budget, { sfdc_org_id: EXAMPLE_ORG, used, max: 100_000, reserve: 10_000 })

const rollout = z.object({
  rollout_id: id,
  state: rolloutState,
  pause_reason: pauseReason.nullable(),
  targets: targetCounts,
})
const rolloutKind = (
  summary: string,
  state: RolloutState,
  counts: Record<string, number>,
  reason: PauseReason | null = null,
): EventKind =>
  kind(summary, rollout, {
    rollout_id: EXAMPLE_ID,
    state,
    pause_reason: reason,
    targets: counts,
  })

export const EVENT_KINDS = {
  'topology.pulled': kind(
    'A pull of the topology ended',
    z.object({
      snapshot_id: id,
      status: z.enum(['complete', 'failed']).meta({ id: 'PullOutcome' }),
      version: z.int().nullable(),
      code,
      objects: count.nullable(),
      fields: count.nullable(),
      automations: count.nullable(),
      changes: z
        .object({ added: count, removed: count, changed: count })
        .nullable()
        .describe('Since the previous snapshot; null: there is none'),
    }),
    {
      snapshot_id: EXAMPLE_ID,
      status: 'complete',
      version: 7,
      code: null,
      objects: 1_042,
      fields: 20_310,
      automations: 88,
      changes: { added: 1, removed: 0, changed: 3 },
    },
  ),
  'conflicts.checked': kind(
    'A conflict check ended',
    z.object({
      report_id: id,
      status: z.enum(['complete', 'failed']).meta({ id: 'CheckOutcome' }),
      severity: z.enum(['green', 'yellow', 'red']).meta({ id: 'ConflictSeverity' }).nullable(),
      code,
      findings: z.object({ green: count, yellow: count, red: count }).nullable(),
    }),
    {
      report_id: EXAMPLE_ID,
      status: 'complete',
      severity: 'yellow',
      code: null,
      findings: { green: 11, yellow: 2, red: 0 },
    },
  ),
  'deployment.finished': kind(
    'A deployment ended: of a plan or of workflows, also one that only validated',
    z.object({
      deployment_id: id,
      kind: z
        .enum(['custom_objects', 'workflows', 'workflow_removal', 'workflow_activation'])
        .meta({ id: 'DeploymentKind' }),
      status: z
        .enum(['pending', 'validated', 'deployed', 'failed', 'rolled_back'])
        .meta({ id: 'DeploymentStatus' }),
      check_only: z.boolean(),
      code,
      components: z.object({
        created: count,
        updated: count,
        unchanged: count,
        deleted: count,
        failed: count,
      }),
    }),
    {
      deployment_id: EXAMPLE_ID,
      kind: 'custom_objects',
      status: 'deployed',
      check_only: false,
      code: null,
      components: { created: 12, updated: 2, unchanged: 0, deleted: 0, failed: 0 },
    },
  ),
  'rollback.finished': kind(
    'A rollback ended, also a dry run',
    z.object({
      deployment_id: id,
      status: z
        .enum(['running', 'dry_run', 'complete', 'partial', 'failed'])
        .meta({ id: 'RollbackStatus' }),
      code,
      components: z.object({ removed: count, restored: count, kept: count, remaining: count }),
    }),
    {
      deployment_id: EXAMPLE_ID,
      status: 'complete',
      code: null,
      components: { removed: 12, restored: 2, kept: 0, remaining: 0 },
    },
  ),
  'push.finished': kind(
    'A push ended, also a dry run',
    z.object({
      push_id: id,
      kind: z.enum(['records', 'status_update', 'link']).meta({ id: 'PushKind' }),
      status: z.enum(['succeeded', 'partial', 'failed']).meta({ id: 'PushOutcome' }),
      dry_run: z.boolean(),
      code,
      rows: z.object({
        total: count,
        succeeded: count,
        failed: count,
        created: count,
        updated: count,
      }),
    }),
    {
      push_id: EXAMPLE_ID,
      kind: 'records',
      status: 'partial',
      dry_run: false,
      code: null,
      rows: { total: 500, succeeded: 497, failed: 3, created: 497, updated: 0 },
    },
  ),
  'offboarding.finished': kind(
    'An off-boarding ended, also a preview; that of a purged client concerns the org',
    z.object({
      offboarding_id: id,
      status: z.enum(['complete', 'partial', 'failed']).meta({ id: 'OffboardingOutcome' }),
      preview: z.boolean(),
      code,
      certificate_hash: z.string().nullable(),
      purged: z.boolean(),
      components: z.object({ removed: count, restored: count, stays: count }),
    }),
    {
      offboarding_id: EXAMPLE_ID,
      status: 'partial',
      preview: false,
      code: null,
      certificate_hash: 'a'.repeat(64),
      purged: true,
      components: { removed: 41, restored: 6, stays: 3 },
    },
  ),
  'connection.connected': connectionKind(
    'A client was connected, or its connection works again',
    null,
  ),
  'connection.expired': connectionKind('The grant of a connection is dead', 'refresh_refused'),
  'connection.error': connectionKind('A connection is not usable', 'api_disabled'),
  'connection.revoked': connectionKind('A connection was revoked through the API', null),
  'api_budget.exhausted': budgetKind(
    "A Salesforce org's daily API calls are used up except for the reserve: work in it waits",
    90_000,
  ),
  'api_budget.restored': budgetKind('A Salesforce org has API calls again: work resumes', 81_500),
  'approval.requested': kind(
    'A token that has to ask wants to change a Salesforce org: a person can grant it until it expires',
    z.object({
      approval_id: id,
      action: z.enum(APPROVAL_ACTIONS).meta({ id: 'ApprovalAction' }),
      expires_at: z.iso.datetime(),
    }),
    {
      approval_id: EXAMPLE_ID,
      action: 'custom_objects',
      expires_at: '2026-11-22T09:45:00.000Z',
    },
  ),
  'drift.found': kind(
    'A client differs from its blueprint in something that the result before did not show',
    z.object({
      run_id: id,
      blueprint_id: id,
      version: z.int(),
      components: z.record(z.string(), count).describe('How many components are in each state'),
    }),
    {
      run_id: EXAMPLE_ID,
      blueprint_id: EXAMPLE_ID,
      version: 3,
      components: { in_sync: 12, modified: 1 },
    },
  ),
  'rollout.started': rolloutKind('A rollout was started', 'running', { ready: 40 }),
  'rollout.wave_completed': kind(
    'Every target of a wave has come to an end',
    z.object({ rollout_id: id, wave: count, targets: targetCounts }),
    { rollout_id: EXAMPLE_ID, wave: 1, targets: { deployed: 1 } },
  ),
  'rollout.paused': rolloutKind(
    'A rollout is paused: by somebody, before a wave, or because of failures',
    'paused',
    { deployed: 1, ready: 39 },
    'gate',
  ),
  'rollout.finished': rolloutKind('A rollout ended, or was stopped', 'partial', {
    deployed: 39,
    failed: 1,
  }),
  'rollout.rolled_back': rolloutKind('A rollout was rolled back', 'rolled_back', {
    rolled_back: 39,
    failed: 1,
  }),
  'webhook_endpoint.disabled': kind(
    'An endpoint was disabled: it answered 410, or nothing but failures came back for five days',
    z.object({
      endpoint_id: id,
      reason: z.enum(['gone', 'failing']).meta({ id: 'EndpointFailure' }),
    }),
    { endpoint_id: EXAMPLE_ID, reason: 'failing' },
  ),
} as const satisfies Readonly<Record<string, EventKind>>

export type EventType = keyof typeof EVENT_KINDS
export type EventData<Type extends EventType> = z.infer<(typeof EVENT_KINDS)[Type]['data']>

export const EVENT_TYPES = Object.keys(EVENT_KINDS) as [EventType, ...EventType[]]

/** Those that tell of the fleet: nothing for whoever sees only some clients. */
export const isOfFleet = (type: EventType): boolean =>
  type === 'drift.found' || type.startsWith('rollout.')

/** What `/api/webhook-endpoints/test` sends; it is not an event, and is listed nowhere. */
export const TEST_TYPE = 'webhook_endpoint.test'

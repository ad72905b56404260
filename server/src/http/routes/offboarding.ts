// /api/fleet/offboard: a client leaves.

import * as z from 'zod'
import { type Caller } from '../../domain/caller.ts'
import { STAY_CODES } from '../../domain/deployments/rows.ts'
import { type Offboarding, type Offboardings } from '../../domain/offboarding/offboardings.ts'
import { type Reply, route, type Route } from '../route.ts'
import { isFinal, replyWith } from '../running.ts'
import {
  approvalId,
  id,
  pageOf,
  pageRequest,
  progress,
  timestamp,
  waitSeconds,
  workFault,
} from '../schemas.ts'
import { CLIENT_ID, named, rollbackProof } from './deployment-schema.ts'

const stayCode = z.enum(STAY_CODES).meta({ id: 'StayCode' })

const stay = named
  .extend({
    code: stayCode.describe('Why it stays, for programs'),
    reason: z.string().describe('Why it stays, in words'),
    rows: z.int().nullable().describe('Rows that would lose data, where that is why it stays'),
    changed_by: z.string().nullable(),
    changed_at: z.string().nullable(),
  })
  .meta({ id: 'StayingComponent' })

const summary = z
  .object({
    id,
    client_id: id,
    client_name: z.string(),
    status: z
      .enum(['running', 'complete', 'partial', 'failed'])
      .meta({ id: 'OffboardingStatus' })
      .describe('`partial`: something that was deployed stays, see `stays`'),
    is_final: isFinal,
    is_preview: z.boolean(),
    options: z.object({
      allow_data_loss: z.boolean(),
      purge: z.boolean(),
      leave_in_place: z.boolean(),
    }),
    progress,
    proof: rollbackProof
      .nullable()
      .describe('What was read back, compared with the state before the first deployment'),
    connection: z
      .object({
        status: z.literal('revoked'),
        failed_steps: z.array(
          z.object({ step: z.string(), code: z.string(), message: z.string() }),
        ),
      })
      .nullable()
      .describe('Null until it was revoked, and for a client that never had one'),
    purged: z.boolean().describe('Nothing but audit rows is stored of the client any longer'),
    certificate_hash: z
      .string()
      .nullable()
      .describe('SHA-256 of the canonical JSON of the certificate: members sorted, no spaces'),
    error: workFault.nullable(),
    salesforce_api_calls: z.int(),
    created_by: id.nullable(),
    created_at: timestamp,
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'OffboardingSummary' })

const certified = named.extend({
  before: z
    .string()
    .nullable()
    .describe('SHA-256 of its content before the first deployment; null: it did not exist'),
  deployed: z.string().nullable().describe('… and as the last deployment left it'),
})

const certificate = z
  .object({
    format: z.literal(1),
    offboarding_id: id,
    org_id: id,
    client: z.object({ id, name: z.string() }),
    sfdc_org_id: z.string().nullable(),
    requested_by: id.nullable(),
    started_at: timestamp,
    completed_at: timestamp,
    options: z.record(z.string(), z.boolean()),
    deployments: z.array(
      z.object({
        id,
        kind: z.string(),
        status: z.string(),
        plan_hash: z.string().nullable(),
        deployed_at: timestamp.nullable(),
      }),
    ),
    sfdc_deploy_ids: z.array(z.string()),
    removed: z.array(certified),
    restored: z.array(certified),
    stays: z.array(stay),
    proof: rollbackProof.nullable(),
    connection: z.unknown(),
    earlier: z
      .object({ certificate: z.record(z.string(), z.unknown()), certificate_hash: z.string() })
      .nullable()
      .describe('Of a client that left before it was purged: how it left'),
    hashes: z.object({ removed: z.string(), restored: z.string(), stays: z.string() }),
    purge: z
      .object({
        deleted_rows: z.record(z.string(), z.int()).describe('By table'),
        grants_left: z
          .int()
          .describe(
            'Grants that Nango still keeps: it did not confirm for a day that they are gone',
          ),
        kept: z.array(z.string()),
      })
      .nullable(),
  })
  .meta({ id: 'OffboardingCertificate' })

const offboarding = summary
  .extend({
    removed: z
      .array(named)
      .describe(
        'So far, while it runs; also what earlier off-boardings of the client removed before they failed',
      ),
    restored: z
      .array(named)
      .describe('As it was before the first deployment; also by earlier ones that failed'),
    stays: z.array(stay),
    certificate: certificate.nullable(),
  })
  .meta({ id: 'Offboarding' })

const OFFBOARDING_ID = '0199a1b2-0000-7000-8000-0000000000f1'

const exampleSummary = {
  id: OFFBOARDING_ID,
  client_id: CLIENT_ID,
  client_name: 'Acme',
  status: 'partial',
  is_final: true,
  is_preview: true,
  options: { allow_data_loss: false, purge: false, leave_in_place: false },
  progress: { stage: 'done', done: 6, total: 6 },
  proof: null,
  connection: null,
  purged: false,
  certificate_hash: null,
  error: null,
  salesforce_api_calls: 21,
  created_by: null,
  created_at: '2026-11-20T09:00:00.000Z',
  completed_at: '2026-11-20T09:00:12.000Z',
}

const example = {
  ...exampleSummary,
  removed: [{ type: 'CustomField', full_name: 'Lead.Job_Title__c' }],
  restored: [{ type: 'Layout', full_name: 'Lead-Lead Layout' }],
  stays: [
    {
      type: 'CustomObject',
      full_name: 'Job__c',
      code: 'holds_data',
      reason: 'Job__c holds data in 12 rows.',
      rows: 12,
      changed_by: null,
      changed_at: null,
    },
  ],
  certificate: null,
}

const by = {
  client_id: id,
  allow_data_loss: z
    .boolean()
    .optional()
    .describe('Deletes what was deployed even where records hold data in it'),
  leave_in_place: z
    .boolean()
    .optional()
    .describe(
      'Removes nothing from the Salesforce org: for a client whose connection is lost for good',
    ),
}

const replies = {
  200: { description: 'The off-boarding has ended', body: offboarding },
  202: { description: 'The off-boarding is under way', body: offboarding },
}

const ERRORS = [
  'not_found',
  'connection_not_ready',
  'deployment_in_progress',
  'client_leaving',
  'client_left',
] as const

const replyOf = (body: Offboarding): Reply => replyWith(body, '/api/fleet/offboard/get')

const cancelRoute = (offboardings: Offboardings): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/offboard/cancel',
    tag: 'Fleet',
    summary: 'Cancel an off-boarding, or a preview of one',
    description:
      'As long as the connection is not being revoked. What waits or was not sent ends at once, as `failed` ' +
      'with `cancelled`; Salesforce is asked to cancel what it works on. What was already removed stays ' +
      'removed, is listed, and counts for the certificate of the next one; the client works as before. `abandon` ends one that is stalled, whatever became of it. ' +
      'Does nothing if it has ended.',
    access: 'fleet.write',
    body: z.strictObject({
      offboarding_id: id,
      abandon: z
        .boolean()
        .optional()
        .describe('Only if the connection is lost, or the work is stalled'),
    }),
    replies: { 200: { description: 'The off-boarding', body: offboarding } },
    errors: ['not_found', 'client_leaving', 'deployment_in_progress'],
    example: {
      body: { offboarding_id: OFFBOARDING_ID },
      reply: {
        ...example,
        status: 'failed',
        removed: [],
        restored: [],
        stays: [],
        error: { code: 'cancelled', message: 'The off-boarding was cancelled.' },
      },
    },
    idempotency: {},
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await offboardings.cancel(caller, body),
    }),
  })

export const offboardingRoutes = ({ offboardings }: { offboardings: Offboardings }): Route[] => {
  const replay = async (caller: Caller, offboardingId: string): Promise<Reply> =>
    replyOf(await offboardings.get(caller.tenant, offboardingId))
  return [
    route({
      method: 'POST',
      path: '/api/fleet/offboard/preview',
      tag: 'Fleet',
      summary: 'Preview the off-boarding of a client',
      description:
        'What `start` would remove, restore and leave, and why. Everything is read, and Salesforce ' +
        'validates what would be sent, unless automations have to go first. Nothing is changed.',
      access: 'fleet.write',
      body: z.strictObject({ ...by, wait_seconds: waitSeconds }),
      replies,
      errors: [...ERRORS],
      example: { body: { client_id: CLIENT_ID }, reply: example },
      idempotency: { replay },
      handle: async ({ caller, body, context }) =>
        replyOf(await offboardings.preview(caller, body, context.signal)),
    }),
    route({
      method: 'POST',
      path: '/api/fleet/offboard/start',
      tag: 'Fleet',
      summary: 'Off-board a client',
      description:
        'Removes from the Salesforce org everything that was ever deployed there and that nobody ' +
        'changed since, in one deploy, after the automations. What somebody changed, what is used, what ' +
        'holds data and what cannot be deleted stays, each with its reason. Then the connection is ' +
        'revoked. With `purge`, everything that is stored here of the client is deleted, but for audit ' +
        'rows, which have no contents. `certificate` says what was done. Meanwhile no other work begins ' +
        'for the client; if the off-boarding fails, it goes on as before. Afterwards the client has left ' +
        '(`left_at`): it is inactive and bound to no blueprint, so that the fleet goes on without it; ' +
        '`/api/clients/update` with `is_active: true` undoes that. Once more only with `purge`.',
      access: 'fleet.write',
      body: z.strictObject({
        ...by,
        purge: z
          .boolean()
          .optional()
          .describe('Then deletes everything that is stored here of the client. Cannot be undone'),
        ...approvalId,
        wait_seconds: waitSeconds,
      }),
      approvable: true,
      replies,
      errors: [...ERRORS],
      example: {
        body: { client_id: CLIENT_ID, purge: true },
        reply: {
          ...example,
          is_preview: false,
          connection: { status: 'revoked', failed_steps: [] },
        },
      },
      idempotency: { replay },
      handle: async ({ caller, body, context }) =>
        replyOf(await offboardings.start(caller, body, context.signal)),
    }),
    cancelRoute(offboardings),
    route({
      method: 'POST',
      path: '/api/fleet/offboard/get',
      tag: 'Fleet',
      summary: 'Get an off-boarding',
      description:
        'Also once its client was purged: then it is all that is left, with its certificate.',
      access: 'fleet.read',
      body: z.strictObject({ offboarding_id: id }),
      replies: { 200: { description: 'The off-boarding', body: offboarding } },
      errors: ['not_found'],
      example: { body: { offboarding_id: OFFBOARDING_ID }, reply: example },
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await offboardings.get(caller.tenant, body.offboarding_id),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/fleet/offboard/list',
      tag: 'Fleet',
      summary: 'List off-boardings, newest first',
      description:
        'Without their lists and certificates. That of a purged client stays, also by its `client_id`.',
      access: 'fleet.read',
      body: z.strictObject({ client_id: id.optional(), ...pageRequest }),
      replies: { 200: { description: 'A page of off-boardings', body: pageOf(summary) } },
      errors: ['not_found', 'invalid_cursor'],
      example: {
        body: { client_id: CLIENT_ID },
        reply: { items: [exampleSummary], next_cursor: null },
      },
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await offboardings.list(caller.tenant, body),
      }),
    }),
  ]
}

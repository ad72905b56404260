import * as z from 'zod'
import { APPROVAL_ACTIONS } from '../../domain/approvals/change.ts'
import { APPROVAL_STATES, type Approvals } from '../../domain/approvals/approvals.ts'
import { route, type Route } from '../route.ts'
import { id, pageOf, pageRequest, timestamp } from '../schemas.ts'

const state = z.enum(APPROVAL_STATES).meta({ id: 'ApprovalState' })

const approval = z
  .object({
    id,
    client_id: id.nullable().describe('Null: it is about many clients, as a rollout is'),
    action: z.enum(APPROVAL_ACTIONS).meta({ id: 'ApprovalAction' }),
    state: state.describe('`expired`: it was not granted, or not used, in time'),
    summary: z.array(z.string()).describe('What will happen, a line each'),
    rests_on: z
      .record(z.string(), z.union([z.string(), z.number(), z.null()]).meta({ id: 'ApprovalBasis' }))
      .describe(
        'Plan, report, snapshot, connection, mapping: if any of it differs when the change is made, the approval is void',
      ),
    token_id: id.describe('The token that asked; no other can use it'),
    requested_by: id.nullable(),
    decided_by: id.nullable(),
    decided_at: timestamp.nullable(),
    used_at: timestamp.nullable(),
    resource_id: id.nullable().describe('The deployment, push or rollout that it was used for'),
    created_at: timestamp,
    expires_at: timestamp.describe('15 minutes after it was asked for'),
  })
  .meta({ id: 'Approval' })

const example = {
  id: '01931f2a-7c00-7000-8000-000000000050',
  client_id: '01931f2a-7c00-7000-8000-000000000003',
  action: 'custom_objects',
  state: 'pending',
  summary: [
    'Client Acme Staffing: production Salesforce org 00DWs000001AbCdMAK',
    'Deploys 1 component of a plan, checked by report 01931f2a-7c00-7000-8000-000000000030',
    'CustomField Lead.Job_Title__c',
  ],
  rests_on: {
    plan_hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
    conflict_report_id: '01931f2a-7c00-7000-8000-000000000030',
    snapshot_version: 12,
    sfdc_org_id: '00DWs000001AbCdMAK',
  },
  token_id: '01931f2a-7c00-7000-8000-000000000004',
  requested_by: '01931f2a-7c00-7000-8000-000000000002',
  decided_by: null,
  decided_at: null,
  used_at: null,
  resource_id: null,
  created_at: '2026-11-22T09:30:00.000Z',
  expires_at: '2026-11-22T09:45:00.000Z',
}

const DECIDED_BY =
  'Only by a session, so by a person who logged in, with the permission that the change needs. An API ' +
  'token is answered 403, whatever its permissions.'

const one = z.strictObject({ approval_id: id })

export const approvalRoutes = ({ approvals }: { approvals: Approvals }): Route[] => [
  route({
    method: 'POST',
    path: '/api/approvals/get',
    tag: 'Approvals',
    summary: 'Get an approval',
    description:
      'What a token with `approval: "required"` asked for, for those who could make the change themselves, ' +
      'and for the token that asked.',
    access: 'any',
    body: one,
    replies: { 200: { description: 'The approval', body: approval } },
    errors: ['not_found'],
    example: { body: { approval_id: example.id }, reply: example },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await approvals.get(caller, body.approval_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/approvals/list',
    tag: 'Approvals',
    summary: 'List approvals, newest first',
    access: 'any',
    body: z.strictObject({
      client_id: id.optional(),
      state: state.optional(),
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of approvals', body: pageOf(approval) } },
    errors: ['not_found', 'invalid_cursor'],
    example: { body: { state: 'pending' }, reply: { items: [example], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await approvals.list(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/approvals/grant',
    tag: 'Approvals',
    summary: 'Grant an approval: the change can be made once, as it was asked for',
    description: DECIDED_BY,
    access: 'any',
    body: one,
    replies: { 200: { description: 'The approval, granted', body: approval } },
    errors: ['not_found', 'forbidden', 'approval_unusable'],
    example: {
      body: { approval_id: example.id },
      reply: {
        ...example,
        state: 'granted',
        decided_by: '01931f2a-7c00-7000-8000-000000000002',
        decided_at: '2026-11-22T09:31:00.000Z',
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await approvals.grant(caller, body.approval_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/approvals/refuse',
    tag: 'Approvals',
    summary: 'Refuse an approval, or withdraw one that was granted and is not used yet',
    description: `${DECIDED_BY} What has begun goes on: cancel the work itself.`,
    access: 'any',
    body: one,
    replies: { 200: { description: 'The approval, refused', body: approval } },
    errors: ['not_found', 'forbidden', 'approval_unusable'],
    example: {
      body: { approval_id: example.id },
      reply: {
        ...example,
        state: 'refused',
        decided_by: '01931f2a-7c00-7000-8000-000000000002',
        decided_at: '2026-11-22T09:31:00.000Z',
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await approvals.refuse(caller, body.approval_id),
    }),
  }),
]

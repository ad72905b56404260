import * as z from 'zod'
import { type Database } from '../../db/database.ts'
import { listAudit } from '../../domain/audit.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, timeRange, timestamp } from '../schemas.ts'

const row = z
  .object({
    id,
    at: timestamp,
    client_id: id.nullable(),
    user_id: id.nullable(),
    credential_type: z
      .enum(['super_admin', 'api_token', 'session', 'password', 'system'])
      .meta({ id: 'CredentialType' }),
    credential_id: id.nullable(),
    action: z.string(),
    target_type: z.string().nullable(),
    target_id: id.nullable(),
    outcome: z.string().describe('ok, or the code of the error'),
    request_id: z.string().nullable(),
    salesforce_api_calls: z
      .int()
      .describe(
        'Each call is in one row: those of an off-boarding are in its `deployment.rollback`',
      ),
  })
  .meta({ id: 'AuditRow' })

export const auditRoutes = ({ db }: { db: Database }): Route[] => [
  route({
    method: 'POST',
    path: '/api/audit/list',
    tag: 'Audit',
    summary: 'What was done: who, with which credential, on which client, when, how it ended',
    access: 'org.manage',
    body: z.strictObject({
      ...pageRequest,
      client_id: id.optional(),
      action: line(100).optional().describe('For example connection.revoke'),
      ...timeRange,
    }),
    replies: { 200: { description: 'A page of the log, newest first', body: pageOf(row) } },
    errors: ['invalid_cursor'],
    example: {
      body: { action: 'topology.pull' },
      reply: {
        items: [
          {
            id: '01931f2a-7c00-7000-8000-000000000009',
            at: '2026-11-22T09:00:00.000Z',
            client_id: '01931f2a-7c00-7000-8000-000000000003',
            user_id: '01931f2a-7c00-7000-8000-000000000002',
            credential_type: 'api_token',
            credential_id: '01931f2a-7c00-7000-8000-000000000004',
            action: 'topology.pull',
            target_type: 'snapshot',
            target_id: '01931f2a-7c00-7000-8000-000000000005',
            outcome: 'ok',
            request_id: 'nightly-17',
            salesforce_api_calls: 63,
          },
        ],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await listAudit(db, caller.tenant, body),
    }),
  }),
]

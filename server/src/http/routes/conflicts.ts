import * as z from 'zod'
import { FINDING_TEXTS } from '../../domain/conflicts/finding-texts.ts'
import { type Conflicts, type Report } from '../../domain/conflicts/reports.ts'
import { workflowInput } from '../../domain/workflows/definition/schema.ts'
import { planSchema } from '../../domain/plan/schema.ts'
import { type Reply, route, type Route } from '../route.ts'
import { isFinal, replyWith } from '../running.ts'
import {
  id,
  pageOf,
  pageRequest,
  progress,
  timeRange,
  timestamp,
  waitSeconds,
  workFault,
} from '../schemas.ts'
import { reversibility } from './deployment-schema.ts'

const PLAN_BODY_BYTES = 8 * 1024 * 1024

const status = z.enum(['running', 'complete', 'failed']).meta({ id: 'ConflictReportStatus' })
const severity = z.enum(['green', 'yellow', 'red']).meta({ id: 'ConflictSeverity' })
/** Described, not checked: a report of an earlier version may have codes that no rule has any more. */
const findingCode = z.string().meta({
  describedBy: z
    .enum([...FINDING_TEXTS.keys()])
    .describe('Stable; `/docs/errors` says what each means. A later version may have more')
    .meta({ id: 'FindingCode' }),
})
const component = z
  .object({ type: z.string(), full_name: z.string() })
  .describe('As in package.xml; `Package package.xml` is the deploy as a whole')
  .meta({ id: 'JudgedComponent' })

const summary = z
  .object({
    id,
    client_id: id,
    status,
    is_final: isFinal,
    progress: progress.describe('Stages: `pull`, `salesforce`, `facts`, `rules`, `complete`'),
    error: workFault
      .nullable()
      .describe('Why it failed; with status `running`, why it is paused. It resumes by itself'),
    severity: severity.nullable().describe('Of the worst finding; null unless complete'),
    plan_hash: z
      .string()
      .describe('Plans of the same meaning have the same hash; it matches a deploy to its report'),
    snapshot_id: id.nullable(),
    snapshot_version: z.int().nullable().describe('The snapshot that the plan was checked against'),
    counts: z
      .object({ green: z.int(), yellow: z.int(), red: z.int() })
      .describe('Of the findings; zero until it is complete'),
    api_call_estimate: z
      .int()
      .describe('Estimate of the Salesforce API calls that the deploy takes'),
    created_by: id.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'ConflictReportSummary' })

const report = summary
  .extend({
    findings: z
      .array(
        z
          .object({
            severity: severity.describe(
              '`red`: will fail or destroys data. `yellow`: works, but changes behaviour, loses ' +
                'something or needs attention. `green`: safe, and says why',
            ),
            code: findingCode,
            message: z.string(),
            component,
            path: z
              .string()
              .describe(
                'Dotted, from the plan: `objects.0.fields.2.length`; `workflows.0` for a workflow',
              ),
            remedy: z.string().nullable().describe('What to do about it; null for a green finding'),
          })
          .meta({ id: 'ConflictFinding' }),
      )
      .describe('Worst first. Every component has at least one'),
    reversibility: z
      .array(
        z.object({
          component,
          level: reversibility,
          reason: z.string(),
        }),
      )
      .describe(
        'Whether each component can be rolled back once it is deployed, in the order of the plan; the deployment says the same of its components',
      ),
  })
  .meta({ id: 'ConflictReport' })

const reportWithPlan = report
  .extend({
    plan: z
      .union([z.record(z.string(), z.unknown()).meta({ describedBy: planSchema }), z.null()])
      .optional()
      .describe('With `include`: as it was parsed; null if workflows were checked'),
  })
  .meta({ id: 'ConflictReportWithPlan' })

const REPORT_ID = '01931f2a-7c00-7000-8000-000000000030'
const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const examplePlan = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 }],
    },
  ],
}

const exampleSummary = {
  id: REPORT_ID,
  client_id: CLIENT_ID,
  status: 'complete',
  is_final: true,
  progress: { stage: 'complete', done: 2, total: 2 },
  error: null,
  severity: 'green',
  plan_hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
  snapshot_id: '01931f2a-7c00-7000-8000-000000000020',
  snapshot_version: 12,
  counts: { green: 2, yellow: 0, red: 0 },
  api_call_estimate: 14,
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:12:00.000Z',
}

const lead = { type: 'CustomField', full_name: 'Lead.Job_Title__c' }
const permissionSet = { type: 'PermissionSet', full_name: 'SFDC_Engine_X' }

const example = {
  ...exampleSummary,
  findings: [
    {
      severity: 'green',
      code: 'field_new',
      message:
        'Lead.Job_Title__c is new: Lead has no field with that name, so no value and no automation is affected.',
      component: lead,
      path: 'objects.0.fields.0',
      remedy: null,
    },
    {
      severity: 'green',
      code: 'permission_set_merged',
      message:
        'The permission set SFDC_Engine_X is created, or extended if it exists: nobody loses access.',
      component: permissionSet,
      path: 'permissions.permission_set',
      remedy: null,
    },
  ],
  reversibility: [
    {
      component: lead,
      level: 'reversible_with_data_loss',
      reason:
        'Rollback deletes the field. If records hold values by then, it requires allow_data_loss.',
    },
    {
      component: permissionSet,
      level: 'reversible',
      reason: 'Rollback removes what the plan adds; changes by others stay.',
    },
  ],
}

/** 201 with the result, or 202 with the current state and where to poll. */
const replyOf = (body: Report): Reply => replyWith(body, '/api/conflicts/get', { ended: 201 })

export const conflictRoutes = ({ conflicts }: { conflicts: Conflicts }): Route[] => [
  route({
    method: 'POST',
    path: '/api/conflicts/check',
    tag: 'Conflicts',
    summary: 'Check a plan for conflicts',
    description:
      'Checks the plan against the newest snapshot, this client’s mappings and what only the ' +
      'Salesforce org itself knows (record counts, limits, permissions, where-used …). Changes ' +
      'nothing there. With `refresh` the topology is pulled first; what we deployed or rolled back there ' +
      'since the snapshot is pulled in any case. Without a snapshot and without ' +
      '`refresh` the answer is `409 no_snapshot`. With `validate_in_salesforce` a deploy with `checkOnly` is ' +
      'sent too, which takes its turn with other deploys in that Salesforce org, and what Salesforce ' +
      'refuses becomes findings.\n\n' +
      'A deploy of the same plan can name a complete report and is then checked against it. The ' +
      'work survives a broken connection and a restart; poll with `/api/conflicts/get`.',
    access: 'deploy.write',
    bodyLimitBytes: PLAN_BODY_BYTES,
    body: z
      .strictObject({
        client_id: id,
        plan: z
          .record(z.string(), z.unknown())
          .optional()
          .describe('An error in it is `400 invalid_plan` with its path')
          .meta({ describedBy: planSchema }),
        workflows: z
          .array(z.record(z.string(), z.unknown()).meta({ describedBy: workflowInput }))
          .min(1)
          .max(200)
          .optional()
          .describe('Instead of a plan: workflows as for `/api/workflows/deploy`'),
        refresh: z.boolean().optional().describe('Pull the topology first'),
        validate_in_salesforce: z
          .boolean()
          .optional()
          .describe('Let Salesforce validate the plan too'),
        wait_seconds: waitSeconds,
      })
      .refine((body) => (body.plan === undefined) !== (body.workflows === undefined), {
        message: 'Send either plan or workflows, not both.',
        path: ['plan'],
      }),
    replies: {
      201: { description: 'The report has ended: complete or failed', body: report },
      202: { description: 'The check is running', body: report },
    },
    errors: [
      'not_found',
      'invalid_plan',
      'bad_request',
      'client_inactive',
      'connection_not_ready',
      'no_snapshot',
    ],
    example: { body: { client_id: CLIENT_ID, plan: examplePlan }, reply: example },
    idempotency: {
      replay: async (caller, reportId) => replyOf(await conflicts.get(caller.tenant, reportId)),
    },
    handle: async ({ caller, body, context }) =>
      replyOf(await conflicts.check(caller, body, context.signal)),
  }),
  route({
    method: 'POST',
    path: '/api/conflicts/get',
    tag: 'Conflicts',
    summary: 'Get a conflict report',
    access: 'topology.read',
    body: z.strictObject({
      report_id: id,
      include: z
        .array(z.enum(['plan']))
        .max(1)
        .default([])
        .describe('`plan`: what was checked, too'),
    }),
    replies: { 200: { description: 'The report in its current state', body: reportWithPlan } },
    errors: ['not_found'],
    example: { body: { report_id: REPORT_ID }, reply: example },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await conflicts.get(caller.tenant, body.report_id, { plan: body.include.length > 0 }),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/conflicts/list',
    tag: 'Conflicts',
    summary: 'List conflict reports, newest first',
    description: 'Without findings and reversibility.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id,
      status: status.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of reports', body: pageOf(summary) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID },
      reply: { items: [exampleSummary], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await conflicts.list(caller.tenant, body),
    }),
  }),
]

import * as z from 'zod'
import { type Workflows } from '../../domain/workflows/workflows.ts'
import { AUTOMATION_TYPES } from '../../domain/topology/topology.ts'
import { route, type Route } from '../route.ts'
import { id, timestamp } from '../schemas.ts'
import { automationTrigger, automationType } from './salesforce-schemas.ts'

const apiName = z
  .string()
  .describe('As the Metadata API names it: `My_Flow`, `Account.My_Rule`, `Lead.Standard`')

const automation = z
  .object({
    type: automationType,
    api_name: apiName,
    label: z.string().nullable(),
    object: z
      .string()
      .nullable()
      .describe('The object whose records start it; null: it starts in another way'),
    active: z.boolean().nullable().describe('Null if not known; a warning or `managed` says why'),
    active_version: z.int().nullable().describe('Of a flow'),
    latest_version: z.int().nullable().describe('Of a flow'),
    process_type: z
      .string()
      .nullable()
      .describe("Of a flow, in Salesforce's words; `Workflow` is a Process Builder process"),
    trigger: automationTrigger
      .nullable()
      .describe('Null: it is started by hand, by another automation, or its content is hidden'),
    managed: z.boolean().describe('Part of an installed managed package'),
    deployed_by_engine: z
      .boolean()
      .describe('A deployment of this API created or changed it, and has not been rolled back'),
    last_modified_at: timestamp.nullable(),
  })
  .meta({ id: 'Automation' })

const source = z.enum(['live', 'snapshot']).meta({ id: 'AutomationSource' })

const listed = z
  .object({
    items: z.array(automation),
    next_cursor: z.string().nullable(),
    source,
    snapshot_version: z.int().nullable().describe('The snapshot that was listed; null for `live`'),
    total: z.int().describe('How many fit the filters, on all pages'),
    warnings: z
      .array(
        z.object({
          code: z
            .enum(['type_not_listed', 'content_not_read', 'object_unknown'])
            .meta({ id: 'AutomationWarningCode' })
            .describe(
              '`type_not_listed`: automations of this type are missing, or are older than the rest. ' +
                '`content_not_read`: some are listed without what is in their content. ' +
                '`object_unknown`: the newest snapshot has no `object` of this name',
            ),
          type: automationType.nullable(),
          message: z.string(),
        }),
      )
      .describe('What the list does not know, with the reason'),
    execution_order: z
      .array(
        z.object({
          object: z.string(),
          event: z.enum(['create', 'update', 'delete', 'undelete']).meta({ id: 'RecordEvent' }),
          steps: z.array(
            z.object({
              timing: z
                .enum(['before', 'after'])
                .describe('Before or after the record is saved')
                .meta({ id: 'StepTiming' }),
              type: automationType,
              api_name: apiName,
              order: z.number().nullable().describe("A flow's trigger order"),
            }),
          ),
        }),
      )
      .nullable()
      .describe(
        'With `object`: what runs when one of its records is saved or deleted, first to last. Among ' +
          'automations of one kind Salesforce defines an order only for flows with a trigger order',
      ),
  })
  .meta({ id: 'AutomationPage' })

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const example = {
  items: [
    {
      type: 'flow',
      api_name: 'Lead_Set_Rating',
      label: 'Lead: set rating',
      object: 'Lead',
      active: true,
      active_version: 3,
      latest_version: 3,
      process_type: 'AutoLaunchedFlow',
      trigger: { object: 'Lead', events: ['create', 'update'], timing: 'before', order: 10 },
      managed: false,
      deployed_by_engine: true,
      last_modified_at: '2026-11-20T08:00:00.000Z',
    },
  ],
  next_cursor: null,
  source: 'live',
  snapshot_version: null,
  total: 1,
  warnings: [],
  execution_order: [
    {
      object: 'Lead',
      event: 'create',
      steps: [
        { timing: 'before', type: 'flow', api_name: 'Lead_Set_Rating', order: 10 },
        { timing: 'after', type: 'assignment_rule', api_name: 'Lead.Standard', order: null },
      ],
    },
  ],
}

export const workflowRoutes = ({ workflows }: { workflows: Workflows }): Route[] => [
  route({
    method: 'POST',
    path: '/api/workflows/list',
    tag: 'Workflows',
    summary: "List the automations of a client's Salesforce org",
    description:
      'Flows (processes among them), validation rules, workflow rules, assignment rules and Apex ' +
      'triggers, last changed first. `live` asks the Salesforce org again for each page, with about ten ' +
      'calls; `snapshot` reads the newest complete snapshot without any, and all pages are of the ' +
      'same one. A type that cannot be listed is named in `warnings`.\n\n' +
      'With `object`, `execution_order` tells what runs on it, of all types and active only, in the ' +
      'order of the Apex developer guide ("Triggers and Order of Execution").',
    access: 'workflows.read',
    body: z.strictObject({
      client_id: id,
      types: z
        .array(automationType)
        .min(1)
        .max(AUTOMATION_TYPES.length)
        .optional()
        .describe('Default: all'),
      object: z
        .string()
        .regex(/^[A-Za-z]\w{0,79}$/, 'must be the API name of an object, like Account or Job__c')
        .optional()
        .describe('Only automations that its records start; case-insensitive'),
      active: z.boolean().optional(),
      source: source.default('live'),
      limit: z.int().min(1).max(200).default(50),
      cursor: z.string().min(1).max(1_000).optional(),
    }),
    replies: { 200: { description: 'A page of automations', body: listed } },
    errors: [
      'not_found',
      'invalid_cursor',
      'no_snapshot',
      'client_inactive',
      'connection_not_ready',
      'salesforce_error',
      'nango_error',
    ],
    example: { body: { client_id: CLIENT_ID, object: 'Lead' }, reply: example },
    handle: async ({ caller, body, context }) => ({
      status: 200,
      body: await workflows.list(caller, body, context.signal),
    }),
  }),
]

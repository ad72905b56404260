import * as z from 'zod'
import { type Drift } from '../../domain/fleet/drift/drift.ts'
import { COMPONENT_STATES } from '../../domain/fleet/drift/evaluate.ts'
import { clientSelector } from '../../domain/fleet/selectors.ts'
import { route, type Route } from '../route.ts'
import { isFinal } from '../running.ts'
import { fault, id, line, pageOf, pageRequest, timestamp, waitSeconds } from '../schemas.ts'
import { binding, exampleBinding } from './blueprint-bindings.ts'
import { componentState, difference } from './blueprint-schemas.ts'

const TAG = 'Drift'
const RUN_ID = '01931f2a-7c00-7000-8000-000000000070'
const BLUEPRINT_ID = '01931f2a-7c00-7000-8000-000000000060'

const count = z.int()
const stateCounts = z
  .object(Object.fromEntries(COMPONENT_STATES.map((state) => [state, count.optional()])))
  .describe('How many components are in each state; states without any are left out')
  .meta({ id: 'DriftStateCounts' })

const run = z
  .object({
    id,
    blueprint_id: id.nullable().describe('null: all blueprints'),
    selector: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('As it was sent; null: every bound client'),
    max_age_hours: z.int().nullable(),
    refresh: z.boolean(),
    status: z.enum(['running', 'complete']).meta({ id: 'DriftRunStatus' }),
    is_final: isFinal,
    counts: z
      .object({
        in_sync: count,
        drifted: count,
        unknown: count,
        waiting: count.describe('Their pulls have not ended'),
        components: stateCounts,
      })
      .describe('Of clients; the first four add up to their number'),
    created_by: id.nullable(),
    created_at: timestamp,
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'DriftRun' })

const clientState = z
  .enum(['waiting', 'in_sync', 'drifted', 'unknown'])
  .meta({ id: 'DriftClientState' })

const component = z
  .object({
    type: z.string().describe('As in package.xml, or `Mapping`'),
    full_name: z.string(),
    path: z.string().nullable().describe('In the version; null for what the client added'),
    state: componentState,
    accepted: z.boolean().describe('Somebody accepted that it stands like this'),
    differences: z.array(difference),
    stands_at: z.int().nullable().describe('With `behind`: the version as which it stands'),
    deployed: z
      .object({ deployment_id: id, at: timestamp, by: id.nullable() })
      .nullable()
      .describe('The newest deployment of ours that put it in place'),
    changed_at: timestamp
      .nullable()
      .describe('When it was changed last in Salesforce, by whomever, where Salesforce says so'),
    changed_by: z.string().nullable().describe('The name of the user who did, if known'),
    reason: fault.nullable().describe('Why it is `unknown`'),
  })
  .meta({ id: 'ComponentDrift' })

const result = z
  .object({
    id,
    run_id: id,
    client_id: id,
    blueprint_id: id,
    version: z.int().describe('At which the client should stand; 0: the blueprint has none'),
    state: clientState,
    reason: fault.nullable().describe('Why it is unknown'),
    snapshot_id: id.nullable(),
    snapshot_version: z.int().nullable(),
    snapshot_at: timestamp.nullable(),
    counts: stateCounts,
    components: z.array(component),
    created_at: timestamp,
  })
  .meta({ id: 'DriftResult' })

const exampleRun = {
  id: RUN_ID,
  blueprint_id: BLUEPRINT_ID,
  selector: null,
  max_age_hours: null,
  refresh: false,
  status: 'complete',
  is_final: true,
  counts: {
    in_sync: 39,
    drifted: 1,
    unknown: 0,
    waiting: 0,
    components: { in_sync: 159, modified: 1 },
  },
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:00:00.000Z',
  completed_at: '2026-11-22T09:00:00.000Z',
}

const exampleResult = {
  id: '01931f2a-7c00-7000-8000-000000000071',
  run_id: RUN_ID,
  client_id: '01931f2a-7c00-7000-8000-000000000003',
  blueprint_id: BLUEPRINT_ID,
  version: 3,
  state: 'drifted',
  reason: null,
  snapshot_id: '01931f2a-7c00-7000-8000-000000000020',
  snapshot_version: 12,
  snapshot_at: '2026-11-22T08:00:00.000Z',
  counts: { in_sync: 3, modified: 1 },
  components: [
    {
      type: 'CustomField',
      full_name: 'Lead.Tier__c',
      path: 'plan.objects.0.fields.0',
      state: 'modified',
      accepted: false,
      differences: [{ attribute: 'label', wanted: 'Tier', deployed: 'Tier', found: 'Level' }],
      stands_at: null,
      deployed: {
        deployment_id: '01931f2a-7c00-7000-8000-000000000050',
        at: '2026-11-20T10:00:00.000Z',
        by: '01931f2a-7c00-7000-8000-000000000002',
      },
      changed_at: '2026-11-21T16:30:00.000Z',
      changed_by: 'Kim Admin',
      reason: null,
    },
  ],
  created_at: '2026-11-22T09:00:00.000Z',
}

const runRoute = (drift: Drift): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/drift/run',
    tag: TAG,
    summary: 'Find out how clients differ from their blueprints',
    description:
      'Compares the newest snapshot of each bound client with the version at which it should stand, component ' +
      'by component, without a Salesforce call. With `refresh` the topologies are pulled first; poll with ' +
      '`/api/fleet/drift/get`. What no describe shows (permission sets, layouts, queues …) is read by every pull ' +
      'of a bound client; it is `unknown`, with the `reason`, where the newest pull was before the binding. More ' +
      'access in the own permission set of a blueprint than it and your deployments gave is `extra_grant`. ' +
      'Nothing is changed: bring clients back with a rollout, or accept what differs. A run in which nobody is bound is ' +
      '`complete` at once, without results; a selector that chooses no client is `400 bad_request`.\n\n' +
      'The event `drift.found` tells of a client that differs in something that its result before did not show.',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id.optional().describe('Default: all that are not archived'),
      selector: clientSelector.optional().describe('Of the bound clients. Default: all'),
      max_age_hours: z
        .int()
        .min(1)
        .max(8_760)
        .optional()
        .describe('With an older snapshot a client is `unknown`. Default: any age'),
      refresh: z.boolean().optional().describe('Pull the topologies first'),
      wait_seconds: waitSeconds,
    }),
    replies: {
      200: {
        description: 'The run; with `refresh` it may be running, until its pulls end',
        body: run,
      },
    },
    errors: ['not_found', 'client_inactive', 'bad_request'],
    example: { body: { blueprint_id: BLUEPRINT_ID }, reply: exampleRun },
    idempotency: {
      replay: async (caller, runId) => ({
        status: 200,
        body: await drift.get(caller.tenant, runId),
      }),
    },
    handle: async ({ caller, body, context }) => ({
      status: 200,
      body: await drift.run(caller, body, context.signal),
    }),
  })

export const fleetDriftRoutes = ({ drift }: { drift: Drift }): Route[] => [
  runRoute(drift),
  route({
    method: 'POST',
    path: '/api/fleet/drift/get',
    tag: TAG,
    summary: 'Get a drift run',
    access: 'fleet.read',
    body: z.strictObject({ run_id: id }),
    replies: { 200: { description: 'The run in its current state', body: run } },
    errors: ['not_found'],
    example: { body: { run_id: RUN_ID }, reply: exampleRun },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await drift.get(caller.tenant, body.run_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/fleet/drift/list',
    tag: TAG,
    summary: 'List drift runs, newest first',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id.optional().describe('Runs about this blueprint only'),
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of runs', body: pageOf(run) } },
    errors: ['not_found', 'invalid_cursor'],
    example: { body: {}, reply: { items: [exampleRun], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await drift.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/fleet/drift/results',
    tag: TAG,
    summary: 'List the results of a drift run, one for each client and blueprint',
    access: 'fleet.read',
    body: z.strictObject({
      run_id: id,
      client_id: id.optional(),
      state: clientState.optional(),
      component_state: componentState
        .optional()
        .describe('Only clients with such a component, and of those only these components'),
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of results', body: pageOf(result) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { run_id: RUN_ID, state: 'drifted' },
      reply: { items: [exampleResult], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await drift.results(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/fleet/drift/accept',
    tag: TAG,
    summary: 'Accept that a client differs from its blueprint',
    description:
      'Writes what differs into the binding, as overrides: the client no longer counts as drifted for it, and ' +
      'rollouts leave it as it is. If it changes again, it is drift again. Nothing is sent to Salesforce.',
    access: 'fleet.write',
    body: z.strictObject({
      result_id: id.describe('The newest result of the client'),
      components: z
        .array(z.strictObject({ type: line(80), full_name: line(255) }))
        .min(1)
        .max(1_000)
        .optional()
        .describe('Default: all that differs'),
      note: line(1_000).optional().describe('Why'),
    }),
    replies: {
      200: {
        description: 'The binding with its overrides',
        body: z.object({ accepted: z.int(), binding }).meta({ id: 'AcceptedDrift' }),
      },
    },
    errors: ['not_found', 'bad_request', 'drift_superseded'],
    example: {
      body: {
        result_id: exampleResult.id,
        components: [{ type: 'CustomField', full_name: 'Lead.Tier__c' }],
      },
      reply: { accepted: 1, binding: exampleBinding },
    },
    handle: async ({ caller, body }) => ({ status: 200, body: await drift.accept(caller, body) }),
  }),
]

import * as z from 'zod'
import { type Caller } from '../../domain/caller.ts'
import { NAMED_MAX } from '../../domain/fleet/rollouts/controls.ts'
import { type Rollout, type Rollouts } from '../../domain/fleet/rollouts/rollouts.ts'
import { rolloutState, targetState } from '../../domain/fleet/rollouts/schemas.ts'
import { strategySchema } from '../../domain/fleet/rollouts/strategy.ts'
import { clientSelector } from '../../domain/fleet/selectors.ts'
import { planSchema } from '../../domain/plan/schema.ts'
import { workflowInput } from '../../domain/workflows/definition/schema.ts'
import { type ErrorCode } from '../../errors.ts'
import { type Reply, route, type Route } from '../route.ts'
import { replyWith } from '../running.ts'
import { approvalId, id, line, pageOf, pageRequest, timeRange, waitSeconds } from '../schemas.ts'
import { PLAN_BODY_BYTES } from './deployment-schema.ts'
import {
  exampleMatrix,
  exampleRollout,
  exampleRolloutSummary,
  exampleTarget,
  matrix,
  rollout,
  ROLLOUT_ID,
  rolloutSummary,
  target,
} from './rollout-schemas.ts'

const LINES_TYPE = 'application/x-ndjson'
const wantsLines = (accept: string | string[] | undefined): boolean =>
  [accept ?? []].flat().some((value) => value.toLowerCase().includes(LINES_TYPE))

const examplePlan = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 }],
    },
  ],
}
const CLIENT_ID = exampleTarget.client_id
const one = { rollout_id: id }
const WAITS =
  ' The call waits as long as `wait_seconds` says for the rollout to need somebody, or to end; poll with ' +
  '`/api/fleet/rollouts/get`.'
const revision = z.int().min(1).optional()
const clientIds = z.array(id).min(1).max(NAMED_MAX)

const POLL = '/api/fleet/rollouts/get'
/** 202 as long as something happens without anybody. */
const replyOf = (body: Rollout): Reply => replyWith(body, POLL, { paused: null })

const createRoutes = (rollouts: Rollouts) => {
  const replay = async (caller: Caller, rolloutId: string): Promise<Reply> =>
    replyOf(await rollouts.get(caller.tenant, rolloutId))
  const stays = async (caller: Caller, rolloutId: string): Promise<Reply> => ({
    status: 200,
    body: await rollouts.get(caller.tenant, rolloutId),
  })

  interface Spec {
    summary: string
    description: string
    errors: ErrorCode[]
    approvable?: true
    /** Of the body, beside the id. */
    example: object
  }

  /** What begins work, or lets it go on. `work` gets the body that `shape` describes. */
  const working = (
    verb: string,
    shape: z.ZodRawShape,
    { example, ...spec }: Spec,
    work: (caller: Caller, body: never, signal: AbortSignal) => Promise<Rollout>,
  ): Route =>
    route({
      method: 'POST',
      path: `/api/fleet/rollouts/${verb}`,
      tag: 'Rollouts',
      access: 'fleet.write',
      ...spec,
      body: z.strictObject({
        ...one,
        ...shape,
        ...(spec.approvable === true ? approvalId : {}),
        wait_seconds: waitSeconds,
      }),
      replies: {
        200: { description: 'The rollout has ended, or needs somebody', body: rollout },
        202: { description: 'The rollout is under way', body: rollout },
      },
      example: { body: { rollout_id: ROLLOUT_ID, ...example }, reply: exampleRollout },
      idempotency: { replay },
      handle: async ({ caller, body, context }) =>
        replyOf(await work(caller, body as never, context.signal)),
    })

  const acting = (
    verb: string,
    shape: z.ZodRawShape,
    { example, ...spec }: Spec,
    work: (caller: Caller, body: never) => Promise<Rollout>,
  ): Route =>
    route({
      method: 'POST',
      path: `/api/fleet/rollouts/${verb}`,
      tag: 'Rollouts',
      access: 'fleet.write',
      ...spec,
      body: z.strictObject({ ...one, ...shape }),
      replies: { 200: { description: 'The rollout', body: rollout } },
      example: { body: { rollout_id: ROLLOUT_ID, ...example }, reply: exampleRollout },
      idempotency: { replay: stays },
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await work(caller, body as never),
      }),
    })

  return { working, acting }
}

const createRoute = (rollouts: Rollouts): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/rollouts/create',
    tag: 'Rollouts',
    summary: 'Create a rollout: what, to whom, in which waves',
    description:
      'Freezes the list of targets; nothing is sent. What is rolled out is a version of a blueprint, or a ' +
      'plan, or workflows as they are. Without a strategy: one canary and 15 minutes, then if somebody ' +
      'approves a tenth, then if they approve again the rest; 20 side by side, no failure tolerated. Next: ' +
      '`/api/fleet/rollouts/check`.',
    access: 'fleet.write',
    bodyLimitBytes: PLAN_BODY_BYTES,
    body: z.strictObject({
      name: line(120).optional(),
      blueprint_id: id.optional(),
      version: z.int().min(1).optional().describe('Default: the newest'),
      part: z
        .enum(['plan', 'workflows'])
        .optional()
        .describe('Of a version that has both: which of them, in this rollout')
        .meta({ id: 'RolloutPart' }),
      mappings: z
        .boolean()
        .optional()
        .describe(
          'Mappings of the version are saved with its plan, or with its workflows if it has no plan; false: ' +
            'they are left out',
        ),
      plan: z
        .record(z.string(), z.unknown())
        .optional()
        .describe('Instead of a blueprint. An error in it is `400 invalid_plan` with its path')
        .meta({ describedBy: planSchema }),
      workflows: z
        .array(z.record(z.string(), z.unknown()).meta({ describedBy: workflowInput }))
        .min(1)
        .max(200)
        .optional()
        .describe('Instead of a blueprint: workflows as for `/api/workflows/deploy`'),
      targets: clientSelector,
      strategy: strategySchema.optional(),
    }),
    replies: { 201: { description: 'The rollout, a draft', body: rollout } },
    errors: ['not_found', 'bad_request', 'invalid_plan', 'client_inactive', 'blueprint_archived'],
    example: {
      body: {
        name: exampleRollout.name,
        plan: examplePlan,
        targets: { tags: { plan: 'premium' } },
        strategy: {
          waves: [
            { name: 'canary', count: 1, soak_seconds: 900 },
            { name: 'rest', gate: 'manual' },
          ],
        },
      },
      reply: { ...exampleRollout, state: 'draft', revision: 1, counts: { pending: 40 } },
    },
    idempotency: {
      replay: async (caller, rolloutId) => ({
        status: 201,
        body: await rollouts.get(caller.tenant, rolloutId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await rollouts.create(caller, body),
    }),
  })

const readRoutes = (rollouts: Rollouts): Route[] => [
  route({
    method: 'POST',
    path: '/api/fleet/rollouts/get',
    tag: 'Rollouts',
    summary: 'Get a rollout',
    description: 'From its account: how many targets of each wave are in each state.',
    access: 'fleet.read',
    body: z.strictObject(one),
    replies: { 200: { description: 'The rollout', body: rollout } },
    errors: ['not_found'],
    example: { body: { rollout_id: ROLLOUT_ID }, reply: exampleRollout },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await rollouts.get(caller.tenant, body.rollout_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/fleet/rollouts/list',
    tag: 'Rollouts',
    summary: 'List rollouts, newest first',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id.optional(),
      client_id: id.optional().describe('Rollouts that have this client as a target'),
      state: rolloutState.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of rollouts', body: pageOf(rolloutSummary) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { state: 'ready' },
      reply: { items: [exampleRolloutSummary], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await rollouts.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/fleet/rollouts/targets',
    tag: 'Rollouts',
    summary: 'List the targets of a rollout, the first wave first',
    description:
      'With `Accept: application/x-ndjson` all targets are streamed, one a line; `limit` and `cursor` do ' +
      'not apply then.',
    access: 'fleet.read',
    body: z.strictObject({
      ...one,
      state: targetState.optional(),
      wave: z.int().min(1).optional(),
      code: line(120)
        .optional()
        .describe('Of its error or of a finding, or why it is blocked or waits'),
      ...pageRequest,
    }),
    replies: {
      200: {
        description: 'A page of targets',
        body: pageOf(target),
        streamedAs: { mediaType: LINES_TYPE, line: target },
      },
    },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { rollout_id: ROLLOUT_ID, state: 'ready' },
      reply: { items: [exampleTarget], next_cursor: null },
    },
    handle: async ({ caller, body, context }) =>
      wantsLines(context.headers.accept)
        ? {
            status: 200,
            body: await rollouts.targetLines(caller.tenant, {
              rollout_id: body.rollout_id,
              state: body.state,
              wave: body.wave,
              code: body.code,
            }),
            mediaType: LINES_TYPE,
          }
        : { status: 200, body: await rollouts.targets(caller.tenant, body) },
  }),
  route({
    method: 'POST',
    path: '/api/fleet/rollouts/matrix',
    tag: 'Rollouts',
    summary: 'Get what the checks have found, by finding and number of clients',
    description:
      'One change of the blueprint frees so many clients. With the calls and minutes that the rollout is ' +
      'estimated to take, and the `revision` that `start` takes.',
    access: 'fleet.read',
    body: z.strictObject(one),
    replies: { 200: { description: 'The matrix', body: matrix } },
    errors: ['not_found'],
    example: { body: { rollout_id: ROLLOUT_ID }, reply: exampleMatrix },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await rollouts.matrix(caller.tenant, body.rollout_id),
    }),
  }),
]

const CONTROL: ErrorCode[] = ['not_found', 'rollout_state_conflict']

type Makers = ReturnType<typeof createRoutes>

const beginningRoutes = (rollouts: Rollouts, { working }: Makers): Route[] => [
  working(
    'check',
    {
      client_ids: clientIds
        .optional()
        .describe('Only these; default: all of waves that have not begun'),
      refresh: z.boolean().optional().describe('Pull the topology of each client first'),
    },
    {
      summary: 'Check the targets of a rollout',
      description:
        'Makes a conflict report for each target of a wave that has not begun, also for those checked ' +
        'before, with the values and the accepted drift that its binding has now; a blocked one of a wave ' +
        'that has begun needs `retry`. A client without a snapshot is ' +
        'pulled first. Changes nothing in Salesforce.' +
        WAITS,
      errors: [...CONTROL, 'bad_request'],
      example: {},
    },
    (caller, body, signal) => rollouts.check(caller, body, signal),
  ),
  working(
    'start',
    {
      revision: revision.describe('Of the rollout or the matrix that the person was shown'),
    },
    {
      summary: 'Start a rollout',
      description:
        'Refused with `409 confirmation_stale`, and what it is, while a target of the first wave is ' +
        'unchecked, its report is older than 24 hours, or anything that was shown has changed, also the ' +
        'binding of a target of any wave (`binding_changed`, `binding_removed`); with ' +
        '`409 conflicts_found` while a target of the first wave is blocked.' +
        WAITS,
      approvable: true,
      errors: [...CONTROL, 'confirmation_stale', 'conflicts_found'],
      example: { revision: 2 },
    },
    (caller, body, signal) => rollouts.start(caller, body, signal),
  ),
]

/** What sends more, or takes back what was sent. */
const sendingRoutes = (rollouts: Rollouts, { working }: Makers): Route[] => [
  working(
    'resume',
    {
      revision: revision.describe(
        'Of the rollout, as you saw it. Refused if a target was checked, skipped or excluded since',
      ),
    },
    {
      summary: 'Resume a paused rollout',
      description:
        'Also one that paused because of failures: those so far were seen, and no longer count against ' +
        'the tolerance. What failed while a person had paused it counts. A wave that waits for an approval needs ' +
        '`approve`. Refused with `409 confirmation_stale` while the binding of a target that has not begun ' +
        'was changed or removed since its check.' +
        WAITS,
      approvable: true,
      errors: [...CONTROL, 'confirmation_stale'],
      example: { revision: 3 },
    },
    (caller, body, signal) => rollouts.resume(caller, body, signal),
  ),
  working(
    'retry',
    {
      client_ids: clientIds
        .optional()
        .describe(
          'Failed, blocked, skipped, rolled back, queued or waiting ones; default: all failed and blocked. One whose ' +
            'deployment was applied, or perhaps was, has to be rolled back first: `deployment_left`',
        ),
      revision: revision.describe(
        'Of the rollout, as you saw it: what the last report of each of these targets says is accepted. ' +
          'Refused if one was checked again since',
      ),
    },
    {
      summary: 'Try targets again',
      description:
        'Each is checked once more, with what its binding says now, and goes with its own wave if that has not begun, else with the one that is ' +
        'open or comes next. A rollout that has ' +
        'ended runs again. A target whose new report says what nobody was shown stays `blocked` with ' +
        '`drifted`, and its `error` names it: look at the report, then retry with the `revision`. In a wave ' +
        'that needs an approval, `approve` takes the `revision` instead.' +
        WAITS,
      approvable: true,
      errors: [...CONTROL, 'bad_request', 'confirmation_stale'],
      example: { client_ids: [CLIENT_ID] },
    },
    (caller, body, signal) => rollouts.retry(caller, body, signal),
  ),
  working(
    'approve',
    {
      wave: z.int().min(1).optional().describe('The wave that is meant; another one is refused'),
      revision: revision.describe(
        'Of the rollout, as you saw it: what the last reports of the wave say is accepted. Refused if a ' +
          'target was checked, skipped or excluded since',
      ),
    },
    {
      summary: 'Approve the next wave',
      description:
        'For a rollout that is paused with `gate`. Refused while a target of the wave is blocked or ' +
        'unchecked: repair it and check again, or skip it. Without `revision` also, with ' +
        '`409 confirmation_stale`, while a target was checked after the start and its report says more than ' +
        'the one before; and while the binding of one that has not begun was changed or removed since its check.' +
        WAITS,
      approvable: true,
      errors: [...CONTROL, 'confirmation_stale', 'conflicts_found'],
      example: { wave: 2, revision: 3 },
    },
    (caller, body, signal) => rollouts.approve(caller, body, signal),
  ),
  working(
    'rollback',
    {
      dry_run: z
        .boolean()
        .optional()
        .describe('Shows in `rollback_preview` what would go, stay and be lost'),
      allow_data_loss: z.boolean().optional(),
    },
    {
      summary: 'Roll a rollout back',
      description:
        'Rolls back exactly the deployments of this rollout, the last wave first, each with its proof; see ' +
        'the targets. One that would lose data is `rollback_partial` with the rows, unless ' +
        '`allow_data_loss`; the others go on.' +
        WAITS,
      approvable: true,
      errors: [...CONTROL, 'not_rollbackable'],
      example: { dry_run: true },
    },
    (caller, body, signal) => rollouts.rollback(caller, body, signal),
  ),
]

/** What sends nothing. */
const holdingRoutes = (rollouts: Rollouts, { acting }: Makers): Route[] => [
  acting(
    'pause',
    {},
    {
      summary: 'Pause a rollout',
      description:
        'Nothing is sent after this on any replica; what was sent before ends. What was begun and not sent ' +
        'is cancelled, and begun anew after `resume`.',
      errors: CONTROL,
      example: {},
    },
    (caller, body) => rollouts.pause(caller, body),
  ),
  acting(
    'stop',
    {},
    {
      summary: 'Stop a rollout for good',
      description:
        'What was sent ends; all other targets are skipped. What is in place stays, until it is rolled back.',
      errors: CONTROL,
      example: {},
    },
    (caller, body) => rollouts.stop(caller, body),
  ),
  acting(
    'skip',
    { client_ids: clientIds, reason: line(500) },
    {
      summary: 'Leave targets out, with the reason',
      description:
        'Before the start they are excluded, after it skipped. A target whose deployment is under way ' +
        'cannot be left out.',
      errors: [...CONTROL, 'bad_request'],
      example: { client_ids: [CLIENT_ID], reason: 'The client wants to wait until January.' },
    },
    (caller, body) => rollouts.skip(caller, body),
  ),
]

export const rolloutRoutes = ({ rollouts }: { rollouts: Rollouts }): Route[] => {
  const makers = createRoutes(rollouts)
  return [
    createRoute(rollouts),
    ...beginningRoutes(rollouts, makers),
    ...readRoutes(rollouts),
    ...holdingRoutes(rollouts, makers),
    ...sendingRoutes(rollouts, makers),
  ]
}

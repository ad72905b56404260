// The shapes of rollouts.

import * as z from 'zod'
import {
  BLOCKED_REASONS,
  MAPPING_ACTIONS,
  WAITING_REASONS,
} from '../../domain/fleet/rollouts/model.ts'
import { parameterValues } from '../../domain/fleet/blueprints/parameters.ts'
import {
  pauseReason,
  rolloutGate,
  rolloutMode,
  rolloutState,
  targetCounts,
  targetState,
} from '../../domain/fleet/rollouts/schemas.ts'
import { id, progress, timestamp, workFault } from '../schemas.ts'

const severity = z.enum(['green', 'yellow', 'red']).meta({ id: 'ConflictSeverity' })

const count = z.int().min(0)
const wave = z
  .object({
    position: z.int(),
    name: z.string(),
    state: z.enum(['pending', 'open', 'closed']).meta({ id: 'RolloutWaveState' }),
    targets: count,
    counts: targetCounts,
    max_concurrent: z.int(),
    failure_tolerance: count,
    soak_seconds: count,
    gate: rolloutGate,
    approved_by: id.nullable(),
    approved_at: timestamp.nullable(),
    opened_at: timestamp.nullable(),
    closed_at: timestamp.nullable(),
  })
  .meta({ id: 'RolloutWave' })

export const rolloutSummary = z
  .object({
    id,
    name: z.string().nullable(),
    kind: z.enum(['custom_objects', 'workflows']).meta({ id: 'RolloutKind' }),
    blueprint_id: id.nullable(),
    version: z.int().nullable(),
    with_mappings: z
      .boolean()
      .describe('The mappings of the version are saved for each client that is in place'),
    state: rolloutState,
    pause_reason: pauseReason.nullable(),
    pause_detail: z
      .record(z.string(), z.union([z.string(), z.number()]).meta({ id: 'RolloutPauseFact' }))
      .nullable()
      .describe('The wave, and counts or codes that say why'),
    paused_until: timestamp.nullable(),
    is_final: z
      .boolean()
      .describe('True unless something happens without anybody: stop polling then'),
    revision: z
      .int()
      .describe(
        'Counts what a person is shown: verdicts, exclusions. `start`, `approve`, `resume` and `retry` take it',
      ),
    targets: count,
    counts: targetCounts,
    progress,
    created_by: id.nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    rolled_back_at: timestamp.nullable(),
  })
  .meta({ id: 'RolloutSummary' })

const lostData = z
  .object({ client_id: id, name: z.string(), rows: count.nullable() })
  .meta({ id: 'RolloutDataLoss' })

export const rollout = rolloutSummary
  .extend({
    mode: rolloutMode,
    accept: z.array(z.literal('yellow')),
    window: z
      .object({ from: z.string(), to: z.string(), zone: z.string() })
      .meta({ id: 'RolloutDeliveryWindow' })
      .nullable(),
    connection_grace_seconds: z.int(),
    waves: z.array(wave),
    rollback_preview: z
      .object({
        state: z.enum(['running', 'complete']).meta({ id: 'RolloutPreviewState' }),
        targets: count.describe('Whose dry run has ended'),
        removed: count,
        restored: count,
        kept: count.describe('What others changed since'),
        remaining: count.describe('What cannot be rolled back'),
        data: z.array(lostData).describe('Rows that would lose values; null: unknown many'),
        failed: z
          .array(
            z.object({ client_id: id, code: z.string() }).meta({ id: 'RolloutPreviewFailure' }),
          )
          .describe('Targets whose dry run failed'),
        mappings: z
          .object({
            removed: count,
            restored: count,
            kept: count.describe('Changed by somebody since'),
          })
          .describe('Of the mappings that came with it: what a rollback would do with them')
          .meta({ id: 'RolloutMappingTotals' }),
      })
      .nullable()
      .describe('What a rollback would do, by its last dry run')
      .meta({ id: 'RolloutRollbackPreview' }),
  })
  .meta({ id: 'Rollout' })

const targetRollback = z
  .object({
    status: z.string(),
    removed: count,
    restored: count,
    kept: count,
    remaining: count,
    data: z.array(
      z.object({ name: z.string(), rows: count.nullable() }).meta({ id: 'RolloutTargetDataLoss' }),
    ),
    proof: z
      .object({ complete: z.boolean(), differences: count })
      .nullable()
      .describe('The reading after the rollback, compared with what was there before the deploy')
      .meta({ id: 'RolloutTargetProof' }),
    error: workFault.nullable(),
  })
  .meta({ id: 'RolloutTargetRollback' })

const targetMapping = z
  .object({
    canonical_object: z.string(),
    mapping_id: id,
    action: z
      .enum(MAPPING_ACTIONS)
      .describe(
        'After a rollback: `removed`, `restored`, or `kept` because somebody changed it since',
      )
      .meta({ id: 'RolloutMappingAction' }),
    version: z.int().describe('As the rollout left it'),
    version_before: z.int().nullable().describe('null: there was none, or it is the same'),
  })
  .meta({ id: 'RolloutTargetMapping' })

export const target = z
  .object({
    id,
    client_id: id,
    client_name: z.string(),
    wave: z.int(),
    state: targetState,
    reason: z
      .enum([...BLOCKED_REASONS, ...WAITING_REASONS])
      .meta({ id: 'RolloutTargetReason' })
      .nullable()
      .describe('Why it is blocked, or what it waits for'),
    error: workFault.nullable(),
    is_failure: z.boolean().describe('Whether it counts against the tolerance of its wave'),
    severity: severity.nullable(),
    checked_at: timestamp.nullable(),
    conflict_report_id: id.nullable(),
    deployment_id: id.nullable(),
    parameters: parameterValues
      .nullable()
      .describe(
        'Values of its binding that it was checked with, and gets; null: the rollout is of no blueprint',
      ),
    mappings: z
      .array(targetMapping)
      .nullable()
      .describe('What became of the mappings of the version; null: none were saved'),
    waiting_since: timestamp.nullable(),
    next_try_at: timestamp.nullable(),
    decided_by: id
      .nullable()
      .describe(
        'Who skipped or excluded it; null: nobody. When its turn comes, a client whose binding was removed or ' +
          'is pinned to another version is skipped, and `decision` says which',
      ),
    decision: z.string().nullable().describe('Why'),
    rollback: targetRollback.nullable(),
    rollback_preview: targetRollback.nullable(),
    updated_at: timestamp,
  })
  .meta({ id: 'RolloutTarget' })

const severityCounts = z
  .object({ green: count, yellow: count, red: count, unchecked: count })
  .meta({ id: 'RolloutSeverities' })

export const matrix = z
  .object({
    rollout_id: id,
    revision: z.int().describe('What `start` takes, if this is what the person was shown'),
    targets: count,
    counts: targetCounts,
    severities: severityCounts,
    findings: z.array(
      z
        .object({
          code: z.string(),
          severity: z.enum(['yellow', 'red']).meta({ id: 'RolloutFindingSeverity' }),
          clients: count.describe('How many clients have it'),
          frees: count.describe(
            'How many clients have nothing else that keeps the rollout from them',
          ),
          client_ids: z.array(id).describe('At most 200 of them'),
          components: z
            .array(
              z
                .object({ type: z.string(), full_name: z.string() })
                .meta({ id: 'RolloutFindingComponent' }),
            )
            .describe('What it is about, at most 20 of them'),
        })
        .meta({ id: 'RolloutFinding' }),
    ),
    blocked: z.array(
      z
        .object({ reason: z.string(), clients: count, client_ids: z.array(id) })
        .meta({ id: 'RolloutBlocked' }),
    ),
    estimate: z
      .object({
        api_calls: count.describe('Salesforce calls of all deployments'),
        minutes: count.describe('By the waves, with a minute and a half for each deployment'),
      })
      .meta({ id: 'RolloutEstimate' }),
  })
  .meta({ id: 'RolloutMatrix' })

export const ROLLOUT_ID = '0199a1b2-0000-7000-8000-0000000000f1'
const CLIENT_ID = '0199a1b2-0000-7000-8000-0000000000c1'
const USER_ID = '0199a1b2-0000-7000-8000-0000000000a1'

const exampleSummary = {
  id: ROLLOUT_ID,
  name: 'Job data, spring',
  kind: 'custom_objects',
  blueprint_id: null,
  version: null,
  with_mappings: false,
  state: 'ready',
  pause_reason: null,
  pause_detail: null,
  paused_until: null,
  is_final: true,
  revision: 2,
  targets: 40,
  counts: { ready: 40 },
  progress: { stage: 'ready', done: 40, total: 40 },
  created_by: USER_ID,
  created_at: '2026-11-20T09:00:00.000Z',
  started_at: null,
  finished_at: null,
  rolled_back_at: null,
}

const exampleWave = {
  position: 1,
  name: 'canary',
  state: 'pending',
  targets: 1,
  counts: { ready: 1 },
  max_concurrent: 20,
  failure_tolerance: 0,
  soak_seconds: 900,
  gate: 'auto',
  approved_by: null,
  approved_at: null,
  opened_at: null,
  closed_at: null,
}

export const exampleRolloutSummary = exampleSummary
export const exampleRollout = {
  ...exampleSummary,
  mode: 'strict',
  accept: [],
  window: null,
  connection_grace_seconds: 86_400,
  waves: [
    exampleWave,
    {
      ...exampleWave,
      position: 2,
      name: 'rest',
      targets: 39,
      counts: { ready: 39 },
      soak_seconds: 0,
      gate: 'manual',
    },
  ],
  rollback_preview: null,
}

export const exampleTarget = {
  id: '0199a1b2-0000-7000-8000-0000000000f2',
  client_id: CLIENT_ID,
  client_name: 'Acme Staffing',
  wave: 1,
  state: 'ready',
  reason: null,
  error: null,
  is_failure: false,
  severity: 'green',
  checked_at: '2026-11-20T09:00:20.000Z',
  conflict_report_id: '0199a1b2-0000-7000-8000-0000000000e1',
  deployment_id: null,
  parameters: null,
  mappings: null,
  waiting_since: null,
  next_try_at: null,
  decided_by: null,
  decision: null,
  rollback: null,
  rollback_preview: null,
  updated_at: '2026-11-20T09:00:20.000Z',
}

export const exampleMatrix = {
  rollout_id: ROLLOUT_ID,
  revision: 2,
  targets: 40,
  counts: { ready: 12, blocked: 28 },
  severities: { green: 12, yellow: 0, red: 28, unchecked: 0 },
  findings: [
    {
      code: 'field_type_changed',
      severity: 'red',
      clients: 28,
      frees: 27,
      client_ids: [CLIENT_ID],
      components: [{ type: 'CustomField', full_name: 'Lead.Job_Title__c' }],
    },
  ],
  blocked: [{ reason: 'red', clients: 28, client_ids: [CLIENT_ID] }],
  estimate: { api_calls: 480, minutes: 20 },
}

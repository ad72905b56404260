// Long work as an agent sees it: one shape each for a check, a deployment and a push, whoever asks.

import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { type Report } from '../domain/conflicts/reports.ts'
import { type Deployment } from '../domain/deployments/deployments.ts'
import { type Push } from '../domain/pushes/pushes.ts'
import { named, nameMembers, untrusted, untrustedText } from './untrusted.ts'

/** So many of what could be thousands; the counts beside them are complete. */
const LISTED_MAX = 40

export const KINDS = ['check', 'deployment', 'push'] as const
export type OperationKind = (typeof KINDS)[number]

const operation = {
  kind: z.enum(KINDS),
  id: z.uuid().describe('For get_operation'),
  status: z.string(),
  is_final: z.boolean().describe('False: ask get_operation until it is true'),
  error: z
    .object({ code: z.string(), waiting: z.boolean(), untrusted_message: untrustedText })
    .nullable(),
}

const errorOf = (error: { code: string; message: string; waiting?: unknown } | null | undefined) =>
  error === null || error === undefined
    ? null
    : {
        code: error.code,
        waiting: error.waiting !== undefined,
        untrusted_message: untrusted(error.message),
      }

export const checkResult = z.object({
  ...operation,
  plan_hash: z.string(),
  severity: z.enum(['green', 'yellow', 'red']).nullable(),
  counts: z.object({ green: z.number(), yellow: z.number(), red: z.number() }),
  snapshot_version: z.number().nullable(),
  api_calls: z.number().describe('How many Salesforce calls the deploy would take'),
  findings: z
    .array(
      z.object({
        severity: z.string(),
        code: z.string().describe('Explained at /docs/errors/CODE'),
        path: z.string().describe('In the plan'),
        type: z.string(),
        ...nameMembers,
        untrusted_message: untrustedText,
      }),
    )
    .describe('Yellow and red ones, worst first'),
  not_reversible: z
    .array(z.object({ type: z.string(), ...nameMembers, level: z.string() }))
    .describe('What a rollback could not restore, or only with a loss of data'),
})

export const checkOf = (report: Report): z.input<typeof checkResult> => ({
  kind: 'check',
  id: report.id,
  status: report.status,
  is_final: report.is_final,
  error: errorOf(report.error),
  plan_hash: report.plan_hash,
  severity: report.severity,
  counts: report.counts,
  snapshot_version: report.snapshot_version,
  api_calls: report.api_call_estimate,
  findings: report.findings
    .filter(({ severity }) => severity !== 'green')
    .slice(0, LISTED_MAX)
    .map(({ severity, code, path, component, message }) => ({
      severity,
      code,
      path,
      type: component.type,
      ...named(component.full_name),
      untrusted_message: untrusted(message),
    })),
  not_reversible: report.reversibility
    .filter(({ level }) => level !== 'reversible')
    .slice(0, LISTED_MAX)
    .map(({ component, level }) => ({
      type: component.type,
      ...named(component.full_name),
      level,
    })),
})

export const rollbackShape = z.object({
  status: z.string(),
  removed: z.array(z.object({ type: z.string(), ...nameMembers })),
  restored: z.array(z.object({ type: z.string(), ...nameMembers })),
  kept: z.array(z.object({ type: z.string(), ...nameMembers, untrusted_reason: untrustedText })),
  remaining: z.array(
    z.object({ type: z.string(), ...nameMembers, untrusted_reason: untrustedText }),
  ),
  data_lost: z
    .array(z.object({ ...nameMembers, rows: z.number().nullable() }))
    .describe('Filled rows that would go; rows null: not known'),
  proven: z
    .boolean()
    .nullable()
    .describe('Whether a second reading equals the state before; null: not read'),
})

type RollbackShape = z.input<typeof rollbackShape>

export const rollbackOf = (rollback: NonNullable<Deployment['rollback']>): RollbackShape => {
  const plain = ({ type, full_name }: { type: string; full_name: string }) => ({
    type,
    ...named(full_name),
  })
  const explained = (one: { type: string; full_name: string; reason: string }) => ({
    ...plain(one),
    untrusted_reason: untrusted(one.reason),
  })
  return {
    status: rollback.status,
    removed: rollback.removed.slice(0, LISTED_MAX).map(plain),
    restored: rollback.restored.slice(0, LISTED_MAX).map(plain),
    kept: rollback.kept.slice(0, LISTED_MAX).map(explained),
    remaining: rollback.remaining.slice(0, LISTED_MAX).map(explained),
    data_lost: rollback.data
      .slice(0, LISTED_MAX)
      .map(({ name, rows }) => ({ ...named(name), rows })),
    proven: rollback.proof?.complete ?? null,
  }
}

export const deploymentResult = z.object({
  ...operation,
  components_count: z.number(),
  components: z
    .array(
      z.object({
        type: z.string(),
        ...nameMembers,
        action: z.string(),
        reversibility: z.string(),
        success: z.boolean().nullable(),
        untrusted_problem: untrustedText,
      }),
    )
    .describe('Failed ones first'),
  rollback: rollbackShape.nullable(),
})

export const deploymentOf = (deployment: Deployment): z.input<typeof deploymentResult> => ({
  kind: 'deployment',
  id: deployment.id,
  status: deployment.status,
  is_final: deployment.is_final,
  error: errorOf(deployment.error ?? deployment.rollback?.error),
  components_count: deployment.components.length,
  components: deployment.components
    .toSorted((a, b) => Number(a.success ?? true) - Number(b.success ?? true))
    .slice(0, LISTED_MAX)
    .map((one) => ({
      type: one.type,
      ...named(one.full_name),
      action: one.action,
      reversibility: one.reversibility,
      success: one.success,
      untrusted_problem: untrusted(one.problem?.message),
    })),
  rollback: deployment.rollback === null ? null : rollbackOf(deployment.rollback),
})

export const pushResult = z.object({
  ...operation,
  dry_run: z.boolean(),
  total: z.number(),
  processed: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  created: z.number(),
  updated: z.number(),
})

export const pushOf = (push: Push): z.input<typeof pushResult> => ({
  kind: 'push',
  id: push.id,
  status: push.status,
  is_final: push.is_final,
  error: errorOf(push.error),
  dry_run: push.dry_run,
  total: push.total,
  processed: push.processed,
  succeeded: push.succeeded,
  failed: push.failed,
  created: push.created_count,
  updated: push.updated_count,
})

const FIRST_LOOK_MS = 500
const LOOK_MS_MAX = 5_000

/** Looks until the work has ended or the time is over, and returns what it saw last. */
export const awaited = async <Work extends { is_final: boolean }>(
  look: () => Promise<Work>,
  seconds: number,
  signal: AbortSignal,
): Promise<Work> => {
  const until = Date.now() + seconds * 1000
  for (let ms = FIRST_LOOK_MS; ; ms = Math.min(ms * 2, LOOK_MS_MAX)) {
    const work = await look()
    const left = until - Date.now()
    if (work.is_final || left <= 0) return work
    await pause(Math.min(ms, left), undefined, { signal })
  }
}

// What a target gets: the plan or the workflows of its rollout, with the client's own values filled in.

import { type Tenant, type Tx } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { parsePlan } from '../../plan/check.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import { workflowsHash } from '../../workflows/workflow.ts'
import { type RolloutRow, type TargetRow } from './rows.ts'

/** As the body of a check or of a deployment has it. */
export type Content =
  | { plan: Record<string, unknown> }
  | { workflows: readonly Record<string, unknown>[] }

/** What a new rollout is to bring, as it was asked for. */
export type Source =
  | { kind: 'plan'; content: unknown }
  | { kind: 'workflows'; content: unknown }
  | {
      kind: 'blueprint'
      blueprintId: string
      version: number | null
      part: 'plan' | 'workflows' | null
    }

export interface Prepared {
  kind: RolloutRow['kind']
  blueprintId: string | null
  version: number | null
  /** Null: it is in the version. */
  content: unknown
  of(clientId: string): { planHash: string; values: unknown }
}

export interface Contents {
  /** Checks it for every client. Throws invalid_plan with the paths, not_found and bad_request. */
  prepare(tx: Tx, tenant: Tenant, source: Source, clientIds: readonly string[]): Promise<Prepared>
  of(rollout: RolloutRow, target: Pick<TargetRow, 'values'>): Promise<Content>
}

export const createContents = (): Contents => ({
  prepare: async (_tx, _tenant, source, _clientIds) => {
    if (source.kind === 'blueprint') throw new EngineError('bad_request', 'Not yet.')
    const hash =
      source.kind === 'plan'
        ? planHash(parsePlan(source.content, 'plan'))
        : workflowsHash(parseWorkflows(source.content, 'workflows'))
    return {
      kind: source.kind === 'plan' ? 'custom_objects' : 'workflows',
      blueprintId: null,
      version: null,
      content: source.content,
      of: () => ({ planHash: hash, values: null }),
    }
  },
  of: async ({ kind, content }) =>
    kind === 'workflows'
      ? { workflows: content as Record<string, unknown>[] }
      : { plan: content as Record<string, unknown> },
})

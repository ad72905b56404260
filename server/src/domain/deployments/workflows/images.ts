// The state of a deployment's automations before and after it, stored beside the other images.

import { type Reader, type Tx } from '../../../db/database.ts'
import { type FlowState, type WorkflowState } from '../../workflows/state.ts'
import { type Moment } from '../plan/images.ts'
import { type RunRow } from '../rows.ts'

/** Called inside a step of the run's journal. */
export const saveWorkflowState = async (
  tx: Tx,
  run: RunRow,
  moment: Moment,
  state: WorkflowState,
): Promise<void> => {
  const keys = { org_id: run.org_id, client_id: run.client_id, deployment_id: run.deployment_id }
  const rows = [
    ...Object.entries(state.files).map(([name, content]) => ({
      kind: 'file' as const,
      name,
      content,
    })),
    ...state.flows.map((flow) => ({
      kind: 'flow' as const,
      name: flow.api_name,
      content: JSON.stringify(flow),
    })),
  ]
  if (rows.length === 0) return
  await tx
    .insertInto('deployment_images')
    .values(rows.map((row) => ({ ...keys, moment, ...row })))
    .onConflict((conflict) =>
      conflict
        .columns(['deployment_id', 'moment', 'kind', 'name'])
        .doUpdateSet((excluded) => ({ content: excluded.ref('excluded.content') })),
    )
    .execute()
}

export const loadWorkflowState = async (
  reader: Reader,
  run: Pick<RunRow, 'org_id' | 'deployment_id'>,
  moment: Moment,
): Promise<WorkflowState> => {
  const rows = await reader
    .selectFrom('deployment_images')
    .select(['kind', 'name', 'content'])
    .where('org_id', '=', run.org_id)
    .where('deployment_id', '=', run.deployment_id)
    .where('moment', '=', moment)
    .execute()
  return {
    flows: rows
      .filter(({ kind }) => kind === 'flow')
      .map(({ content }) => JSON.parse(content) as FlowState),
    files: Object.fromEntries(
      rows.filter(({ kind }) => kind === 'file').map(({ name, content }) => [name, content]),
    ),
  }
}

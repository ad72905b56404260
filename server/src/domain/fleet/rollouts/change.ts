// What a rollout changes, for the person who approves it.

import { type ApprovalAction, type Change, plainName } from '../../approvals/change.ts'
import { type RolloutRow, type WaveRow } from './rows.ts'

const what = ({
  kind,
  blueprint_id: blueprint,
  version,
  with_mappings: mapped,
  id,
}: RolloutRow): string => {
  const content = kind === 'workflows' ? 'workflows' : 'a plan'
  return blueprint === null
    ? `rollout ${id} of ${content}`
    : `rollout ${id} of version ${version} of blueprint ${blueprint}${mapped ? ', with its mappings' : ''}`
}

const counted = (count: number): string => `${count} client${count === 1 ? '' : 's'}`

const waveLine = ({ position, name, targets_total, gate, failure_tolerance }: WaveRow): string =>
  `Wave ${position}, ${plainName(name)}: ${counted(targets_total)}, ` +
  `${gate === 'manual' ? 'after an approval of its own' : 'by itself'}, up to ${failure_tolerance} failures`

const VERBS: Readonly<Record<RolloutAction, string>> = {
  rollout_start: 'Starts',
  rollout_resume: 'Goes on with',
  rollout_approve: 'Begins the next wave of',
  rollout_retry: 'Tries targets again of',
  rollout_rollback: 'Rolls back everything that was deployed by',
}

export type RolloutAction = Extract<ApprovalAction, `rollout_${string}`>

export const rolloutChange = (
  action: RolloutAction,
  row: RolloutRow,
  waves: readonly WaveRow[],
  request: object,
): Change => ({
  action,
  clientId: null,
  request: { rollout_id: row.id, ...request },
  restsOn: {
    rollout_id: row.id,
    rollout_revision: row.revision,
    rollout_state: row.state,
    pause_reason: row.pause_reason,
    wave: waves.find(({ state }) => state !== 'closed')?.position ?? null,
  },
  words: [
    `${VERBS[action]} ${what(row)}`,
    `${counted(row.targets_total)} in ${waves.length} wave${waves.length === 1 ? '' : 's'}`,
    ...waves.map(waveLine),
    ...(action === 'rollout_rollback' && 'allow_data_loss' in request
      ? [
          request.allow_data_loss === true
            ? 'Values and records that it holds may be deleted'
            : 'Nothing that holds data is deleted',
        ]
      : []),
  ],
})

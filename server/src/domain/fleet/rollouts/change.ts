// What a rollout changes, for the person who approves it.

import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import {
  type ApprovalAction,
  type Change,
  listed,
  listedComponents,
  plainName,
  YELLOW_ACCEPTED,
} from '../../approvals/change.ts'
import { type Component, keyOf } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { componentsOf } from '../../plan/components.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import { type Content, type Contents } from './contents.ts'
import { isSettled, TARGET_STATES, tellsFailures } from './model.ts'
import { type RolloutRow, type TargetRow, type WaveRow } from './rows.ts'
import { LEFT_TO_UNDO } from './undo.ts'

export type RolloutAction = Extract<ApprovalAction, `rollout_${string}`>

/** A target that something is done to. */
export interface Affected extends Pick<TargetRow, 'id' | 'plan_hash' | 'values'> {
  client_name: string
  /** It has failed, and nobody has said yet that this was seen. */
  is_open_failure: boolean
}

const ONGOING = TARGET_STATES.filter((state) => !isSettled(state))
const OPEN_FAILURE = sql<boolean>`(t.is_failure and not t.is_acknowledged)`

const nextWave = (waves: readonly WaveRow[]): WaveRow | undefined =>
  waves.find(({ state }) => state !== 'closed')

/** The targets that the action is about, in their order. `retried`: those of a retry. */
export const affectedBy = async (
  tx: Tx,
  action: RolloutAction,
  { org_id: orgId, id }: RolloutRow,
  waves: readonly WaveRow[],
  retried: readonly { id: string }[],
): Promise<Affected[]> => {
  const conditions: Readonly<Record<RolloutAction, RawBuilder<unknown>>> = {
    rollout_start: sql`t.state <> 'excluded'`,
    rollout_resume: sql`(t.state = any(${ONGOING}::text[]) or ${OPEN_FAILURE})`,
    rollout_approve: sql`t.wave = ${nextWave(waves)?.position ?? 0} and t.state = any(${ONGOING}::text[])`,
    rollout_retry: sql`t.id = any(${retried.map((target) => target.id)}::uuid[])`,
    rollout_rollback: LEFT_TO_UNDO,
  }
  const { rows } = await sql<Affected>`
    select t.id, t.plan_hash, t.values, c.name as client_name, ${OPEN_FAILURE} as is_open_failure
      from rollout_targets t join clients c on c.org_id = t.org_id and c.id = t.client_id
     where t.org_id = ${orgId} and t.rollout_id = ${id} and ${conditions[action]}
     order by t.position`.execute(tx)
  return rows
}

/**
 * What an approval rests on. Of a resumed rollout, those that have failed: whoever resumes it says that they were
 * seen, and what else goes on may end meanwhile.
 */
export const basisOf = (
  action: RolloutAction,
  row: RolloutRow,
  waves: readonly WaveRow[],
  affected: readonly Affected[],
): Change['restsOn'] => {
  const bound = affected.filter((one) => action !== 'rollout_resume' || one.is_open_failure)
  const ids = bound.map(({ id }) => id).toSorted()
  return {
    rollout_id: row.id,
    rollout_revision: row.revision,
    rollout_state: row.state,
    pause_reason: row.pause_reason,
    wave: nextWave(waves)?.position ?? null,
    targets_hash: createHash('sha256').update(ids.join(' ')).digest('hex'),
  }
}

const namesIn = (content: Content): Component[] =>
  'plan' in content
    ? componentsOf(parsePlan(content.plan, 'plan'))
    : parseWorkflows(content.workflows, 'workflows').map(({ type, api_name: fullName }) => ({
        type,
        fullName,
      }))

/** Clients differ in what they accepted as drift; names that only later ones have are not looked for. */
const CONTENTS_READ = 20

/** What these targets get, each component once. */
export const componentsFor = async (
  contents: Pick<Contents, 'of'>,
  row: RolloutRow,
  affected: readonly Affected[],
): Promise<Component[]> => {
  const unlike = new Map(affected.map((target) => [target.plan_hash, target]))
  unlike.delete('') // nothing is brought to it
  const found = new Map<string, Component>()
  for (const target of [...unlike.values()].slice(0, CONTENTS_READ)) {
    for (const one of namesIn(await contents.of(row, target))) {
      found.set(keyOf(one), one)
    }
  }
  return [...found.values()]
}

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

const counted = (count: number, noun = 'client'): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

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

const clientLine = ({ client_name: name, is_open_failure: failed }: Affected): string =>
  `Client ${plainName(name)}${failed ? ', which has failed' : ''}`

/** The action in words: what is deployed or rolled back, where, and what is accepted with it. */
export const rolloutChange = (
  action: RolloutAction,
  row: RolloutRow,
  waves: readonly WaveRow[],
  request: object,
  affected: readonly Affected[],
  components: readonly Component[],
): Change => ({
  action,
  clientId: null,
  request: { rollout_id: row.id, ...request },
  restsOn: basisOf(action, row, waves, affected),
  words: [
    `${VERBS[action]} ${what(row)}`,
    `${counted(row.targets_total)} in ${counted(waves.length, 'wave')}`,
    ...waves.map(waveLine),
    ...(action === 'rollout_rollback' && 'allow_data_loss' in request
      ? [
          request.allow_data_loss === true
            ? 'Values and records that it holds may be deleted'
            : 'Nothing that holds data is deleted',
        ]
      : []),
    ...(action !== 'rollout_rollback' && row.accepts_yellow ? [YELLOW_ACCEPTED] : []),
    ...('revision' in request ? ['What the last report of each client says is accepted'] : []),
    ...(action === 'rollout_resume' &&
    tellsFailures(row.pause_reason) &&
    affected.some((one) => one.is_open_failure)
      ? ['Failures so far no longer count against the tolerance']
      : []),
    `This is about ${counted(affected.length)}, and ${counted(components.length, 'component')}`,
    ...listed(affected.map(clientLine)),
    ...listedComponents(components),
  ],
})

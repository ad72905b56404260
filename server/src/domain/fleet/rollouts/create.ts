// A new rollout: what it brings, to whom, in which waves. The list of targets is frozen here; clients that fit
// the selector later are not in it.

import { type Tx, type Database } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { isStorable, json, jsonOrNull } from '../../../db/json.ts'
import { EngineError } from '../../../errors.ts'
import { actorOf, audit } from '../../audit.ts'
import { type Caller } from '../../caller.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { type ClientSelector, requireSome, selectClients } from '../selectors.ts'
import { type Contents, type Source } from './contents.ts'
import { DEFAULT_STRATEGY, planWaves, type PlannedWave, type Strategy } from './strategy.ts'

export interface CreateInput {
  name?: string | undefined
  blueprint_id?: string | undefined
  version?: number | undefined
  /** Of a version that holds both. */
  part?: 'plan' | 'workflows' | undefined
  /** False: those of the version are left out. */
  mappings?: boolean | undefined
  /** Unchecked, as for a deployment. */
  plan?: unknown
  workflows?: unknown
  targets: ClientSelector
  strategy?: Strategy | undefined
}

export const NOTHING_LEFT = 'All that differs was accepted: nothing is left to bring.'

/** More than an org has clients. */
const TARGETS_MAX = 5_000
/** PostgreSQL: a statement takes 65,535 parameters. */
const ROWS_AT_ONCE = 1_000

const refuse = (path: string, code: string, message: string): EngineError =>
  new EngineError('bad_request', message, { errors: [{ path, code, message }] })

const sourceOf = (input: CreateInput): Source => {
  const given = (['blueprint_id', 'plan', 'workflows'] as const).filter(
    (name) => input[name] !== undefined,
  )
  if (given.length !== 1) {
    throw refuse(
      given[1] ?? 'blueprint_id',
      'one_of_three',
      'Send exactly one of blueprint_id, plan and workflows.',
    )
  }
  if (input.blueprint_id !== undefined) {
    const { blueprint_id: blueprintId, version = null, part = null, mappings = true } = input
    return { kind: 'blueprint', blueprintId, version, part, mappings }
  }
  for (const name of ['version', 'part', 'mappings'] as const) {
    if (input[name] !== undefined) {
      throw refuse(name, 'needs_blueprint', `${name} is for a rollout of a blueprint: name it too.`)
    }
  }
  const [name = 'plan'] = given
  const content = input[name]
  if (!isStorable(content)) {
    throw refuse(name, 'bad_text', `${name} contains U+0000 or half a surrogate pair. Remove it.`)
  }
  return name === 'workflows' ? { kind: 'workflows', content } : { kind: 'plan', content }
}

const wavesFor = async (
  tx: Tx,
  caller: Caller,
  clientIds: readonly string[],
  strategy: Strategy,
  blueprintId: string | undefined,
): Promise<PlannedWave[]> => {
  const chosen = new Map<number, ReadonlySet<string>>()
  for (const [at, { selector }] of strategy.waves.entries()) {
    if (selector === undefined) continue
    const clients = await selectClients(tx, caller.tenant, selector, {
      path: `strategy.waves.${at}.selector`,
      ...(blueprintId === undefined ? {} : { blueprintId }),
    })
    chosen.set(at, new Set(clients.map(({ client_id: id }) => id)))
  }
  return planWaves(clientIds, strategy, chosen)
}

/**
 * Stores a new rollout and returns its id. Throws invalid_plan, not_found, client_inactive, and bad_request
 * for a selector that chooses nobody and for waves that do not fit.
 */
export const createRollout = (
  db: Database,
  contents: Contents,
  caller: Caller,
  input: CreateInput,
): Promise<string> => {
  const source = sourceOf(input)
  const strategy = input.strategy ?? DEFAULT_STRATEGY
  const { orgId } = caller.tenant
  return db.as(caller.tenant).tx(async (tx) => {
    const clients = await selectClients(tx, caller.tenant, input.targets, {
      path: 'targets',
      ...(input.blueprint_id === undefined ? {} : { blueprintId: input.blueprint_id }),
    })
    requireSome(clients, 'targets')
    if (clients.length > TARGETS_MAX) {
      throw refuse(
        'targets',
        'too_many_targets',
        `A rollout has at most ${TARGETS_MAX} targets; this selector chooses ${clients.length}.`,
      )
    }
    const clientIds = clients.map(({ client_id: id }) => id)
    const waves = await wavesFor(tx, caller, clientIds, strategy, input.blueprint_id)
    const prepared = await contents.prepare(tx, caller.tenant, source, clientIds)
    const id = newId()
    await tx
      .insertInto('rollouts')
      .values({
        id,
        org_id: orgId,
        name: input.name ?? null,
        kind: prepared.kind,
        blueprint_id: prepared.blueprintId,
        version: prepared.version,
        content: jsonOrNull(prepared.content),
        with_mappings: prepared.withMappings,
        mode: strategy.mode,
        accepts_yellow: strategy.accept?.includes('yellow') ?? false,
        delivery_window: jsonOrNull(strategy.window ?? null),
        connection_grace_seconds: strategy.connection_grace_seconds,
        targets_total: clientIds.length,
        created_by: caller.userId,
      })
      .execute()
    await tx
      .insertInto('rollout_waves')
      .values(
        waves.map(({ clientIds: taken, ...wave }) => ({
          org_id: orgId,
          rollout_id: id,
          position: wave.position,
          name: wave.name,
          targets_total: taken.length,
          max_concurrent: wave.max_concurrent,
          failure_tolerance: wave.failure_tolerance,
          soak_seconds: wave.soak_seconds,
          gate: wave.gate,
        })),
      )
      .execute()
    const ordered = waves.flatMap(({ position, clientIds: taken }) =>
      taken.map((clientId) => ({ wave: position, clientId })),
    )
    // Pages go from the greatest id to the smallest: the first wave has the greatest.
    const ids = ordered
      .map(() => newId())
      .toSorted()
      .toReversed()
    const rows = ordered.map(({ wave, clientId }, at) => {
      const mine = prepared.of(clientId)
      return {
        id: ids[at] ?? newId(),
        org_id: orgId,
        client_id: clientId,
        rollout_id: id,
        wave,
        position: at + 1,
        values: mine.values === null ? null : json(mine.values),
        plan_hash: mine.planHash,
        ...(mine.planHash === '' ? { state: 'unchanged' as const, decision: NOTHING_LEFT } : {}),
      }
    })
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      await tx
        .insertInto('rollout_targets')
        .values(rows.slice(at, at + ROWS_AT_ONCE))
        .execute()
    }
    await bindIdempotency(tx, caller, id)
    await audit(tx, actorOf(caller), {
      action: 'rollout.create',
      targetType: 'rollout',
      targetId: id,
    })
    return id
  })
}

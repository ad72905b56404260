// The purge: deletes everything that is stored of a client that has left, or of an inactive org, but for
// audit rows, which have no contents. Work ends first, then the grants at Nango, then row after row goes,
// in small batches; whatever crashes, the next turn goes on. Nothing in Salesforce is changed.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger } from 'pino'
import { type Selectable } from 'kysely'
import {
  type Database,
  isForeignKeyViolation,
  type Tenant,
  type Tx,
  wholeOrg,
} from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { jsonOrNull } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Jobs, type Work, type Worker } from '../../jobs/jobs.ts'
import { workWaitSeconds } from '../../retry.ts'
import { type Actor, audit } from '../audit.ts'
import { type Connections } from '../connections/connections.ts'
import { superAdminActor, type SuperAdminCaller } from '../organizations.ts'
import { PATIENCE, standingStill } from '../work/faults.ts'
import { handOver, waitForEnd } from '../work/follow.ts'
import { purgeOrder, type PurgeStep, type Reference } from './order.ts'

type PurgeRow = Selectable<TenantTables['purges']>

export interface OrgPurge {
  org_id: string
  status: 'running' | 'complete'
  is_final: boolean
  stage: 'drain' | 'grants' | 'delete' | 'done'
  /** Deleted rows by table; null once it has ended. */
  deleted: Record<string, number> | null
  error: WorkFault | null
  started_at: string | null
  completed_at: string | null
}

interface OrgRow {
  id: string | null
  slug: string | null
  is_active: boolean
  stage: OrgPurge['stage']
  deleted: Record<string, number> | null
  error: WorkFault | null
  started_at: Date | null
  completed_at: Date | null
}

/** What the certificate of an off-boarding says about the purge. */
export interface Purged {
  deleted: Readonly<Record<string, number>>
  /** Grants that Nango did not confirm to have deleted. */
  grantsLeft: number
}

/** What is stored of an off-boarding when the last row of its client goes. */
export interface Farewell {
  certificate: unknown
  hash: string
  status: 'complete' | 'partial'
}

export interface PurgeDeps {
  db: Database
  jobs: Pick<Jobs, 'enqueue' | 'waitFor'>
  connections: Pick<Connections, 'end' | 'grantsLeft'>
  /** Made when everything else is gone: it tells how much that was. */
  farewellOf: (tenant: Tenant, offboardingId: string, purged: Purged) => Promise<Farewell>
  logger: Logger
  /** Multiplies all waiting; 1 except in tests. */
  waitScale?: number
}

/** Rows a statement: no lock is held for long. */
const BATCH = 1_000
const LOOK_MS = 250
/** How long one turn waits for other work to end before it pauses. */
const TURN_MS = 15_000
/** Work that was sent somewhere and cannot find out its outcome is not waited for without end. */
const DRAIN_SECONDS = 600
/** How often a straggler, written while rows were deleted, is looked for. */
const ROUNDS = 5

/** Adds the purge of a client, in the transaction of what asks for it. */
export const insertPurge = async (
  tx: Tx,
  { orgId, clientId }: Tenant,
  actor: Actor,
  offboardingId: string | null,
): Promise<string> => {
  const id = newId()
  await tx
    .insertInto('purges')
    .values({
      id,
      org_id: orgId,
      client_id: clientId,
      offboarding_id: offboardingId,
      created_by: actor.userId,
      credential_type: actor.credentialType,
      credential_id: actor.credentialId,
      request_id: actor.requestId,
    })
    .execute()
  return id
}

export const createPurges = (deps: PurgeDeps) => {
  const { db, jobs, connections, farewellOf, logger, waitScale = 1 } = deps

  const scopeOf = (row: Pick<PurgeRow, 'org_id' | 'client_id'>): Tenant => ({
    orgId: row.org_id,
    clientId: row.client_id,
  })

  const load = (work: Pick<Work, 'orgId' | 'clientId' | 'id'>): Promise<PurgeRow | undefined> =>
    db
      .as(work)
      .read.selectFrom('purges')
      .selectAll()
      .where('org_id', '=', work.orgId)
      .where('id', '=', work.id)
      .executeTakeFirst()

  const store = async (
    row: PurgeRow,
    change: Partial<{
      stage: PurgeRow['stage']
      grants_left: number
      attempts: number
      error: WorkFault | null
      resumeAt: Date | null
    }>,
  ): Promise<void> => {
    const { error, resumeAt, ...plain } = change
    await db.as(scopeOf(row)).tx((tx) =>
      tx
        .updateTable('purges')
        .set({
          ...plain,
          ...(error === undefined ? {} : { error: jsonOrNull(error) }),
          ...(resumeAt === undefined ? {} : { resume_at: resumeAt }),
        })
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.id)
        .execute(),
    )
  }

  const hold = (row: PurgeRow, fault: WorkFault, seconds: number, attempts = row.attempts) => {
    const now = new Date()
    const afterSeconds = seconds * waitScale
    return store(row, {
      attempts,
      error: standingStill(fault, { previous: row.error, afterSeconds, now }),
      resumeAt: new Date(now.getTime() + afterSeconds * 1000),
    })
  }

  // ------------------------------------------------------------------------------------ the stages

  /** Waits until nothing works on it any longer. True: nothing does. */
  const drained = async (row: PurgeRow, signal: AbortSignal): Promise<boolean> => {
    const until = Date.now() + TURN_MS
    const waitsFor = () => db.lookup<{ kind: string }>('purge_waits_for', row.id)
    await db.lookup('purge_wakes', row.id)
    for (;;) {
      const open = await waitsFor()
      if (open.length === 0) return true
      const waited = (Date.now() - row.created_at.getTime()) / 1000
      if (waited > DRAIN_SECONDS * waitScale) {
        logger.warn({ purge_id: row.id, kinds: open.map(({ kind }) => kind) }, 'work left behind')
        return true
      }
      if (Date.now() > until) {
        const message = `Work has to end first: ${[...new Set(open.map(({ kind }) => kind))].join(', ')}.`
        await hold(row, { code: 'deployment_in_progress', message }, 2)
        return false
      }
      await sleep(LOOK_MS, undefined, { signal })
    }
  }

  const clientsOf = async (row: PurgeRow): Promise<string[]> => {
    if (row.client_id !== null) return [row.client_id]
    const rows = await db
      .as(wholeOrg(row.org_id)) // the org goes with all its clients
      .read.selectFrom('clients')
      .select('id')
      .where('org_id', '=', row.org_id)
      .orderBy('id')
      .execute()
    return rows.map(({ id }) => id)
  }

  const grantsLeft = async (row: PurgeRow): Promise<number> => {
    let left = 0
    for (const clientId of await clientsOf(row)) {
      left += await connections.grantsLeft({ orgId: row.org_id, clientId }, clientId)
    }
    return left
  }

  const actorOf = (row: PurgeRow): Actor => ({
    orgId: row.org_id,
    userId: row.created_by,
    credentialType: row.credential_type ?? 'system',
    credentialId: row.credential_id,
    requestId: row.request_id,
  })

  /** Without our rows, nobody would know of a grant that Nango still keeps. True: it has none, or is waited for no longer. */
  const granted = async (row: PurgeRow, signal: AbortSignal): Promise<boolean> => {
    for (const clientId of await clientsOf(row)) {
      signal.throwIfAborted()
      await connections.end({ orgId: row.org_id, clientId }, actorOf(row), clientId)
    }
    const left = await grantsLeft(row)
    if (left === 0) return true
    const waited = (Date.now() - row.created_at.getTime()) / 1000
    if (waited > PATIENCE.purge.wait * waitScale) {
      logger.warn({ purge_id: row.id, left }, 'grants left at Nango')
      await store(row, { grants_left: left })
      return true
    }
    const message = `${left} of its grants could not be deleted at Nango yet.`
    await hold(
      row,
      { code: 'nango_error', message },
      workWaitSeconds(row.attempts),
      row.attempts + 1,
    )
    return false
  }

  const stepsOf = async (): Promise<PurgeStep[]> => {
    const tables = await db.lookup<{ name: string }>('purge_tables')
    const references = await db.lookup<Reference>('purge_references')
    return purgeOrder(
      tables.map(({ name }) => name).filter((name) => name !== 'organizations'),
      references,
    )
  }

  /** Deletes all rows but the last one; the database counts them. */
  const deleteRows = async (row: PurgeRow, signal: AbortSignal): Promise<void> => {
    await db.lookup('purge_lists', row.id)
    for (const step of await stepsOf()) {
      // The client itself goes with the end.
      if (row.client_id !== null && step.table === 'clients') continue
      for (;;) {
        signal.throwIfAborted()
        const [{ gone } = { gone: 0 }] =
          step.do === 'delete'
            ? await db.lookup<{ gone: number }>('purge_rows', row.id, step.table, BATCH)
            : await db.lookup<{ gone: number }>(
                'purge_reference',
                row.id,
                step.table,
                step.column,
                BATCH,
              )
        if (gone < BATCH) break
      }
    }
  }

  const end = async (row: PurgeRow): Promise<void> => {
    const { deleted, grants_left: grantsLeft } =
      (await load({ ...scopeOf(row), id: row.id })) ?? row
    const farewell =
      row.offboarding_id === null
        ? null
        : await farewellOf(scopeOf(row), row.offboarding_id, { deleted, grantsLeft })
    await db.lookup(
      'purge_ends',
      row.id,
      farewell === null ? null : JSON.stringify(farewell.certificate),
      farewell?.hash ?? null,
      farewell?.status ?? null,
    )
    logger.info({ purge_id: row.id, org_id: row.org_id, deleted }, 'purged')
  }

  const deleteAll = async (row: PurgeRow, signal: AbortSignal): Promise<void> => {
    for (let round = 1; ; round += 1) {
      try {
        await deleteRows(row, signal)
        return await end(row)
      } catch (error) {
        // Something was written meanwhile that refers to a deleted row: once more, from the beginning.
        if (!isForeignKeyViolation(error) || round === ROUNDS) throw error
      }
    }
  }

  const run: Worker['run'] = async (work, signal) => {
    for (;;) {
      const row = await load(work)
      if (row === undefined) return
      if (row.stage === 'drain') {
        if (!(await drained(row, signal))) return
        await store(row, { stage: 'grants', attempts: 0, error: null, resumeAt: null })
      } else if (row.stage === 'grants') {
        if (!(await granted(row, signal))) return
        await db.lookup('purge_begins', row.id)
      } else return deleteAll(row, signal)
    }
  }

  const worker: Worker = {
    run,
    // Half of it may be gone already: it is tried again, slowly, for ever.
    giveUp: async (work) => {
      const row = await load(work)
      if (row === undefined) return
      await hold(row, { code: 'internal', message: 'Something went wrong on our side.' }, 300)
    },
    standing: async (work): Promise<Standing | null> => {
      const row = await load(work)
      return row === undefined
        ? null
        : {
            resource: { purge_id: row.id },
            requestId: row.request_id,
            ended: null,
            fault: row.error,
          }
    },
  }

  // ------------------------------------------------------------------------------------ of an org

  const ofOrg = async (orgId: string): Promise<OrgRow> => {
    const [row] = await db.lookup<OrgRow>('purge_of_org', orgId)
    if (row === undefined) throw notFound('organization')
    return row
  }

  const shown = (orgId: string, row: OrgRow): OrgPurge => ({
    org_id: orgId,
    status: row.stage === 'done' ? 'complete' : 'running',
    is_final: row.stage === 'done',
    stage: row.stage,
    deleted: row.deleted,
    error: row.error,
    started_at: row.started_at?.toISOString() ?? null,
    completed_at: row.completed_at?.toISOString() ?? null,
  })

  /** Of several calls at once one begins it, and the others follow that; null: it has ended already. */
  const accept = (caller: SuperAdminCaller, orgId: string): Promise<string | null> =>
    db.as(wholeOrg(orgId)).tx(async (tx) => {
      const org = await tx
        .selectFrom('organizations')
        .select('is_active')
        .where('id', '=', orgId)
        .forUpdate()
        .executeTakeFirst()
      if (org === undefined) return null
      if (org.is_active) throw activeOrg()
      const begun = await tx
        .selectFrom('purges')
        .select('id')
        .where('org_id', '=', orgId)
        .where('client_id', 'is', null)
        .executeTakeFirst()
      if (begun !== undefined) return begun.id
      // Work ends for an inactive client.
      await tx
        .updateTable('clients')
        .set({ is_active: false })
        .where('org_id', '=', orgId)
        .execute()
      const actor = superAdminActor(orgId, caller)
      const id = await insertPurge(tx, wholeOrg(orgId), actor, null)
      await audit(tx, actor, {
        action: 'org.purge',
        targetType: 'organization',
        targetId: orgId,
        outcome: 'accepted',
      })
      return id
    })

  return {
    worker,

    /**
     * Deletes an inactive org with everything that is stored of it, and waits for the end as long as asked;
     * called again, says how far that is. `confirm` is the slug of the org. Throws not_found, org_active,
     * confirmation_mismatch.
     */
    purgeOrg: async (
      caller: SuperAdminCaller,
      input: { org_id: string; confirm: string; wait_seconds: number },
      signal?: AbortSignal,
    ): Promise<OrgPurge> => {
      const orgId = input.org_id
      const before = await ofOrg(orgId)
      if (before.stage === 'done') return shown(orgId, before)
      if (before.slug !== input.confirm) {
        const message = 'confirm is not the slug of this organization.'
        throw new EngineError('confirmation_mismatch', message, {
          errors: [{ path: 'confirm', code: 'confirmation_mismatch', message }],
        })
      }
      if (before.id === null && before.is_active) throw activeOrg()
      const id = before.id ?? (await accept(caller, orgId))
      if (id === null) return shown(orgId, await ofOrg(orgId))
      await handOver({ jobs, logger }, 'purge', { orgId, clientId: null, id }, orgId)
      const isDone = async () => (await ofOrg(orgId)).stage === 'done'
      await waitForEnd({ jobs }, id, isDone, input.wait_seconds, signal)
      return shown(orgId, await ofOrg(orgId))
    },
  }
}

const activeOrg = (): EngineError =>
  new EngineError('org_active', 'An active organization cannot be deleted.')

export type Purges = ReturnType<typeof createPurges>

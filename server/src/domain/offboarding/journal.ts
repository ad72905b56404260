// The steps of an off-boarding as they are stored: each in a transaction in which it is still running and still at
// this stage, so that of two workers, or of a worker and a cancel, one goes on.

import { sql } from 'kysely'
import { type Database, type Tx } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { type Actor, audit } from '../audit.ts'
import { WorkOver } from '../work/stages.ts'
import { settleHalf } from './done.ts'
import {
  type OffboardingResult,
  type OffboardingRow,
  type OffboardingStage,
  scopeOf,
} from './rows.ts'

export interface Change {
  stage?: OffboardingStage
  automations_id?: string
  components_id?: string
  result?: OffboardingResult
  calls?: number
}

export interface Outcome {
  status: 'complete' | 'partial' | 'failed'
  error?: WorkFault
  certificate?: { certificate: unknown; hash: string }
}

const CANCELLED: WorkFault = { code: 'cancelled', message: 'The off-boarding was cancelled.' }

export const actorFor = (row: OffboardingRow): Actor => ({
  orgId: row.org_id,
  userId: row.created_by,
  credentialType: row.credential_type ?? 'system',
  credentialId: row.credential_id,
  requestId: row.request_id,
})

export const createOffboardingJournal = (db: Database, jobs: Pick<Jobs, 'announce'>) => {
  /** A transaction in which it is running and stays so. */
  const write = <T>(row: OffboardingRow, fn: (tx: Tx) => Promise<T>): Promise<T> =>
    db.as(scopeOf(row)).tx(async (tx) => {
      const open = await tx
        .selectFrom('offboardings')
        .select('id')
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.id)
        .where('status', '=', 'running')
        .where('stage', '=', row.stage)
        .forUpdate()
        .executeTakeFirst()
      if (open === undefined) throw new WorkOver('the off-boarding has gone on')
      return fn(tx)
    })

  const update = async (tx: Tx, row: OffboardingRow, change: Change): Promise<void> => {
    const { result, calls = 0, ...plain } = change
    await tx
      .updateTable('offboardings')
      .set({
        ...plain,
        ...(result === undefined ? {} : { result: json(result) }),
        error: null,
        resume_at: null,
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
      })
      .where('org_id', '=', row.org_id)
      .where('id', '=', row.id)
      .execute()
  }

  const step = (row: OffboardingRow, change: Change): Promise<void> =>
    write(row, (tx) => update(tx, row, change))

  const hold = (row: OffboardingRow, fault: WorkFault, seconds: number): Promise<void> =>
    write(row, async (tx) => {
      await tx
        .updateTable('offboardings')
        .set({
          error: json(fault),
          resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${seconds})`,
        })
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.id)
        .execute()
    })

  const end = (row: OffboardingRow, outcome: Outcome): Promise<void> =>
    write(row, (tx) => endIn(tx, row, outcome))

  /** The end, with its audit row; the client works again, or has left. */
  const endIn = async (tx: Tx, row: OffboardingRow, outcome: Outcome): Promise<void> => {
    const { status, certificate } = outcome
    let error = outcome.error ?? null
    if (status === 'failed' && !row.is_preview) {
      const { result, calls, fault } = await settleHalf(tx, row, error)
      await update(tx, row, { result, calls })
      await close(tx, row)
      error = fault
    }
    await tx
      .updateTable('offboardings')
      .set({
        status,
        error: jsonOrNull(error),
        resume_at: null,
        completed_at: sql<Date>`clock_timestamp()`,
        ...(certificate === undefined
          ? {}
          : { certificate: json(certificate.certificate), certificate_hash: certificate.hash }),
      })
      .where('org_id', '=', row.org_id)
      .where('id', '=', row.id)
      .execute()
    if (!row.is_preview) {
      const hasLeft = status !== 'failed'
      await tx
        .updateTable('clients')
        .set({
          leaving_at: null,
          ...(hasLeft ? { is_active: false, left_at: sql<Date>`clock_timestamp()` } : {}),
        })
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.client_id)
        .execute()
      if (hasLeft) await unbind(tx, row)
    }
    // Without its calls: the rows of its rollbacks have them.
    await audit(tx, actorFor(row), {
      action: 'client.offboard',
      clientId: row.client_id,
      targetType: 'offboarding',
      targetId: row.id,
      outcome: error?.code ?? (row.is_preview ? 'preview' : 'ok'),
    })
    await jobs.announce(tx, row.id)
  }

  /** Nobody wants anything of it any more: neither drift nor a rollout asks where it stands. */
  const unbind = async (tx: Tx, row: OffboardingRow): Promise<void> => {
    const gone = await tx
      .deleteFrom('blueprint_bindings')
      .where('org_id', '=', row.org_id)
      .where('client_id', '=', row.client_id)
      .returning('blueprint_id')
      .execute()
    for (const { blueprint_id: id } of gone) {
      await audit(tx, actorFor(row), {
        action: 'blueprint.unbind',
        clientId: row.client_id,
        targetType: 'blueprint',
        targetId: id,
      })
    }
  }

  /** What stood for the deployments is of no further use: its images go with the retention of such. */
  const close = async (tx: Tx, row: OffboardingRow): Promise<void> => {
    const ids = [row.automations_id, row.components_id].filter((id) => id !== null)
    if (ids.length === 0) return
    await tx
      .updateTable('crm_deployments')
      .set({ status: 'rolled_back', rolled_back_at: sql<Date>`clock_timestamp()` })
      .where('org_id', '=', row.org_id)
      .where('id', 'in', ids)
      .execute()
  }

  /**
   * Cancels one of which nothing is under way in the Salesforce org, and returns null; otherwise the deployment
   * whose rollback has to be cancelled first: then the off-boarding ends with it.
   */
  const cancelUnbegun = (row: OffboardingRow): Promise<{ deploymentId: string } | null> =>
    write(row, async (tx) => {
      const { rows } = await sql<{ deployment_id: string }>`
        select u.deployment_id from deployment_runs u
          join offboardings o on o.org_id = u.org_id and u.deployment_id in (o.automations_id, o.components_id)
         where o.org_id = ${row.org_id} and o.id = ${row.id} and u.ended_at is null`.execute(tx)
      const [open] = rows
      if (open !== undefined) {
        await tx
          .updateTable('offboardings')
          .set({ resume_at: null })
          .where('org_id', '=', row.org_id)
          .where('id', '=', row.id)
          .execute()
        return { deploymentId: open.deployment_id }
      }
      await endIn(tx, row, { status: 'failed', error: CANCELLED })
      return null
    })

  return { write, update, step, hold, end, close, cancelUnbegun }
}

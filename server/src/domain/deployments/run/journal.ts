// What a running deploy or rollback writes, step by step. Every statement is guarded by the run being
// open, so that a copy of the work that was thought dead cannot touch a deployment that has ended.

import { sql } from 'kysely'
import { type Database, tenantOf, type Tx, wholeOrg } from '../../../db/database.ts'
import { json, jsonOrNull } from '../../../db/json.ts'
import { type DeploymentStatus } from '../../../db/tables/deployments.ts'
import { type WorkWarning, type Progress, type WorkFault } from '../../../db/tables/work.ts'
import { type Jobs } from '../../../jobs/jobs.ts'
import { audit } from '../../audit.ts'
import { WorkOver } from '../../work/stages.ts'
import { type Images, type Moment } from '../plan/images.ts'
import {
  type Changes,
  type ComponentRow,
  type DeploymentRow,
  deploymentById,
  rollbackOf,
  type RollbackResult,
  runById,
  type RunRow,
} from '../rows.ts'

/** The members of its own row that a run may change; times are Salesforce's or the database's. */
export interface RunChanges {
  stage?: string
  package?: unknown
  options?: unknown
  sfdc_user_id?: string
  intended_at?: Date | null
  sfdc_deploy_id?: string | null
  error?: null
}

export interface DeploymentChanges {
  status?: DeploymentStatus
  sfdc_deploy_id?: string | null
  applied?: DeploymentRow['applied']
  changes?: Changes
  progress?: Progress
  error?: WorkFault | null
  warnings?: WorkWarning[]
  rollback?: RollbackResult
  deployed_at?: 'now'
  rolled_back_at?: 'now'
}

const deploymentColumns = (changes: DeploymentChanges) => {
  const { changes: merged, progress, error, warnings, rollback, ...rest } = changes
  const { deployed_at, rolled_back_at, ...plain } = rest
  return {
    ...plain,
    ...(merged === undefined ? {} : { changes: json(merged) }),
    ...(progress === undefined ? {} : { progress: json(progress) }),
    ...(error === undefined ? {} : { error: jsonOrNull(error) }),
    ...(warnings === undefined ? {} : { warnings: json(warnings) }),
    ...(rollback === undefined ? {} : { rollback: json(rollback) }),
    ...(deployed_at === undefined ? {} : { deployed_at: sql<Date>`clock_timestamp()` }),
    ...(rolled_back_at === undefined ? {} : { rolled_back_at: sql<Date>`clock_timestamp()` }),
  }
}

export const createJournal = (db: Database, jobs: Pick<Jobs, 'announce'>, run: RunRow) => {
  const tenant = tenantOf(run)
  const keys = {
    org_id: run.org_id,
    client_id: run.client_id,
    deployment_id: run.deployment_id,
  }

  /** A transaction in which the run is open and stays so; throws {@link WorkOver} otherwise. */
  const write = <T>(fn: (tx: Tx) => Promise<T>): Promise<T> =>
    db.as(tenant).tx(async (tx) => {
      const open = await tx
        .selectFrom('deployment_runs')
        .select('id')
        .where('org_id', '=', run.org_id)
        .where('id', '=', run.id)
        .where('ended_at', 'is', null)
        .forUpdate()
        .executeTakeFirst()
      if (open === undefined) throw new WorkOver('the run has ended')
      return fn(tx)
    })

  const updateRun = async (tx: Tx, changes: RunChanges, calls = 0): Promise<void> => {
    const { package: contents, options, ...plain } = changes
    await tx
      .updateTable('deployment_runs')
      .set({
        ...plain,
        ...(contents === undefined ? {} : { package: json(contents) }),
        ...(options === undefined ? {} : { options: json(options) }),
        // A stage that begins has no failures yet.
        ...(changes.stage === undefined ? {} : { attempts: 0, resume_at: null, error: null }),
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
      })
      .where('org_id', '=', run.org_id)
      .where('id', '=', run.id)
      .execute()
  }

  const updateDeployment = async (tx: Tx, changes: DeploymentChanges, calls = 0): Promise<void> => {
    await tx
      .updateTable('crm_deployments')
      .set({
        ...deploymentColumns(changes),
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
      })
      .where('org_id', '=', run.org_id)
      .where('id', '=', run.deployment_id)
      .execute()
  }

  return {
    tenant,
    runId: run.id,

    load: (): Promise<{ run: RunRow; deployment: DeploymentRow }> =>
      db.as(tenant).tx(async (tx) => {
        const present = await runById(tx, tenant, run.id)
        const deployment = await deploymentById(tx, tenant, run.deployment_id)
        if (present === undefined || present.ended_at !== null || deployment === undefined) {
          throw new WorkOver('the run has ended')
        }
        return { run: present, deployment }
      }),

    /** One step forward, all of it or nothing. `calls` are those made since the last step. */
    step: (
      change: RunChanges,
      deployment: DeploymentChanges = {},
      calls = 0,
      also: (tx: Tx) => Promise<void> = async () => undefined,
    ): Promise<void> =>
      write(async (tx) => {
        await updateRun(tx, change, calls)
        await updateDeployment(tx, deployment, calls)
        await also(tx)
      }),

    /**
     * Stores that the package is about to be sent, by Salesforce's clock. False: the caller cancelled
     * before, and nothing may be sent.
     */
    intend: (at: Date, sfdcUserId: string): Promise<boolean> =>
      write(async (tx) => {
        const row = await tx
          .updateTable('deployment_runs')
          .set({
            intended_at: at,
            sfdc_user_id: sfdcUserId,
            sent_at: sql<Date>`clock_timestamp()`,
            sends: sql<number>`sends + 1`,
          })
          .where('org_id', '=', run.org_id)
          .where('id', '=', run.id)
          .where('cancel_requested_at', 'is', null)
          .returning('id')
          .executeTakeFirst()
        return row !== undefined
      }),

    /** Milliseconds since the package was last sent, by the database's clock; null: never. */
    sinceSentMs: async (): Promise<number | null> => {
      const { rows } = await db.as(tenant).tx((tx) =>
        sql<{
          ms: number | null
        }>`select extract(epoch from clock_timestamp() - sent_at)::float8 * 1000 as ms
              from deployment_runs where org_id = ${run.org_id} and id = ${run.id}`.execute(tx),
      )
      return rows[0]?.ms ?? null
    },

    /**
     * Which of these deploys of Salesforce belong to other runs. Another client of the org may have been
     * connected to this Salesforce org a moment ago.
     */
    deploysOfOthers: (ids: readonly string[]): Promise<Set<string>> =>
      db.as(wholeOrg(run.org_id)).tx(async (tx) => {
        const rows = await tx
          .selectFrom('deployment_runs')
          .select('sfdc_deploy_id')
          .where('org_id', '=', run.org_id)
          .where('id', '<>', run.id)
          .where(sql<boolean>`sfdc_deploy_id = any(${ids}::text[])`)
          .execute()
        return new Set(rows.map(({ sfdc_deploy_id: id }) => id ?? ''))
      }),

    /** Pauses with the reason; the sweep puts the run back when it is due. */
    hold: (error: WorkFault, afterSeconds: number, calls = 0): Promise<void> =>
      write(async (tx) => {
        await tx
          .updateTable('deployment_runs')
          .set({
            attempts: sql<number>`attempts + 1`,
            error: json(error),
            resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${afterSeconds})`,
            salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
          })
          .where('org_id', '=', run.org_id)
          .where('id', '=', run.id)
          .execute()
        if (run.kind === 'deploy') return updateDeployment(tx, { error }, calls)
        const deployment = await deploymentById(tx, tenant, run.deployment_id)
        if (deployment === undefined) return
        await updateDeployment(tx, { rollback: { ...rollbackOf(deployment), error } }, calls)
      }),

    /** The cause of the pause is over, though the stage continues. */
    resumed: (): Promise<void> =>
      write(async (tx) => {
        await updateRun(tx, { error: null })
        if (run.kind === 'deploy') return updateDeployment(tx, { error: null })
        const deployment = await deploymentById(tx, tenant, run.deployment_id)
        if (deployment === undefined) return
        await updateDeployment(tx, { rollback: { ...rollbackOf(deployment), error: null } })
      }),

    saveComponents: async (
      tx: Tx,
      components: readonly Omit<ComponentRow, 'org_id' | 'client_id' | 'deployment_id'>[],
    ): Promise<void> => {
      // PostgreSQL: a statement takes 65,535 parameters.
      for (let start = 0; start < components.length; start += 1_000) {
        await tx
          .insertInto('deployment_components')
          .values(
            components.slice(start, start + 1_000).map((component) => ({
              ...keys,
              ...component,
              problem: jsonOrNull(component.problem),
            })),
          )
          .onConflict((conflict) =>
            conflict.columns(['deployment_id', 'position']).doUpdateSet((excluded) => ({
              action: excluded.ref('excluded.action'),
              reversibility: excluded.ref('excluded.reversibility'),
              reason: excluded.ref('excluded.reason'),
              success: excluded.ref('excluded.success'),
              problem: excluded.ref('excluded.problem'),
            })),
          )
          .execute()
      }
    },

    saveImages: async (tx: Tx, moment: Moment, images: Images): Promise<void> => {
      const rows = [
        ...[...images.files].map(([name, content]) => ({ kind: 'file' as const, name, content })),
        ...[...images.describes].map(([name, describe]) => ({
          kind: 'describe' as const,
          name,
          content: JSON.stringify(describe),
        })),
      ]
      for (let start = 0; start < rows.length; start += 100) {
        await tx
          .insertInto('deployment_images')
          .values(rows.slice(start, start + 100).map((row) => ({ ...keys, moment, ...row })))
          .onConflict((conflict) =>
            conflict
              .columns(['deployment_id', 'moment', 'kind', 'name'])
              .doUpdateSet((excluded) => ({ content: excluded.ref('excluded.content') })),
          )
          .execute()
      }
    },

    loadImages: (moment: Moment): Promise<Images> =>
      db.as(tenant).tx(async (tx) => {
        const rows = await tx
          .selectFrom('deployment_images')
          .select(['kind', 'name', 'content'])
          .where('org_id', '=', run.org_id)
          .where('deployment_id', '=', run.deployment_id)
          .where('moment', '=', moment)
          .execute()
        const files = rows.filter(({ kind }) => kind === 'file')
        const describes = rows.filter(({ kind }) => kind === 'describe')
        return {
          files: new Map(files.map(({ name, content }) => [name, content])),
          describes: new Map(
            describes.map(({ name, content }) => [
              name,
              JSON.parse(content) as Record<string, unknown>,
            ]),
          ),
        }
      }),

    /** Ends the run, with its audit row, releases the Salesforce org and wakes everyone who waits. */
    end: (
      outcome: { error: WorkFault | null; result?: unknown },
      deployment: DeploymentChanges,
      calls = 0,
      also: (tx: Tx) => Promise<void> = async () => undefined,
    ): Promise<void> =>
      write(async (tx) => {
        await updateDeployment(tx, deployment, calls)
        const row = await tx
          .updateTable('deployment_runs')
          .set({
            ended_at: sql<Date>`clock_timestamp()`,
            locked_sfdc_org_id: null,
            resume_at: null,
            error: jsonOrNull(outcome.error),
            ...(outcome.result === undefined ? {} : { result: json(outcome.result) }),
            salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
          })
          .where('org_id', '=', run.org_id)
          .where('id', '=', run.id)
          .returningAll()
          .executeTakeFirstOrThrow()
        await also(tx)
        await audit(
          tx,
          {
            orgId: row.org_id,
            userId: row.created_by,
            credentialType: row.credential_type ?? 'system',
            credentialId: row.credential_id,
            requestId: row.request_id,
          },
          {
            action: row.kind === 'deploy' ? 'deployment.deploy' : 'deployment.rollback',
            clientId: row.client_id,
            targetType: 'deployment',
            targetId: row.deployment_id,
            outcome: outcome.error?.code ?? 'ok',
            salesforceApiCalls: row.salesforce_api_calls,
          },
        )
        await jobs.announce(tx, row.id)
      }),
  }
}

export type Journal = ReturnType<typeof createJournal>

// Leaving: takes out of a client's Salesforce org what was ever deployed there and nobody changed, revokes
// the connection, and on request deletes what is stored of the client. A preview does none of it.

import { sql } from 'kysely'
import { isUniqueViolation, type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { EngineError, notFound } from '../../errors.ts'
import {
  type Approved,
  type Approvals,
  CHANGES_NOTHING,
  useApproval,
} from '../approvals/approvals.ts'
import { type Change } from '../approvals/change.ts'
import { type Caller } from '../caller.ts'
import { requireClient, type RequiredClient } from '../clients.ts'
import { type Connections } from '../connections/connections.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest } from '../page.ts'
import { handOver, waitForEnd } from '../work/follow.ts'
import { type Deployments } from '../deployments/deployments.ts'
import { WorkOver } from '../work/stages.ts'
import { doneSoFar } from './done.ts'
import { deploymentsOf } from './history.ts'
import {
  CANCELLABLE,
  type Offboarding,
  offboardingById,
  type OffboardingOptions,
  type OffboardingResult,
  toOffboarding,
} from './rows.ts'
import { createOffboardWorker, type OffboardDeps } from './worker.ts'
import { actorOf, audit } from '../audit.ts'

export { type Offboarding } from './rows.ts'

export interface CancelInput {
  offboarding_id: string
  abandon?: boolean | undefined
}

export interface OffboardInput {
  client_id: string
  allow_data_loss?: boolean | undefined
  purge?: boolean | undefined
  leave_in_place?: boolean | undefined
  wait_seconds: number
}

interface Options extends OffboardDeps {
  connections: Pick<Connections, 'end' | 'open'>
  approvals: Pick<Approvals, 'require'>
  deployments: Pick<Deployments, 'cancelCombined'>
}

/** What a person approves. */
const changeOf = (
  clientId: string,
  options: OffboardingOptions,
  deployments: readonly { id: string }[],
): Change => ({
  action: 'offboarding',
  clientId,
  request: { client_id: clientId, options },
  restsOn: { deployments: deployments.length, newest: deployments.at(-1)?.id ?? null },
  words: [
    options.leave_in_place
      ? 'Ends the work for this client and leaves everything in its Salesforce org'
      : `Removes everything that ${deployments.length} deployments put into the Salesforce org and nobody changed since`,
    options.allow_data_loss
      ? 'Values and records that it holds may be deleted'
      : 'Nothing that holds data is deleted',
    'Revokes the connection',
    ...(options.purge ? ['Deletes everything that is stored here about the client'] : []),
  ],
})

const refusal = (
  code: 'client_leaving' | 'client_left',
  message: string,
  retryAfterSeconds?: number,
): EngineError =>
  new EngineError(code, message, {
    errors: [{ path: 'client_id', code, message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })

/** Null: it was begun just now. */
const underWay = (open: { id: string; is_preview: boolean } | null): EngineError => {
  const what = open?.is_preview === true ? 'A preview of an off-boarding' : 'An off-boarding'
  return refusal(
    'client_leaving',
    `${what} of this client is under way${open === null ? '' : `: ${open.id}`}.`,
    10,
  )
}

export const createOffboardings = (deps: Options) => {
  const { db, jobs, connections, approvals, deployments, logger } = deps
  const { worker, farewellOf, cancelUnbegun } = createOffboardWorker(deps)

  const get = async (tenant: Tenant, id: string): Promise<Offboarding> => {
    const { read: reader } = db.as(tenant)
    const row = await offboardingById(reader, tenant, id)
    if (row === undefined) throw notFound('off-boarding')
    const isAtWork = row.status === 'running' && !row.is_preview && CANCELLABLE.has(row.stage)
    // Told before the end, so that whoever cancels it knows what stays.
    return { ...toOffboarding(row), ...(isAtWork ? await doneSoFar(reader, row) : {}) }
  }

  /** Where it takes things out; null: nowhere. Throws connection_not_ready. */
  const destination = async (
    tenant: Tenant,
    clientId: string,
    leaveInPlace: boolean,
    isNeeded: boolean,
  ): Promise<string | null> => {
    if (leaveInPlace || !isNeeded) return null
    try {
      const { connection } = await connections.open(tenant, clientId, 'protected')
      return connection.sfdc_org_id
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'connection_not_ready') throw error
      throw new EngineError(
        'connection_not_ready',
        `${error.message} What was deployed cannot be removed without it. Connect the client, or send leave_in_place to leave everything where it is.`,
      )
    }
  }

  /** Throws client_leaving while another one runs, and client_left after its end unless what is stored is to go. */
  const requireFirst = async (
    tx: Tx,
    client: RequiredClient,
    purge: boolean,
    { orgId }: Tenant,
  ) => {
    const rows = await tx
      .selectFrom('offboardings')
      .select(['id', 'status', 'is_preview'])
      .where('org_id', '=', orgId)
      .where('client_id', '=', client.id)
      .where((where) =>
        where.or([where('status', '=', 'running'), where('is_preview', '=', false)]),
      )
      .orderBy('id', 'desc')
      .execute()
    const open = rows.find(({ status }) => status === 'running')
    if (open !== undefined) throw underWay(open)
    const former = rows.find(({ status }) => status !== 'failed')
    if (client.left_at == null || former === undefined || purge) return
    throw refusal(
      'client_left',
      `This client left with off-boarding ${former.id}, which has the certificate.`,
    )
  }

  const requireIdle = async (tx: Tx, tenant: Tenant, clientId: string): Promise<void> => {
    const open = await tx
      .selectFrom('deployment_runs')
      .select('id')
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    if (open === undefined) return
    throw new EngineError(
      'deployment_in_progress',
      'A deployment or rollback of this client is under way.',
      { retryAfterSeconds: 10 },
    )
  }

  const insert = async (
    caller: Caller,
    approved: Approved,
    options: OffboardingOptions,
    isPreview: boolean,
    of: { clientId: string; name: string; sfdcOrgId: string | null },
  ): Promise<string> => {
    const { tenant } = caller
    const id = newId()
    const result: OffboardingResult = {
      client: { id: of.clientId, name: of.name },
      removed: [],
      restored: [],
      stays: [],
      proof: null,
      connection: null,
    }
    try {
      await db.as(tenant).tx(async (tx) => {
        await requireIdle(tx, tenant, of.clientId)
        await tx
          .insertInto('offboardings')
          .values({
            id,
            org_id: tenant.orgId,
            client_id: of.clientId,
            is_preview: isPreview,
            options: json(options),
            sfdc_org_id: of.sfdcOrgId,
            result: json(result),
            created_by: caller.userId,
            credential_type: caller.credential.type,
            credential_id: caller.credential.id,
            request_id: caller.requestId,
          })
          .execute()
        if (!isPreview) {
          await tx
            .updateTable('clients')
            .set({ leaving_at: sql<Date>`now()` })
            .where('org_id', '=', tenant.orgId)
            .where('id', '=', of.clientId)
            .execute()
        }
        await useApproval(tx, caller, approved, id)
        await bindIdempotency(tx, caller, id)
      })
    } catch (error) {
      if (!isUniqueViolation(error, 'offboardings_one_per_client')) throw error
      throw underWay(null)
    }
    return id
  }

  const begin = async (
    caller: Caller,
    input: OffboardInput,
    isPreview: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Offboarding> => {
    const { tenant } = caller
    const clientId = input.client_id
    const reader = db.as(tenant).read
    const client = await requireClient(reader, tenant, clientId)
    const purge = input.purge === true
    await db.as(tenant).tx((tx) => requireFirst(tx, client, purge, tenant))
    const options: OffboardingOptions = {
      allow_data_loss: input.allow_data_loss === true,
      purge,
      // Of a client that has left, what could be removed was.
      leave_in_place: input.leave_in_place === true || client.left_at !== null,
    }
    const deployed = await deploymentsOf(reader, tenant, clientId)
    const isNeeded = deployed.some(({ status }) => status !== 'rolled_back')
    const sfdcOrgId = await destination(tenant, clientId, options.leave_in_place, isNeeded)
    const approved = isPreview
      ? CHANGES_NOTHING
      : await approvals.require(caller, () => changeOf(clientId, options, deployed))
    const of = { clientId, name: client.name, sfdcOrgId }
    const id = await insert(caller, approved, options, isPreview, of)
    const work = { orgId: tenant.orgId, clientId, id }
    await handOver({ jobs, logger }, 'offboard', work, sfdcOrgId ?? clientId)
    const isDone = async () => (await get(tenant, id)).is_final
    await waitForEnd({ jobs }, id, isDone, input.wait_seconds, signal)
    return get(tenant, id)
  }

  /** What is to be cancelled in the Salesforce org first; null: nothing. Throws `client_leaving`. */
  const stopped = async (tenant: Tenant, id: string): Promise<{ deploymentId: string } | null> => {
    for (;;) {
      const row = await offboardingById(db.as(tenant).read, tenant, id)
      if (row === undefined) throw notFound('off-boarding')
      if (row.status !== 'running') return null
      if (!CANCELLABLE.has(row.stage)) {
        throw new EngineError(
          'client_leaving',
          'What was deployed has been removed, and the connection is being revoked: the off-boarding can no longer be cancelled.',
        )
      }
      try {
        return await cancelUnbegun(row)
      } catch (error) {
        // It went on to the next stage in between.
        if (!(error instanceof WorkOver)) throw error
      }
    }
  }

  const cancel = async (caller: Caller, input: CancelInput): Promise<Offboarding> => {
    const { tenant } = caller
    const id = input.offboarding_id
    const before = await get(tenant, id)
    const open = await stopped(tenant, id)
    if (open !== null) {
      const of = { deployment_id: open.deploymentId, abandon: input.abandon }
      await deployments.cancelCombined(caller, of)
      const work = { orgId: tenant.orgId, clientId: before.client_id, id }
      await handOver({ jobs, logger }, 'offboard', work, before.client_id)
    }
    if (!before.is_final) {
      await db.as(tenant).tx((tx) =>
        audit(tx, actorOf(caller), {
          action: 'client.offboard_cancel',
          clientId: before.client_id,
          targetType: 'offboarding',
          targetId: id,
          outcome: input.abandon === true ? 'abandoned' : 'ok',
        }),
      )
    }
    return get(tenant, id)
  }

  return {
    /**
     * Cancels an off-boarding or a preview that runs, if that is still possible: what was removed stays removed, and
     * the client works again. With `abandon`, also one whose connection is lost while Salesforce may still be at
     * work. Does nothing if it has ended. Throws not_found, client_leaving, deployment_in_progress.
     */
    cancel,

    /** Says what `start` would take out and what stays; Salesforce validates it, and nothing is changed. */
    preview: (caller: Caller, input: OffboardInput, signal?: AbortSignal): Promise<Offboarding> =>
      begin(caller, input, true, signal),

    /**
     * Off-boards a client, and waits for the end as long as asked. Throws not_found, connection_not_ready,
     * deployment_in_progress, client_leaving, client_left, and what approvals throw.
     */
    start: (caller: Caller, input: OffboardInput, signal?: AbortSignal): Promise<Offboarding> =>
      begin(caller, input, false, signal),

    get,

    /** Newest first, without their lists and certificates. */
    list: async (
      tenant: Tenant,
      input: PageRequest & { client_id?: string | undefined },
    ): Promise<Page<Omit<Offboarding, 'removed' | 'restored' | 'stays' | 'certificate'>>> => {
      const reader = db.as(tenant).read
      let query = reader.selectFrom('offboardings').selectAll().where('org_id', '=', tenant.orgId)
      if (input.client_id !== undefined) {
        // What is left of a purged client names it only in its result.
        query = query.where(
          sql<boolean>`(client_id = ${input.client_id}
            or client_id is null and result #>> '{client,id}' = ${input.client_id.toLowerCase()})`,
        )
        const any = await query.limit(1).executeTakeFirst()
        if (any === undefined) await requireClient(reader, tenant, input.client_id)
      }
      return pageOf(query, 'id', input, (row) => {
        const {
          removed: _1,
          restored: _2,
          stays: _3,
          certificate: _4,
          ...rest
        } = toOffboarding(row)
        return rest
      })
    },

    worker,
    farewellOf,
  }
}

export type Offboardings = ReturnType<typeof createOffboardings>

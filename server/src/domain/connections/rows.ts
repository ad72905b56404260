// The rows of connections and attempts: how they are read, shown, and moved from state to state.

import { type RawBuilder, sql, type Selectable } from 'kysely'
import { type Reader, type Tenant, tenantOf, type Tx } from '../../db/database.ts'
import { jsonOrNull } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type ConnectionStatus } from '../../db/tables/connections.ts'
import { type Fault } from '../../db/tables/work.ts'
import { EngineError, type MemberError } from '../../errors.ts'
import { type NangoError } from '../../nango/failure.ts'
import { audit } from '../audit.ts'
import { causeInWords, causesOf } from './causes.ts'
import { type ConnectionFault, type Verdict } from './judge.ts'

export type ConnectionRow = Selectable<TenantTables['crm_connections']>
export type AttemptRow = Selectable<TenantTables['connection_attempts']> & {
  /** By the database's clock. */
  has_expired: boolean
}

export interface Connection {
  id: string
  client_id: string
  status: ConnectionStatus
  environment: 'production' | 'sandbox'
  /** This and the next member are for org_admin only. */
  provider_config_key?: string
  nango_connection_id?: string | null
  instance_url: string | null
  sfdc_org_id: string | null
  sfdc_user_id: string | null
  api_version: string
  error: Fault | null
  connected_at: string | null
  last_refreshed_at: string | null
  created_at: string
  updated_at: string
}

export const toConnection = (row: ConnectionRow, showNango: boolean): Connection => ({
  id: row.id,
  client_id: row.client_id,
  status: row.status,
  environment: row.environment,
  ...(showNango
    ? { provider_config_key: row.provider_config_key, nango_connection_id: row.nango_connection_id }
    : {}),
  instance_url: row.instance_url,
  sfdc_org_id: row.sfdc_org_id,
  sfdc_user_id: row.sfdc_user_id,
  api_version: row.api_version,
  error: row.error,
  connected_at: row.connected_at?.toISOString() ?? null,
  last_refreshed_at: row.last_refreshed_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const connectionById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
  lock = false,
): Promise<ConnectionRow | undefined> => {
  const query = reader
    .selectFrom('crm_connections')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
  return (lock ? query.forUpdate() : query).executeTakeFirst()
}

/**
 * A client's connection: the live one, or the last revoked one where none is live. Its state says which
 * one is live, never its id, which depends on the clock of the replica that wrote the row.
 */
export const connectionOfClient = (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
  lock = false,
): Promise<ConnectionRow | undefined> => {
  const query = reader
    .selectFrom('crm_connections')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .orderBy(sql<boolean>`status <> 'revoked'`, 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
  return (lock ? query.forUpdate() : query).executeTakeFirst()
}

/** The same in SQL, of the client that a statement is about: a select of these columns of `k`. */
export const connectionOf = (
  { orgId, clientId }: Record<'orgId' | 'clientId', RawBuilder<unknown>>,
  columns: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
  select ${columns} from crm_connections k
   where k.org_id = ${orgId} and k.client_id = ${clientId}
   order by k.status <> 'revoked' desc, k.created_at desc, k.id desc limit 1`

/** The Salesforce org to which a client is connected, in SQL; null: to none. */
export const presentOrgOf = (of: Parameters<typeof connectionOf>[0]): RawBuilder<string | null> =>
  sql<
    string | null
  >`(${connectionOf(of, sql`case when k.status <> 'revoked' then k.sfdc_org_id end`)})`

/**
 * What work compares to go on with a connection that it has read: it is still the live one, of the same
 * grant and version of the API. Null: it cannot be used.
 */
export const connectionStanding = (
  row: Pick<ConnectionRow, 'id' | 'generation' | 'api_version' | 'status'> | undefined,
): string | null =>
  row?.status === 'connected' ? `${row.id} ${row.generation} ${row.api_version}` : null

/** As {@link connectionStanding} says it now, for a statement; null also for a client that is inactive or leaving. */
export const presentStanding = (tenant: Tenant, clientId: string) => sql<string | null>`(
  select case when k.status = 'connected' then concat_ws(' ', k.id, k.generation, k.api_version) end
    from crm_connections k join clients c on c.id = k.client_id
   where k.org_id = ${tenant.orgId} and k.client_id = ${clientId} and c.is_active and c.leaving_at is null
   order by k.status <> 'revoked' desc, k.created_at desc, k.id desc limit 1)`

/** Serialises what changes a client's connection: creation, acceptance and revocation take turns. */
export const lockClient = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
): Promise<{ name: string; is_active: boolean } | undefined> =>
  tx
    .selectFrom('clients')
    .select(['name', 'is_active'])
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', clientId)
    .forNoKeyUpdate()
    .executeTakeFirst()

/** The possible causes of a symptom, as members of an error. */
const possible = (symptom: string): MemberError[] =>
  causesOf(symptom).map(({ code, message, remedy }) => ({
    path: '',
    code,
    message: `${message} ${remedy}`,
  }))

/** Nobody has come back from Salesforce yet, or they were refused there, which Nango does not report. */
export const notAuthorized = (): EngineError =>
  new EngineError(
    'connection_not_ready',
    'The authorization in Salesforce is not complete yet. If the browser shows a refusal, see errors for the possible causes.',
    {
      errors: possible('not_authorized'),
      remedy:
        'Have the connect link opened and access allowed in Salesforce, then repeat; for a new link, /api/connections/create.',
    },
  )

/** Why a connection that is not `connected` cannot be used, and what to do. */
export const notReady = (row: Pick<ConnectionRow, 'status' | 'error'> | undefined): EngineError => {
  const why = row?.error == null ? '' : ` (${row.error.code}: ${row.error.message})`
  switch (row?.status) {
    case undefined:
      return new EngineError(
        'connection_not_ready',
        'This client has never been connected to Salesforce.',
      )
    case 'pending':
      return notAuthorized()
    case 'expired':
      return new EngineError(
        'connection_not_ready',
        `The Salesforce grant has expired${why}. See errors for the possible causes, each with its remedy; if none applies, connect the client again.`,
        { errors: possible(row.error?.code ?? 'refresh_refused') },
      )
    case 'error':
      return new EngineError('connection_not_ready', `The connection is not usable${why}.`)
    default:
      return new EngineError(
        'connection_not_ready',
        'The connection was revoked. Connect the client again.',
      )
  }
}

/** The row has changed (replaced or revoked) while Nango was asked about it, so the answer is void. */
export class StaleConnection extends EngineError {
  override name = 'StaleConnection'

  constructor() {
    super(
      'connection_not_ready',
      'The connection was replaced or revoked in the meantime. Try again.',
    )
  }
}

const REFUSALS_UNTIL_EXPIRED = 3
const REFUSED_FOR_SECONDS = 600

type Change = Partial<{
  status: ConnectionStatus
  error: Fault | null
  generation: 'next'
  instanceUrl: string
  sfdcUserId: string
  refused: 'none' | 'once_more'
  refreshed: boolean
  releaseLeaseOf: string
}>

/**
 * Writes one observation. Throws {@link StaleConnection} if the row now has a different generation or is
 * revoked: the observation was not about its grant.
 */
const write = async (tx: Tx, row: ConnectionRow, change: Change): Promise<void> => {
  const now = sql<Date>`now()`
  const result = await tx
    .updateTable('crm_connections')
    .set({
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.error === undefined ? {} : { error: jsonOrNull(change.error) }),
      ...(change.generation === undefined ? {} : { generation: sql<number>`generation + 1` }),
      ...(change.instanceUrl === undefined ? {} : { instance_url: change.instanceUrl }),
      ...(change.sfdcUserId === undefined ? {} : { sfdc_user_id: change.sfdcUserId }),
      ...(change.refused === 'none'
        ? { refresh_refused_since: null, refresh_refused_count: 0, refresh_refused_at: null }
        : {}),
      ...(change.refused === 'once_more'
        ? {
            refresh_refused_since: sql<Date>`coalesce(refresh_refused_since, now())`,
            refresh_refused_count: sql<number>`refresh_refused_count + 1`,
            refresh_refused_at: now,
          }
        : {}),
      ...(change.refreshed === true
        ? { refresh_count: sql<string>`refresh_count + 1`, last_refreshed_at: now }
        : {}),
      ...(change.releaseLeaseOf === undefined
        ? {}
        : {
            refresh_lease_until: sql<Date | null>`case when refresh_lease_holder = ${change.releaseLeaseOf} then null else refresh_lease_until end`,
          }),
      updated_at: now,
    })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .where('generation', '=', row.generation)
    .where('status', '<>', 'revoked')
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) throw new StaleConnection()
}

const lost = async (tx: Tx, row: ConnectionRow, outcome: string): Promise<void> => {
  await audit(
    tx,
    {
      orgId: row.org_id,
      userId: null,
      credentialType: 'system',
      credentialId: null,
      requestId: null,
    },
    {
      action: 'connection.lost',
      clientId: row.client_id,
      targetType: 'connection',
      targetId: row.id,
      outcome,
    },
  )
}

/** Only a call that Salesforce served shows that its API is back; a token does not. */
const hasNoApi = (row: ConnectionRow): boolean =>
  row.status === 'error' && row.error?.code === 'api_disabled'

/** A usable answer: whatever was wrong before is over. `holder` is set after a forced refresh. */
export const noteSuccess = (
  tx: Tx,
  row: ConnectionRow,
  verdict: Extract<Verdict, { usable: true }>,
  holder: string | null,
): Promise<void> =>
  write(tx, row, {
    ...(hasNoApi(row) ? {} : { status: 'connected', error: null }),
    instanceUrl: verdict.session.instanceUrl,
    sfdcUserId: verdict.sfdcUserId,
    refused: 'none',
    ...(holder === null ? {} : { refreshed: true, releaseLeaseOf: holder }),
  })

/** True when {@link noteSuccess} would change what is stored, a forced refresh aside. */
export const isNews = (row: ConnectionRow, verdict: Extract<Verdict, { usable: true }>): boolean =>
  (row.status !== 'connected' && !hasNoApi(row)) ||
  row.refresh_refused_count > 0 ||
  row.instance_url !== verdict.session.instanceUrl ||
  row.sfdc_user_id !== verdict.sfdcUserId

/**
 * Salesforce served a call, so its API is on and the session is alive. The count of refused refreshes
 * stays: it decides once this session ends.
 */
export const noteApiWorks = async (tx: Tx, row: ConnectionRow): Promise<void> => {
  if (row.status === 'expired' || hasNoApi(row)) {
    await write(tx, row, { status: 'connected', error: null })
  }
}

/** Connected but unusable. Tokens of the generation that met the fault are dead everywhere. */
export const noteFault = async (
  tx: Tx,
  row: ConnectionRow,
  fault: ConnectionFault,
  holder: string | null,
): Promise<void> => {
  const release = holder === null ? {} : { releaseLeaseOf: holder }
  if (row.status === 'error' && row.error?.code === fault.code) {
    if (holder !== null) await write(tx, row, release)
    return
  }
  const keepsTokens = fault.code === 'api_disabled'
  await write(tx, row, {
    status: 'error',
    error: fault,
    ...(keepsTokens ? {} : { generation: 'next' as const }),
    ...release,
  })
  await lost(tx, row, fault.code)
}

/** The grant is dead beyond doubt. */
export const noteExpired = async (
  tx: Tx,
  row: ConnectionRow,
  error: Fault,
  holder: string | null = null,
): Promise<void> => {
  const release = holder === null ? {} : { releaseLeaseOf: holder }
  await write(tx, row, { status: 'expired', error, ...release })
  if (row.status !== 'expired') await lost(tx, row, error.code)
}

/**
 * Nango refused. A refused forced refresh counts: three of them over at least ten minutes mean that the
 * grant is dead. One is not enough, since Nango gives the same answer when Salesforce is merely down.
 */
export const noteRefusal = async (
  tx: Tx,
  seen: ConnectionRow,
  error: NangoError,
  holder: string | null,
): Promise<void> => {
  const row = (await connectionById(tx, tenantOf(seen), seen.id, true)) ?? seen
  const release = holder === null ? {} : { releaseLeaseOf: holder }
  if (row.generation !== seen.generation) throw new StaleConnection()
  if (error.kind === 'gone') {
    await noteExpired(
      tx,
      row,
      { code: 'grant_gone', message: 'Nango no longer holds this grant.' },
      holder,
    )
  } else if (error.kind === 'refresh_exhausted') {
    await noteExpired(
      tx,
      row,
      { code: 'refresh_limit_reached', message: 'Nango has given up refreshing this grant.' },
      holder,
    )
  } else if (error.kind === 'refresh_refused' && holder !== null) {
    await write(tx, row, { refused: 'once_more', ...release })
    const { long } = await tx
      .selectNoFrom(
        sql<boolean>`coalesce(now() - ${row.refresh_refused_since}::timestamptz >= make_interval(secs => ${REFUSED_FOR_SECONDS}), false)`.as(
          'long',
        ),
      )
      .executeTakeFirstOrThrow()
    if (long && row.refresh_refused_count + 1 >= REFUSALS_UNTIL_EXPIRED) {
      await noteExpired(tx, row, {
        code: 'refresh_refused',
        message:
          'Refreshing the grant was refused three times or more, over ten minutes or longer.' +
          // Most refusals say no more than that; words that name the cause are kept.
          (causeInWords(error.message) === null ? '' : ` The last answer: ${error.message}`),
      })
    }
  } else if (holder !== null) {
    await write(tx, row, release)
  }
}

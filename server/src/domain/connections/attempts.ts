// From "please authorize" to a live connection: the attempt with its connect session, and the acceptance
// of the grant that it brought. A new grant replaces the old one in one transaction, after it was
// checked; never by reconnecting in place, since Nango would overwrite the old credentials before
// anybody could check the new ones.

import { sql } from 'kysely'
import {
  type Database,
  isUniqueViolation,
  type Reader,
  type Tenant,
  type Tx,
  wholeOrg,
} from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { type ConnectionStatus, type Environment } from '../../db/tables/connections.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type NangoConnection } from '../../nango/connection.ts'
import { type ConnectSession, type Nango } from '../../nango/nango.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'
import { actorOf, audit, type Actor } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { bindIdempotency } from '../idempotency.ts'
import { faultError, judge, type Verdict } from './judge.ts'
import { lockClient, connectionOfClient, notReady, type ConnectionRow } from './rows.ts'
import { type KnownGrant } from './retire.ts'

export interface NewAttempt {
  client_id: string
  environment?: Environment | undefined
  login_host?: string | undefined
  api_version?: string | undefined
  allow_other_org?: boolean | undefined
}

export interface OpenedAttempt {
  row: ConnectionRow
  session: ConnectSession
}

/** A grant that will not be accepted, with the reason and what is needed to end it. */
export class RefusedGrant extends EngineError {
  override name = 'RefusedGrant'
  readonly grant: KnownGrant

  constructor(reason: EngineError, grant: KnownGrant) {
    super(reason.code, reason.message)
    this.grant = grant
  }
}

interface Options {
  db: Database
  nango: Nango
  hosts: HostPolicy
  providerConfigKey: Readonly<Record<Environment, string>>
  apiVersion: string
}

const LOGIN_HOSTS: Readonly<Record<Environment, string>> = {
  production: 'login.salesforce.com',
  sandbox: 'test.salesforce.com',
}

/** Longer than Nango's 30 minutes, so that a grant of the last minute is still accepted. */
const ATTEMPT_MINUTES = 35

export const inactiveClient = (): EngineError =>
  new EngineError(
    'client_inactive',
    'This client is inactive: no new Salesforce work is done for it.',
  )

export const createAttempts = ({ db, nango, hosts, providerConfigKey, apiVersion }: Options) => {
  /**
   * Opens an attempt with a new connect session. The session is created first: if Nango refuses, nothing
   * has changed and the previous attempt stays open.
   */
  const open = async (caller: Caller, input: NewAttempt): Promise<OpenedAttempt> => {
    const { tenant } = caller
    const clientId = input.client_id
    const before = await db.as(tenant).tx(async (tx) => {
      const client = await requireClient(tx, tenant, clientId)
      if (!client.is_active) throw inactiveClient()
      return connectionOfClient(tx, tenant, clientId)
    })
    const { environment, loginHost } = placeOf(input, before)
    const attemptId = newId()
    const key = providerConfigKey[environment]
    const version = input.api_version ?? before?.api_version ?? apiVersion
    const session = await nango.createConnectSession({
      providerConfigKey: key,
      tags: { organization_id: tenant.orgId, client_id: clientId, attempt_id: attemptId },
      // Nango: what is missing here can be set by the browser. An empty instance_url makes Nango take
      // the one from Salesforce's token response.
      connectionConfig: { hostname: hosts.loginBase(loginHost).host, instance_url: '' },
    })
    const row = await db.as(tenant).tx(async (tx) => {
      const client = await lockClient(tx, tenant, clientId)
      if (client?.is_active !== true) throw inactiveClient()
      const live = await liveOrNew(tx, caller, { clientId, environment, key, version })
      await tx
        .updateTable('connection_attempts')
        .set({ status: 'superseded' })
        .where('org_id', '=', tenant.orgId)
        .where('client_id', '=', clientId)
        .where('status', '=', 'open')
        .execute()
      await tx
        .insertInto('connection_attempts')
        .values({
          id: attemptId,
          org_id: tenant.orgId,
          client_id: clientId,
          connection_id: live.id,
          environment,
          provider_config_key: key,
          login_host: loginHost,
          api_version: version,
          allow_other_org: input.allow_other_org ?? false,
          session_expires_at: session.expiresAt,
          expires_at: sql<Date>`now() + make_interval(mins => ${ATTEMPT_MINUTES})`,
          created_by: caller.userId,
        })
        .execute()
      await bindIdempotency(tx, caller, attemptId)
      await audit(tx, actorOf(caller), {
        action: 'connection.create',
        clientId,
        targetType: 'connection',
        targetId: live.id,
      })
      return live
    })
    return { row, session }
  }

  const placeOf = (
    input: NewAttempt,
    before: ConnectionRow | undefined,
  ): { environment: Environment; loginHost: string } => {
    const host = input.login_host?.toLowerCase()
    const environment =
      input.environment ?? environmentOf(host) ?? before?.environment ?? 'production'
    const said = environmentOf(host)
    if (said !== null && said !== environment) {
      throw new EngineError(
        'host_refused',
        `${host} signs in to ${said} Salesforce orgs, but environment is ${environment}.`,
      )
    }
    const loginHost = host ?? LOGIN_HOSTS[environment]
    hosts.loginBase(loginHost)
    return { environment, loginHost }
  }

  /** A live connection stays as it is, on its old grant, until a new one has been accepted. */
  const liveOrNew = async (
    tx: Tx,
    caller: Caller,
    of: { clientId: string; environment: Environment; key: string; version: string },
  ): Promise<ConnectionRow> => {
    const { tenant } = caller
    const newest = await connectionOfClient(tx, tenant, of.clientId, true)
    const place = {
      environment: of.environment,
      provider_config_key: of.key,
      api_version: of.version,
    }
    if (newest === undefined || newest.status === 'revoked') {
      return tx
        .insertInto('crm_connections')
        .values({
          id: newId(),
          org_id: tenant.orgId,
          client_id: of.clientId,
          ...place,
          created_by: caller.userId,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
    }
    if (newest.status !== 'pending') return newest
    return tx
      .updateTable('crm_connections')
      .set({ ...place, updated_at: sql<Date>`now()` })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', newest.id)
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  /**
   * Makes the grant the client's live one, if it belongs to an open attempt of theirs, on a host of
   * Salesforce's, and to the right Salesforce org. Throws {@link RefusedGrant} for a grant that
   * cannot be accepted although it is ours.
   */
  const accept = async (
    tenant: Tenant,
    actor: Actor,
    attempt: { id: string; client_id: string },
    answer: NangoConnection,
  ): Promise<ConnectionRow> => {
    const verdict = judge(answer, hosts, null)
    const grant: KnownGrant = {
      nangoConnectionId: answer.id.toLowerCase(),
      providerConfigKey: answer.providerConfigKey,
      instanceUrl: verdict.usable ? verdict.session.instanceUrl : null,
      sfdcOrgId: verdict.sfdcOrgId,
    }
    if (!verdict.usable) throw new RefusedGrant(faultError(verdict.fault), grant)
    try {
      return await db.as(tenant).tx((tx) => swapIn(tx, tenant, actor, attempt, grant, verdict))
    } catch (error) {
      if (isUniqueViolation(error, 'crm_connections_one_client_per_salesforce_org')) {
        const { sfdcOrgId } = verdict
        // The whole org: after a webhook this is confined to one client, and another client is looked
        // for.
        const holder = await holderOf(
          db.as(wholeOrg(tenant.orgId)).read,
          tenant,
          sfdcOrgId,
          attempt.client_id,
        )
        throw new RefusedGrant(heldBy(sfdcOrgId, holder), grant)
      }
      // Some row already holds this connection, so this client cannot take it.
      if (isUniqueViolation(error, 'crm_connections_nango_id_once')) throw notFound('connection')
      throw error
    }
  }

  const swapIn = async (
    tx: Tx,
    tenant: Tenant,
    actor: Actor,
    { id: attemptId, client_id: clientId }: { id: string; client_id: string },
    grant: KnownGrant,
    verdict: Extract<Verdict, { usable: true }>,
  ): Promise<ConnectionRow> => {
    const client = await lockClient(tx, tenant, clientId)
    if (client === undefined) throw notFound('client')
    if (!client.is_active) throw inactiveClient()
    const attempt = await tx
      .selectFrom('connection_attempts')
      .selectAll()
      .select(sql<boolean>`expires_at <= clock_timestamp()`.as('has_expired'))
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .where('id', '=', attemptId)
      .forUpdate()
      .executeTakeFirst()
    const row = await connectionOfClient(tx, tenant, clientId, true)
    // Accepted twice at once, by the callback and by a webhook.
    if (row?.nango_connection_id === grant.nangoConnectionId && row.status !== 'revoked') return row
    if (attempt === undefined) throw notFound('connection')
    if (attempt.status !== 'open' || attempt.has_expired) {
      throw new RefusedGrant(endedAttempt(), grant)
    }
    if (row === undefined || row.status === 'revoked') throw notReady(row)

    const { sfdcOrgId, sfdcUserId, session } = verdict
    const former = row.sfdc_org_id ?? (await lastSalesforceOrg(tx, tenant, clientId))
    if (former !== null && former !== sfdcOrgId && !attempt.allow_other_org) {
      throw new RefusedGrant(
        new EngineError(
          'salesforce_org_mismatch',
          `The client belongs to the Salesforce org ${former}; ${sfdcOrgId} was authorized. ` +
            'Authorize the previous one, or create the connection with allow_other_org.',
        ),
        grant,
      )
    }
    const holder = await holderOf(tx, tenant, sfdcOrgId, clientId)
    if (holder !== undefined) {
      throw new RefusedGrant(heldBy(sfdcOrgId, holder), grant)
    }

    const swapped = await tx
      .updateTable('crm_connections')
      .set({
        status: 'connected',
        environment: attempt.environment,
        provider_config_key: grant.providerConfigKey,
        nango_connection_id: grant.nangoConnectionId,
        instance_url: session.instanceUrl,
        sfdc_org_id: sfdcOrgId,
        sfdc_user_id: sfdcUserId,
        api_version: attempt.api_version,
        generation: sql<number>`generation + 1`,
        error: null,
        refresh_refused_since: null,
        refresh_refused_count: 0,
        refresh_refused_at: null,
        refresh_lease_holder: null,
        refresh_lease_until: null,
        connected_at: sql<Date>`now()`,
        updated_at: sql<Date>`now()`,
      })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await tx
      .updateTable('connection_attempts')
      .set({
        status: 'accepted',
        refusal: null,
        nango_connection_id: grant.nangoConnectionId,
        instance_url: session.instanceUrl,
        sfdc_org_id: sfdcOrgId,
      })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', attempt.id)
      .execute()
    await audit(tx, actor, {
      action: 'connection.callback',
      clientId,
      targetType: 'connection',
      targetId: row.id,
    })
    return swapped
  }

  return { open, accept }
}

export type Attempts = ReturnType<typeof createAttempts>

/** The state of the connection that holds a Salesforce org, and what frees the org. */
const HOLDING: Readonly<Record<ConnectionStatus, string>> = {
  pending: 'whose authorization is not complete',
  connected: 'which is in use',
  expired: 'whose grant has expired',
  error: 'which is not usable at the moment',
  revoked: 'which was revoked',
}

interface Holder {
  id: string
  name: string
  status: ConnectionStatus
}

const heldBy = (sfdcOrgId: string, holder: Holder | undefined): EngineError =>
  new EngineError(
    'already_exists',
    holder === undefined
      ? `The Salesforce org ${sfdcOrgId} is being connected to another client.`
      : `The Salesforce org ${sfdcOrgId} is connected to the client ${holder.name} (${holder.id}) by a connection ${HOLDING[holder.status]}. ` +
          'Connect that client, or end its connection with /api/connections/revoke and authorize again.',
  )

export const endedAttempt = (): EngineError =>
  new EngineError(
    'connection_not_ready',
    'This authorization belongs to an attempt that has ended. Start again with /api/connections/create.',
  )

/** What the host name alone shows; My Domain hosts of production orgs show nothing. */
const environmentOf = (host: string | undefined): Environment | null => {
  if (host === undefined) return null
  if (host === LOGIN_HOSTS.sandbox || host.includes('.sandbox.my.')) return 'sandbox'
  return host === LOGIN_HOSTS.production ? 'production' : null
}

/**
 * For a client that was connected before: its snapshots and deployments belong to that Salesforce org.
 */
const lastSalesforceOrg = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
): Promise<string | null> => {
  const row = await tx
    .selectFrom('crm_connections')
    .select('sfdc_org_id')
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .where('sfdc_org_id', 'is not', null)
    .orderBy('connected_at', (order) => order.desc().nullsLast())
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.sfdc_org_id ?? null
}

/** The other client of this org that has the Salesforce org. */
const holderOf = (
  reader: Reader,
  tenant: Tenant,
  sfdcOrgId: string,
  clientId: string,
): Promise<Holder | undefined> =>
  reader
    .selectFrom('crm_connections as k')
    .innerJoin('clients as c', 'c.id', 'k.client_id')
    .select(['c.id', 'c.name', 'k.status'])
    .where('k.org_id', '=', tenant.orgId)
    .where('k.sfdc_org_id', '=', sfdcOrgId)
    .where('k.status', '<>', 'revoked')
    .where('k.client_id', '<>', clientId)
    .executeTakeFirst()

// The end of a grant: revoked at Salesforce, then deleted at Nango. Our key reaches everybody's
// connections, so a grant is left alone unless its tags, read again, name this org, this client and an
// attempt that we issued, and no row still holds it as its live one.

import { type Logger } from 'pino'
import { sql } from 'kysely'
import { type Database, type Tenant } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Grant, type Tags } from '../../nango/connection.ts'
import { NangoError } from '../../nango/failure.ts'
import { type Nango } from '../../nango/nango.ts'
import { type Salesforce } from '../../salesforce/gateway.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'
import { revokeToken } from '../../salesforce/oauth.ts'

/** What is known about a grant beside what Nango says. */
export interface KnownGrant {
  nangoConnectionId: string
  providerConfigKey: string
  /** Where its token is revoked; null: at the host that Nango names. */
  instanceUrl: string | null
  /** No token is sent anywhere if Nango's answer names a different Salesforce org. */
  sfdcOrgId: string | null
}

export interface FailedStep {
  step: 'read_grant' | 'revoke_at_salesforce' | 'delete_at_nango'
  code: string
  message: string
}

export interface Retirement {
  /** Ends one grant of the client. Never throws: every step that failed is in the answer. */
  retire(tenant: Tenant, clientId: string, grant: KnownGrant): Promise<FailedStep[]>
  /**
   * Ends the grants that earlier replacements and revocations of this client left behind. Never throws.
   */
  retireLeftovers(tenant: Tenant, clientId: string): Promise<void>
  /**
   * The same for grants that nobody accepted: a link of an attempt that has ended was used all the same, and
   * only Nango knows of it. Never throws.
   */
  retireStrays(tenant: Tenant, clientId: string): Promise<void>
}

interface Options {
  db: Database
  nango: Nango
  salesforce: Salesforce
  hosts: HostPolicy
  logger: Logger
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether the tags name this org and client at all. */
export const tagsName = (tags: Tags, tenant: Tenant, clientId: string): boolean =>
  tags.organization_id === tenant.orgId &&
  tags.client_id === clientId &&
  UUID.test(tags.attempt_id ?? '')

export const createRetirement = (options: Options): Retirement => {
  const { db, nango, salesforce, hosts, logger } = options

  const failed = (step: FailedStep['step'], error: unknown): FailedStep => {
    if (!(error instanceof EngineError)) throw error
    const { code, message } = error.upstream ?? error
    return { step, code, message: message === '' ? error.message : message }
  }

  /** Nango or our database being away is nothing unexpected: a later call tries again. */
  const tell = (what: string, error: unknown, clientId: string): void => {
    if (error instanceof EngineError) {
      logger.warn({ client_id: clientId, code: error.code, reason: error.message }, what)
    } else logger.error({ err: error, client_id: clientId }, what)
  }

  /** The grant with the token that ends it; without it where Nango names only the tags. */
  const read = async (
    grant: KnownGrant,
  ): Promise<{ tags: Tags; grant: Grant | null; failure: FailedStep | null } | 'gone'> => {
    const name = { id: grant.nangoConnectionId, providerConfigKey: grant.providerConfigKey }
    try {
      const answer = await nango.getConnection({ ...name, refreshToken: true })
      return { tags: answer.tags, grant: answer.grant, failure: null }
    } catch (error) {
      if (!(error instanceof NangoError)) throw error
      if (error.kind === 'gone') return 'gone'
      return { tags: error.tags ?? {}, grant: null, failure: failed('read_grant', error) }
    }
  }

  const isProvablyOurs = (
    tenant: Tenant,
    clientId: string,
    tags: Tags,
    nangoConnectionId: string,
  ): Promise<boolean> =>
    tagsName(tags, tenant, clientId)
      ? db.as(tenant).tx(async (tx) => {
          const attempt = await tx
            .selectFrom('connection_attempts')
            .select('id')
            .where('org_id', '=', tenant.orgId)
            .where('client_id', '=', clientId)
            .where('id', '=', tags.attempt_id ?? '')
            .executeTakeFirst()
          const live = await tx
            .selectFrom('crm_connections')
            .select('id')
            .where('org_id', '=', tenant.orgId)
            .where('nango_connection_id', '=', nangoConnectionId)
            .where('status', '<>', 'revoked')
            .executeTakeFirst()
          return attempt !== undefined && live === undefined
        })
      : Promise.resolve(false)

  const revoke = async (known: KnownGrant, grant: Grant): Promise<void> => {
    if (known.sfdcOrgId !== null && grant.sfdcOrgId !== known.sfdcOrgId) {
      throw new EngineError(
        'salesforce_org_changed',
        'The grant now leads to a different Salesforce org; its token was not sent anywhere.',
      )
    }
    const { origin } = hosts.instanceBase(known.instanceUrl ?? grant.instanceUrl ?? '')
    // Salesforce: revoking the refresh token ends the grant with all its access tokens.
    await revokeToken(salesforce, origin, grant.refreshToken ?? grant.accessToken)
  }

  const markRetired = (tenant: Tenant, nangoConnectionId: string): Promise<unknown> =>
    db.as(tenant).tx((tx) =>
      tx
        .updateTable('connection_attempts')
        .set({ retired_at: sql<Date>`now()` })
        .where('org_id', '=', tenant.orgId)
        .where('nango_connection_id', '=', nangoConnectionId)
        .execute(),
    )

  const endGrant = async (
    tenant: Tenant,
    clientId: string,
    known: KnownGrant,
  ): Promise<FailedStep[]> => {
    const found = await read(known)
    if (found === 'gone') {
      await markRetired(tenant, known.nangoConnectionId)
      return []
    }
    const failures = found.failure === null ? [] : [found.failure]
    if (!(await isProvablyOurs(tenant, clientId, found.tags, known.nangoConnectionId))) {
      return [
        ...failures,
        {
          step: 'delete_at_nango',
          code: 'not_provably_ours',
          message:
            'The tags at Nango do not show that this connection is ours, so it was left alone.',
        },
      ]
    }
    if (found.grant !== null) {
      await revoke(known, found.grant).catch((error: unknown) =>
        failures.push(failed('revoke_at_salesforce', error)),
      )
    } else if (found.failure === null) {
      failures.push({
        step: 'revoke_at_salesforce',
        code: 'credentials_missing',
        message:
          'Nango returned no credentials: the key needs environment:connections:read_credentials.',
      })
    }
    try {
      await nango.deleteConnection({
        id: known.nangoConnectionId,
        providerConfigKey: known.providerConfigKey,
      })
      await markRetired(tenant, known.nangoConnectionId)
    } catch (error) {
      failures.push(failed('delete_at_nango', error))
    }
    return failures
  }

  const retire: Retirement['retire'] = async (tenant, clientId, known) => {
    try {
      const failures = await endGrant(tenant, clientId, known)
      if (failures.length > 0) {
        logger.warn({ client_id: clientId, failures }, 'a grant could not be retired in full')
      }
      return failures
    } catch (error) {
      tell('a grant could not be retired', error, clientId)
      const { code, message } =
        error instanceof EngineError
          ? error
          : { code: 'internal', message: 'Something went wrong on our side.' }
      return [{ step: 'delete_at_nango', code, message }]
    }
  }

  const leftovers = async (tenant: Tenant, clientId: string): Promise<KnownGrant[]> => {
    const rows = await db
      .as(tenant)
      .read.selectFrom('connection_attempts as a')
      .select(['a.nango_connection_id', 'a.provider_config_key', 'a.instance_url', 'a.sfdc_org_id'])
      .where('a.org_id', '=', tenant.orgId)
      .where('a.client_id', '=', clientId)
      .where('a.nango_connection_id', 'is not', null)
      .where('a.retired_at', 'is', null)
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('crm_connections as k')
              .select('k.id')
              .whereRef('k.nango_connection_id', '=', 'a.nango_connection_id')
              .where('k.status', '<>', 'revoked'),
          ),
        ),
      )
      .orderBy('a.id')
      .limit(10)
      .execute()
    return rows.flatMap(({ nango_connection_id, provider_config_key, instance_url, sfdc_org_id }) =>
      nango_connection_id === null
        ? []
        : {
            nangoConnectionId: nango_connection_id,
            providerConfigKey: provider_config_key,
            instanceUrl: instance_url,
            sfdcOrgId: sfdc_org_id,
          },
    )
  }

  const strays = async (tenant: Tenant, clientId: string): Promise<KnownGrant[]> => {
    const listed = await nango.listConnections({
      tags: { organization_id: tenant.orgId, client_id: clientId },
    })
    const attempts = await db
      .as(tenant)
      .read.selectFrom('connection_attempts')
      .select(['id', 'status', 'nango_connection_id', 'retired_at'])
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .execute()
    const live = await db
      .as(tenant)
      .read.selectFrom('crm_connections')
      .select('nango_connection_id')
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .where('status', '<>', 'revoked')
      .execute()
    const ended = new Set(attempts.filter(({ status }) => status !== 'open').map(({ id }) => id))
    // Whatever an attempt says: what the client works with is never ended here. What Nango still lists
    // although it said that it deleted it is a stray again.
    const kept = attempts.filter(({ retired_at }) => retired_at === null)
    const accepted = new Set(
      [...kept, ...live].map(({ nango_connection_id }) => nango_connection_id),
    )
    return listed
      .filter(
        ({ id, tags }) =>
          tagsName(tags, tenant, clientId) &&
          ended.has(tags.attempt_id ?? '') &&
          !accepted.has(id.toLowerCase()),
      )
      .map(({ id, providerConfigKey }) => ({
        nangoConnectionId: id,
        providerConfigKey,
        instanceUrl: null,
        sfdcOrgId: null,
      }))
  }

  /** Ends all that `find` finds. Never throws. */
  const retireAll =
    (find: (tenant: Tenant, clientId: string) => Promise<KnownGrant[]>) =>
    async (tenant: Tenant, clientId: string): Promise<void> => {
      try {
        for (const grant of await find(tenant, clientId)) await retire(tenant, clientId, grant)
      } catch (error) {
        tell('left-over grants could not be retired', error, clientId)
      }
    }

  return { retire, retireLeftovers: retireAll(leftovers), retireStrays: retireAll(strays) }
}

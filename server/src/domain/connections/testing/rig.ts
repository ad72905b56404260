// What the tests of this folder use: an org with its people in a database, and replicas of the
// connections that share it. Nango is the simulator's, started by the test.

import { pino } from 'pino'
import { openDatabase, type Database } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { type Role } from '../../../db/tables/tenancy.ts'
import { createNango } from '../../../nango/nango.ts'
import { createSalesforce } from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { Secret } from '../../../secret.ts'
import { ROLE_PERMISSIONS } from '../../auth/permissions.ts'
import { type Caller } from '../../caller.ts'
import { createApprovals } from '../../approvals/approvals.ts'
import { createConnections, type Connections } from '../connections.ts'

interface Options {
  databaseUrl: string
  /** As the login that owns everything. */
  query: (text: string, values: unknown[]) => Promise<unknown>
  nangoUrl: string
  nangoKey: string
  allowedHosts: string[]
  signingKeys?: string[]
}

interface ReplicaOptions {
  tokenCacheMs?: number
  waitScale?: number
  apiReservePercent?: number
  nangoKey?: string
  nangoUrl?: string
  interactiveDeadlineMs?: number
}

export interface Replica {
  db: Database
  connections: Connections
}

export const createRig = (options: Options) => {
  const closing: (() => Promise<unknown>)[] = []

  const replica = (over: ReplicaOptions = {}): Replica => {
    const logger = pino({ level: 'silent' })
    const db = openDatabase({
      url: new Secret(options.databaseUrl),
      maxConnections: 5,
      onIdleError: () => undefined,
    })
    const hosts = createHostPolicy(options.allowedHosts)
    const salesforce = createSalesforce({
      hosts,
      wait: async () => undefined,
      ...(over.interactiveDeadlineMs === undefined
        ? {}
        : { interactiveDeadlineMs: over.interactiveDeadlineMs }),
    })
    const nango = createNango({
      baseUrl: over.nangoUrl ?? options.nangoUrl,
      secretKey: new Secret(over.nangoKey ?? options.nangoKey),
      wait: async () => undefined,
    })
    const connections = createConnections({
      db,
      approvals: createApprovals({ db, secrets: [new Secret('of approvals')] }),
      nango,
      salesforce,
      hosts,
      logger,
      providerConfigKey: { production: 'salesforce', sandbox: 'salesforce-sandbox' },
      apiVersion: 'v66.0',
      apiReservePercent: over.apiReservePercent ?? 10,
      webhookSigningKeys: (options.signingKeys ?? []).map((key) => new Secret(key)),
      joinedPauseMs: 10,
      ...(over.tokenCacheMs === undefined ? {} : { tokenCacheMs: over.tokenCacheMs }),
      ...(over.waitScale === undefined ? {} : { waitScale: over.waitScale }),
    })
    closing.push(
      () => nango.close(),
      () => salesforce.close(),
      () => db.close(),
    )
    return { db, connections }
  }

  const org = async () => {
    const orgId = newId()
    await options.query(`insert into organizations (id, name, slug) values ($1, 'Agency', $2)`, [
      orgId,
      `agency-${orgId}`,
    ])
    const caller = async (role: Role, clientId: string | null = null): Promise<Caller> => {
      const userId = newId()
      const email = `${userId}@agency.example`
      await options.query(
        `insert into users (id, org_id, client_id, email, password_hash, role) values ($1, $2, $3, $4, 'x', $5)`,
        [userId, orgId, clientId, email, role],
      )
      return {
        tenant: { orgId, clientId },
        userId,
        email,
        role,
        permissions: ROLE_PERMISSIONS[role],
        credential: { type: 'api_token', id: newId() },
        requestId: 'test',
        idempotency: null,
      }
    }
    const client = async (name = 'Acme'): Promise<string> => {
      const id = newId()
      await options.query(`insert into clients (id, org_id, name) values ($1, $2, $3)`, [
        id,
        orgId,
        name,
      ])
      return id
    }
    return { id: orgId, admin: await caller('org_admin'), caller, client }
  }

  return {
    replica,
    org,
    close: async () => {
      for (const close of closing) await close()
    },
  }
}

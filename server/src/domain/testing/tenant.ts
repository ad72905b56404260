// A tenant for the rigs of this folder, straight into the database: an org with an org_admin, and clients of
// it that are connected to a Salesforce org.

import { newId } from '../../db/ids.ts'
import { ROLE_PERMISSIONS } from '../auth/permissions.ts'
import { type Caller } from '../caller.ts'

/** A database as the login that owns everything. */
interface OwnedDatabase {
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
}

/** An org and its org_admin as a caller. */
export const seedOrg = async (database: OwnedDatabase): Promise<Caller> => {
  const [orgId, userId] = [newId(), newId()]
  const email = `${userId}@agency.example`
  await database.query(`insert into organizations (id, name, slug) values ($1, 'Agency', $2)`, [
    orgId,
    `agency-${orgId}`,
  ])
  await database.query(
    `insert into users (id, org_id, email, password_hash, role) values ($1, $2, $3, 'x', 'org_admin')`,
    [userId, orgId, email],
  )
  return {
    tenant: { orgId, clientId: null },
    userId,
    email,
    role: 'org_admin',
    permissions: ROLE_PERMISSIONS.org_admin,
    credential: { type: 'api_token', id: newId() },
    requestId: 'test',
    idempotency: null,
  }
}

interface Grant {
  instanceUrl: string
  sfdcOrgId: string
  sfdcUserId: string
  apiVersion: string
}

/** The id of a new client of the org, connected as this user of this Salesforce org. */
export const seedClient = async (
  database: OwnedDatabase,
  orgId: string,
  { instanceUrl, sfdcOrgId, sfdcUserId, apiVersion }: Grant,
): Promise<string> => {
  const clientId = newId()
  await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Acme')`, [
    clientId,
    orgId,
  ])
  await database.query(
    `insert into crm_connections (id, org_id, client_id, status, environment, provider_config_key,
       nango_connection_id, instance_url, sfdc_org_id, sfdc_user_id, api_version)
     values ($1, $2, $3, 'connected', 'production', 'salesforce', $4, $5, $6, $7, $8)`,
    [newId(), orgId, clientId, newId(), instanceUrl, sfdcOrgId, sfdcUserId, apiVersion],
  )
  return clientId
}

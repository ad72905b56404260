// Connections to Salesforce orgs, attempts at them, and campaigns for new consent.

import { type ColumnType, type Generated } from 'kysely'
import { type DefaultedTimestamp, type Json, type Timestamp } from './columns.ts'
import { type Fault } from './work.ts'

export type Environment = 'production' | 'sandbox'

export type ConnectionStatus = 'pending' | 'connected' | 'expired' | 'revoked' | 'error'

export interface CrmConnections {
  id: string
  org_id: string
  client_id: string
  status: ColumnType<ConnectionStatus, ConnectionStatus | undefined, ConnectionStatus>
  environment: Environment
  provider_config_key: string
  nango_connection_id: string | null
  instance_url: string | null
  sfdc_org_id: string | null
  sfdc_user_id: string | null
  api_version: string
  generation: Generated<number>
  error: Json<Fault | null> | null
  refresh_refused_since: Timestamp | null
  refresh_refused_count: Generated<number>
  refresh_refused_at: Timestamp | null
  refresh_lease_holder: string | null
  refresh_lease_until: Timestamp | null
  refresh_count: Generated<string>
  connected_at: Timestamp | null
  last_refreshed_at: Timestamp | null
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

/** Why what was authorized was not accepted. */
export interface Refusal extends Fault {
  nango_connection_id: string
}

export interface ConnectionAttempts {
  id: string
  org_id: string
  client_id: string
  connection_id: string
  environment: Environment
  provider_config_key: string
  login_host: string
  api_version: string
  allow_other_org: Generated<boolean>
  status: ColumnType<
    'open' | 'accepted' | 'superseded' | 'abandoned',
    'open' | undefined,
    'open' | 'accepted' | 'superseded' | 'abandoned'
  >
  nango_connection_id: string | null
  instance_url: string | null
  sfdc_org_id: string | null
  refusal: Json<Refusal | null> | null
  retired_at: Timestamp | null
  session_expires_at: Timestamp | null
  expires_at: Timestamp
  created_by: string | null
  created_at: DefaultedTimestamp
}

export interface ReconsentCampaigns {
  id: string
  org_id: string
  name: string
  note: string | null
  created_by: string | null
  created_at: DefaultedTimestamp
}

export interface ReconsentClients {
  id: string
  org_id: string
  client_id: string
  campaign_id: string
  reason: 'scope' | 'dead_grant' | 'app_rules'
  cause: Json<Fault | null> | null
  asked_at: DefaultedTimestamp
}

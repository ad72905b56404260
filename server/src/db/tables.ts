// The tables as Kysely sees them. The truth is migrations/; a test compares the two.

import {
  type ConnectionAttempts,
  type CrmConnections,
  type ReconsentCampaigns,
  type ReconsentClients,
} from './tables/connections.ts'
import {
  type CrmConflictReports,
  type CrmDeployments,
  type DeploymentComponents,
  type DeploymentImages,
  type DeploymentRuns,
} from './tables/deployments.ts'
import {
  type EventSequences,
  type Events,
  type WebhookDeliveries,
  type WebhookEndpoints,
} from './tables/events.ts'
import {
  type BlueprintBindings,
  type BlueprintVersions,
  type Blueprints,
  type FleetDriftResults,
  type FleetDriftRuns,
  type FleetReadings,
  type Offboardings,
  type RolloutCounts,
  type RolloutTargets,
  type RolloutWaves,
  type Rollouts,
} from './tables/fleet.ts'
import {
  type CrmFieldMappings,
  type CrmPushLogs,
  type FieldMappingVersions,
  type PushChunks,
  type PushLanes,
  type PushResults,
  type PushRows,
} from './tables/pushes.ts'
import {
  type SearchClients,
  type SearchContents,
  type SearchFacts,
  type SearchSets,
} from './tables/search.ts'
import {
  type ApiTokens,
  type Approvals,
  type AuditLog,
  type Clients,
  type IdempotencyKeys,
  type LoginSessions,
  type Organizations,
  type Purges,
  type Users,
} from './tables/tenancy.ts'
import {
  type CrmTopologySnapshots,
  type TopologyBlobs,
  type TopologyFrames,
  type TopologyPullItems,
  type TopologyValidators,
} from './tables/topology.ts'

export interface TenantTables {
  organizations: Organizations
  clients: Clients
  users: Users
  login_sessions: LoginSessions
  api_tokens: ApiTokens
  approvals: Approvals
  crm_connections: CrmConnections
  connection_attempts: ConnectionAttempts
  topology_blobs: TopologyBlobs
  topology_frames: TopologyFrames
  crm_topology_snapshots: CrmTopologySnapshots
  topology_pull_items: TopologyPullItems
  topology_validators: TopologyValidators
  crm_conflict_reports: CrmConflictReports
  crm_deployments: CrmDeployments
  deployment_runs: DeploymentRuns
  deployment_components: DeploymentComponents
  deployment_images: DeploymentImages
  crm_push_logs: CrmPushLogs
  push_lanes: PushLanes
  push_rows: PushRows
  push_chunks: PushChunks
  push_results: PushResults
  crm_field_mappings: CrmFieldMappings
  field_mapping_versions: FieldMappingVersions
  audit_log: AuditLog
  idempotency_keys: IdempotencyKeys
  event_sequences: EventSequences
  events: Events
  webhook_endpoints: WebhookEndpoints
  webhook_deliveries: WebhookDeliveries
  blueprints: Blueprints
  blueprint_versions: BlueprintVersions
  blueprint_bindings: BlueprintBindings
  search_clients: SearchClients
  reconsent_campaigns: ReconsentCampaigns
  reconsent_clients: ReconsentClients
  search_sets: SearchSets
  search_facts: SearchFacts
  search_contents: SearchContents
  fleet_drift_runs: FleetDriftRuns
  fleet_drift_results: FleetDriftResults
  fleet_readings: FleetReadings
  offboardings: Offboardings
  purges: Purges
  rollouts: Rollouts
  rollout_waves: RolloutWaves
  rollout_targets: RolloutTargets
  rollout_counts: RolloutCounts
}

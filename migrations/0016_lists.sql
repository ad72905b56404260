-- Lists over all clients of an org, and lists limited by status or time: each finds its page by an index
-- instead of reading past everything that it leaves out. Safe to run again, like 0001.

create index if not exists crm_topology_snapshots_by_org on public.crm_topology_snapshots (org_id, id desc);
create index if not exists crm_topology_snapshots_by_status on public.crm_topology_snapshots (org_id, status, id desc);
create index if not exists crm_topology_snapshots_by_time on public.crm_topology_snapshots (org_id, created_at);

create index if not exists crm_conflict_reports_by_org on public.crm_conflict_reports (org_id, id desc);
create index if not exists crm_conflict_reports_by_status on public.crm_conflict_reports (org_id, status, id desc);
create index if not exists crm_conflict_reports_by_time on public.crm_conflict_reports (org_id, created_at);

create index if not exists crm_deployments_by_org on public.crm_deployments (org_id, id desc);
create index if not exists crm_deployments_by_status on public.crm_deployments (org_id, status, id desc);
create index if not exists crm_deployments_by_time on public.crm_deployments (org_id, created_at);

create index if not exists deployment_runs_rollbacks on public.deployment_runs (org_id, id desc) where kind = 'rollback';

create index if not exists crm_push_logs_by_org on public.crm_push_logs (org_id, id desc);
create index if not exists crm_push_logs_by_status on public.crm_push_logs (org_id, status, id desc);
create index if not exists crm_push_logs_by_time on public.crm_push_logs (org_id, created_at);

create index if not exists audit_log_by_time on public.audit_log (org_id, at);

-- The result that says how a client stands is that of its newest snapshot: without this index, PostgreSQL reads all
-- results of a client to find that. Safe to run again, like 0001.

create index if not exists fleet_drift_results_by_snapshot
  on public.fleet_drift_results (org_id, client_id, blueprint_id, snapshot_version) where state is not null;

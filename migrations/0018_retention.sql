-- Retention: what is past its time goes, and the rest stays whole. References to rows that go are
-- emptied where only the past refers to them; the audit log outlives the client that it is about, so that
-- a client can be deleted. Safe to run again, like 0001.

alter table public.crm_deployments
  -- Since then it cannot be rolled back: its images and packages are gone.
  add column if not exists images_discarded_at timestamptz;

alter table public.crm_topology_snapshots
  drop constraint if exists crm_topology_snapshots_base_snapshot_id_fkey,
  add constraint crm_topology_snapshots_base_snapshot_id_fkey foreign key (org_id, base_snapshot_id)
    references public.crm_topology_snapshots (org_id, id) on delete set null (base_snapshot_id);
alter table public.crm_push_logs
  drop constraint if exists crm_push_logs_snapshot_id_fkey,
  add constraint crm_push_logs_snapshot_id_fkey foreign key (org_id, snapshot_id)
    references public.crm_topology_snapshots (org_id, id) on delete set null (snapshot_id);
alter table public.audit_log drop constraint if exists audit_log_client_id_fkey;

-- Without these, each deleted snapshot, report or user would read whole tables for what refers to it.
create index if not exists crm_topology_snapshots_by_base
  on public.crm_topology_snapshots (org_id, base_snapshot_id) where base_snapshot_id is not null;
create index if not exists crm_push_logs_by_snapshot
  on public.crm_push_logs (org_id, snapshot_id) where snapshot_id is not null;
create index if not exists crm_conflict_reports_by_snapshot
  on public.crm_conflict_reports (org_id, snapshot_id) where snapshot_id is not null;
create index if not exists crm_conflict_reports_by_pull
  on public.crm_conflict_reports (org_id, pull_id) where pull_id is not null;
create index if not exists crm_deployments_by_report
  on public.crm_deployments (org_id, conflict_report_id) where conflict_report_id is not null;
create index if not exists crm_conflict_reports_by_age on public.crm_conflict_reports (created_at);
create index if not exists crm_deployments_by_age
  on public.crm_deployments (created_at) where images_discarded_at is null;
create index if not exists audit_log_by_age on public.audit_log (at);

-- The functions below work across all tenants, on at most so many rows, and return how many went.
-- `days` is 0 for "keep all".

-- A report that a deployment was gated by stays with it.
create or replace function engine_lookup.discard_reports(days integer, most integer)
  returns integer language plpgsql volatile security definer set search_path = '' as $$
declare gone integer;
begin
  if days = 0 then return 0; end if;
  delete from public.crm_conflict_reports where id in (
    select r.id from public.crm_conflict_reports r
     where r.created_at < now() - make_interval(days => days) and r.status <> 'running'
       and not exists (select from public.crm_deployments d
                        where d.org_id = r.org_id and d.conflict_report_id = r.id)
     order by r.created_at limit most for update skip locked);
  get diagnostics gone = row_count;
  return gone;
end $$;

create or replace function engine_lookup.discard_audit(days integer, most integer)
  returns integer language plpgsql volatile security definer set search_path = '' as $$
declare gone integer;
begin
  if days = 0 then return 0; end if;
  delete from public.audit_log where id in (
    select a.id from public.audit_log a where a.at < now() - make_interval(days => days)
     order by a.at limit most for update skip locked);
  get diagnostics gone = row_count;
  return gone;
end $$;

-- Images and packages of deployments, all at once: a rollback has all of them or is refused. `days` for
-- those that can be rolled back, `closed_days` for those that cannot (rolled back, only validated, or
-- without effect). Locking the row excludes a rollback that is just being accepted: its run refers to
-- the row, and marks it as running.
create or replace function engine_lookup.discard_images(days integer, closed_days integer, most integer)
  returns integer language plpgsql volatile security definer set search_path = '' as $$
declare due uuid[];
begin
  select array_agg(id) into due from (
    select d.id from public.crm_deployments d
     where d.images_discarded_at is null and d.status <> 'pending'
       and d.rollback ->> 'status' is distinct from 'running'
       and greatest(d.created_at, d.deployed_at, d.rolled_back_at) < now() - make_interval(days =>
             case when d.status = 'deployed' or d.applied is not distinct from 'unknown' and d.status <> 'rolled_back'
                  then nullif(days, 0) else nullif(closed_days, 0) end)
       and not exists (select from public.deployment_runs r
                        where r.org_id = d.org_id and r.deployment_id = d.id and r.ended_at is null)
     order by d.created_at limit most for update skip locked) as found;
  if due is null then return 0; end if;
  delete from public.deployment_images where deployment_id = any(due);
  update public.deployment_runs set package = null where deployment_id = any(due) and package is not null;
  update public.crm_deployments set images_discarded_at = now() where id = any(due);
  return cardinality(due);
end $$;

-- Snapshots past their time that nothing stands on: not the newest `keep` of a client (the newest is one
-- of them), none that a report names, that a push is using or that a pull builds on.
create or replace function engine_lookup.old_snapshots(days integer, keep integer, most integer)
  returns table (org_id uuid, client_id uuid, id uuid)
  language sql stable security definer set search_path = '' as $$
  select s.org_id, s.client_id, s.id
    from public.crm_topology_snapshots s
   where days > 0 and s.status <> 'pulling' and s.created_at < now() - make_interval(days => days)
     and (s.version is null or s.version <= (
           select k.version from public.crm_topology_snapshots k
            where k.client_id = s.client_id and k.version is not null
            order by k.version desc offset keep limit 1))
     and not exists (select from public.crm_conflict_reports r
                      where r.org_id = s.org_id and (r.snapshot_id = s.id or r.pull_id = s.id))
     and not exists (select from public.crm_push_logs p
                      where p.org_id = s.org_id and p.snapshot_id = s.id
                        and p.status in ('queued', 'in_progress'))
     and not exists (select from public.crm_topology_snapshots p
                      where p.client_id = s.client_id and p.status = 'pulling')
   order by s.client_id, s.id limit most
$$;

do $$
declare f regprocedure;
begin
  foreach f in array array[
    'engine_lookup.discard_reports(integer, integer)', 'engine_lookup.discard_audit(integer, integer)',
    'engine_lookup.discard_images(integer, integer, integer)',
    'engine_lookup.old_snapshots(integer, integer, integer)']::regprocedure[] loop
    call engine.protect_lookup(f);
  end loop;
end $$;

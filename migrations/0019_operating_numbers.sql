-- What /metrics says of the whole installation, whichever replica is asked. Each part reads an index that
-- holds only what is open or recent, so that a scrape costs milliseconds however much is kept. No
-- number is told per tenant. Safe to run again, like 0001.

create index if not exists deployment_runs_open on public.deployment_runs (id) where ended_at is null;
create index if not exists crm_conflict_reports_running on public.crm_conflict_reports (id) where status = 'running';
create index if not exists crm_deployments_by_age on public.crm_deployments (created_at);
create index if not exists crm_push_logs_by_acceptance on public.crm_push_logs (accepted_at) where accepted_at is not null;

create or replace function engine_lookup.operating_numbers(reserve_percent integer)
  returns table (series text, label text, second_label text, value float8)
  language sql stable security definer set search_path = ''
  -- With row-level security PostgreSQL may not use its statistics here, takes every status to be equally
  -- frequent, and would read whole tables for the few rows that are open.
  set enable_seqscan = off as $$
  with open_work as (
    select 'topology-pull' as kind, s.error, s.created_at
      from public.crm_topology_snapshots s where s.status = 'pulling'
    union all
    select r.kind::text, r.error, r.created_at from public.deployment_runs r where r.ended_at is null
    union all
    select 'conflict-check', c.error, c.created_at
      from public.crm_conflict_reports c where c.status = 'running'
    union all
    select 'push', p.error, p.accepted_at
      from public.crm_push_logs p where p.status in ('queued', 'in_progress') and p.accepted_at is not null
  ), judged as (
    select w.kind, coalesce(w.error -> 'waiting' ->> 'for', 'nothing') as waits_for, w.created_at from open_work w
  ), budget as (
    select case when u.refused_until > now() or u.max <= u.used then 'used_up'
                when u.max - u.used <= ceil(u.max * operating_numbers.reserve_percent / 100.0) then 'reserve'
                else 'left' end as state,
           (u.max - u.used)::float8 / u.max as ratio
      from engine.salesforce_org_usage u
     where u.max > 0 and u.observed_at > now() - interval '24 hours'
  ), recent_pushes as (
    select p.succeeded, p.failed, p.total - p.succeeded - p.failed as open
      from public.crm_push_logs p
     where p.accepted_at > now() - interval '1 hour' and not p.dry_run
  )
  select 'work', j.kind, j.waits_for, count(*)::float8 from judged j group by 2, 3
  union all
  select 'oldest_work', j.kind, null, extract(epoch from now() - min(j.created_at))::float8 from judged j group by 2
  union all
  select 'deployments', d.status::text, null, count(*)
    from public.crm_deployments d where d.created_at > now() - interval '24 hours' group by 2
  union all
  select 'push_rows', r.outcome, null, r.rows
    from (select coalesce(sum(p.succeeded), 0) as succeeded, coalesce(sum(p.failed), 0) as failed,
                 coalesce(sum(p.open), 0) as open from recent_pushes p) p,
         lateral (values ('succeeded', p.succeeded), ('failed', p.failed), ('open', p.open)) r (outcome, rows)
  union all
  select 'connections', c.status::text, null, count(*)
    from public.crm_connections c where c.status <> 'revoked' group by 2
  union all
  select 'salesforce_orgs', b.state, null, count(*) from budget b group by 2
  union all
  select 'least_budget', null, null, greatest(min(b.ratio), 0) from budget b having count(*) > 0
$$;
call engine.protect_lookup('engine_lookup.operating_numbers(integer)');

-- A pull waits for an outage to pass, as other work does: its row says when it is looked at again.

alter table public.crm_topology_snapshots add column if not exists resume_at timestamptz;

create or replace function engine_lookup.unfinished_work()
  returns table (kind text, org_id uuid, id uuid, sfdc_org_id text)
  language sql stable security definer set search_path = '' as $$
  select 'topology-pull', s.org_id, s.id, s.sfdc_org_id
    from public.crm_topology_snapshots s
   where s.status = 'pulling' and (s.resume_at is null or s.resume_at <= now())
  union all
  select r.kind, r.org_id, r.id, r.sfdc_org_id
    from public.deployment_runs r
   where r.ended_at is null and (r.resume_at is null or r.resume_at <= now())
  union all
  select 'conflict-check', c.org_id, c.id, c.sfdc_org_id
    from public.crm_conflict_reports c
   where c.status = 'running' and (c.resume_at is null or c.resume_at <= now())
  union all
  select 'push', l.org_id, l.id, p.sfdc_org_id
    from public.crm_push_logs p
    join public.push_lanes l on l.push_id = p.id
   where p.status in ('queued', 'in_progress') and p.accepted_at is not null
     and (p.resume_at is null or p.resume_at <= now())
     and exists (
       select from public.push_chunks c
        where c.push_id = p.id and c.state = 'pending'
          and (c.lease_until is null or c.lease_until <= now())
          and (c.resume_at is null or c.resume_at <= now())
     )
$$;

-- Conflict reports as durable work: what was requested, how far the check is, and what it waits for (a
-- pull, a validation deploy), so that it continues after a crash at any moment. Safe to run again, like
-- 0001.

alter table public.crm_conflict_reports
  -- The plan is checked, or these workflows with an empty plan.
  add column if not exists workflows jsonb not null default '[]',
  add column if not exists stage text not null default 'rules'
    check (stage in ('pull', 'salesforce', 'rules')),
  add column if not exists validate_in_salesforce boolean not null default false,
  -- The Salesforce org that was connected when this was requested: no other one is used.
  add column if not exists sfdc_org_id text,
  add column if not exists snapshot_version integer,
  add column if not exists pull_id uuid references public.crm_topology_snapshots,
  add column if not exists validation_id uuid references public.crm_deployments,
  -- What Salesforce said in the validation deploy; null if it was not asked.
  add column if not exists salesforce_problems jsonb,
  add column if not exists reversibility jsonb not null default '[]',
  -- Failed tries of the current stage, and when the next one is due.
  add column if not exists attempts integer not null default 0,
  add column if not exists resume_at timestamptz,
  add column if not exists salesforce_api_calls integer not null default 0,
  add column if not exists credential_type text
    check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  add column if not exists credential_id uuid;
call engine.protect('public.crm_conflict_reports', 'select, insert, update, delete');

create or replace function engine_lookup.unfinished_work()
  returns table (kind text, org_id uuid, id uuid, sfdc_org_id text)
  language sql stable security definer set search_path = '' as $$
  select 'topology-pull', s.org_id, s.id, s.sfdc_org_id
    from public.crm_topology_snapshots s where s.status = 'pulling'
  union all
  select r.kind, r.org_id, r.id, r.sfdc_org_id
    from public.deployment_runs r
   where r.ended_at is null and (r.resume_at is null or r.resume_at <= now())
  union all
  select 'conflict-check', c.org_id, c.id, c.sfdc_org_id
    from public.crm_conflict_reports c
   where c.status = 'running' and (c.resume_at is null or c.resume_at <= now())
$$;

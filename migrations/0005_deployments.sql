-- Deployments: what a deploy and its rollback need to continue after a crash at any moment, the state
-- that they found and left, and the outcome of each component. Safe to run again, like 0001.

alter table public.crm_deployments
  add column if not exists plan_hash text,
  -- What merging changed in permission sets, profiles and layouts, and to whom the set was assigned.
  add column if not exists changes jsonb,
  -- How much of the package is in the Salesforce org; null until that is known.
  add column if not exists applied text check (applied in ('all', 'nothing', 'unknown')),
  add column if not exists salesforce_api_calls integer not null default 0;

-- One piece of durable work on a deployment: the deploy itself, or one rollback of it.
create table if not exists public.deployment_runs (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  deployment_id uuid not null references public.crm_deployments,
  kind text not null check (kind in ('deploy', 'rollback')),
  options jsonb not null default '{}',
  stage text not null default 'before_image',
  sfdc_org_id text not null,
  -- The Salesforce org while this work locks it: one at a time, across all replicas and tenants. A value
  -- in a row instead of a held lock, so that it survives a crash and ends with the work.
  locked_sfdc_org_id text,
  package jsonb,
  -- Who sent the package, and Salesforce's own time before that, used to look for a lost answer.
  sfdc_user_id text,
  intended_at timestamptz,
  sent_at timestamptz,
  sends integer not null default 0,
  sfdc_deploy_id text,
  cancel_requested_at timestamptz,
  -- Failed tries of the current stage, and when the next one is due.
  attempts integer not null default 0,
  resume_at timestamptz,
  error jsonb,
  result jsonb,
  created_by uuid references public.users,
  credential_type text check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  credential_id uuid,
  request_id text,
  salesforce_api_calls integer not null default 0,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  check ((locked_sfdc_org_id is null) = (ended_at is not null))
);
create unique index if not exists deployment_runs_one_per_salesforce_org
  on public.deployment_runs (locked_sfdc_org_id) where locked_sfdc_org_id is not null;
create index if not exists deployment_runs_by_deployment on public.deployment_runs (org_id, deployment_id, id desc);
call engine.protect('public.deployment_runs', 'select, insert, update');

create table if not exists public.deployment_components (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  deployment_id uuid not null references public.crm_deployments,
  position integer not null,
  type text not null,
  full_name text not null,
  path text not null,
  action text not null check (action in ('created', 'updated', 'unchanged', 'deleted')),
  reversibility text not null check (reversibility in ('reversible', 'reversible_with_data_loss', 'irreversible')),
  reason text,
  -- Null until Salesforce has answered.
  success boolean,
  problem jsonb,
  primary key (deployment_id, position)
);
create index if not exists deployment_components_by_org on public.deployment_components (org_id, deployment_id);
call engine.protect('public.deployment_components', 'select, insert, update');

-- What the touched components looked like: metadata files by their path in a package, and describes by
-- object, before the deploy and after it.
create table if not exists public.deployment_images (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  deployment_id uuid not null references public.crm_deployments,
  moment text not null check (moment in ('before', 'after')),
  kind text not null check (kind in ('file', 'describe')),
  name text not null,
  content text not null,
  primary key (deployment_id, moment, kind, name)
);
create index if not exists deployment_images_by_org on public.deployment_images (org_id, deployment_id);
call engine.protect('public.deployment_images', 'select, insert, update');

create or replace function engine_lookup.unfinished_work()
  returns table (kind text, org_id uuid, id uuid, sfdc_org_id text)
  language sql stable security definer set search_path = '' as $$
  select 'topology-pull', s.org_id, s.id, s.sfdc_org_id
    from public.crm_topology_snapshots s where s.status = 'pulling'
  union all
  select r.kind, r.org_id, r.id, r.sfdc_org_id
    from public.deployment_runs r
   where r.ended_at is null and (r.resume_at is null or r.resume_at <= now())
$$;

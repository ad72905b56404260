-- Drift: how the Salesforce orgs of clients differ from the blueprints that they are bound to. Safe to run
-- again, like 0001.

create table if not exists public.fleet_drift_runs (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  blueprint_id uuid, -- null: all blueprints
  selector jsonb, -- null: every bound client
  max_age_hours integer check (max_age_hours > 0),
  refresh boolean not null default false,
  status text not null default 'running' check (status in ('running', 'complete')),
  counts jsonb not null default '{}',
  created_by uuid,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  unique (org_id, id),
  foreign key (org_id, blueprint_id) references public.blueprints (org_id, id),
  foreign key (org_id, created_by) references public.users (org_id, id),
  constraint fleet_drift_runs_completed check ((status = 'complete') = (completed_at is not null))
);
create index if not exists fleet_drift_runs_by_org on public.fleet_drift_runs (org_id, id desc);
create index if not exists fleet_drift_runs_by_blueprint on public.fleet_drift_runs (org_id, blueprint_id, id desc);
call engine.protect('public.fleet_drift_runs', 'select, insert, update');

-- One client against one blueprint.
create table if not exists public.fleet_drift_results (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  run_id uuid not null,
  blueprint_id uuid not null,
  version integer not null, -- 0: the blueprint had none
  state text check (state in ('in_sync', 'drifted', 'unknown')), -- null: its pull has not ended
  reason jsonb,
  pull_id uuid, -- the pull that a run with refresh waits for
  snapshot_id uuid,
  snapshot_version integer,
  snapshot_at timestamptz,
  counts jsonb not null default '{}',
  components jsonb not null default '[]',
  created_at timestamptz not null default now(),
  unique (org_id, id),
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, run_id) references public.fleet_drift_runs (org_id, id) on delete cascade,
  foreign key (org_id, blueprint_id) references public.blueprints (org_id, id)
);
create index if not exists fleet_drift_results_by_run on public.fleet_drift_results (org_id, run_id, id desc);
create index if not exists fleet_drift_results_newest
  on public.fleet_drift_results (org_id, client_id, blueprint_id, id desc);
create index if not exists fleet_drift_results_waiting on public.fleet_drift_results (org_id, pull_id)
  where state is null;
call engine.protect('public.fleet_drift_results', 'select, insert, update');

call engine.define_expiry('fleet_drift_runs', $$
  delete from public.fleet_drift_runs where created_at < now() - interval '365 days'$$);

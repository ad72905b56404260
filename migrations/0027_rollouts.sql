-- Rollouts: one version (or a plan, or workflows) on its way to a frozen list of clients, in waves. Each target
-- is an ordinary conflict report and an ordinary deployment; these tables hold the order, the limits and the
-- account. Safe to run again, like 0001.

-- Work that a rollout began waits in queues of its own, so that a large one takes no place from others.
alter table public.crm_conflict_reports add column if not exists for_fleet boolean not null default false;
alter table public.deployment_runs add column if not exists for_fleet boolean not null default false;

call engine.define_work('deploy', 'public.deployment_runs w', $$
  w.kind = 'deploy' and not w.for_fleet and w.ended_at is null and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('rollback', 'public.deployment_runs w', $$
  w.kind = 'rollback' and not w.for_fleet and w.ended_at is null
  and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('conflict-check', 'public.crm_conflict_reports w', $$
  w.status = 'running' and not w.for_fleet and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('deploy-fleet', 'public.deployment_runs w', $$
  w.kind = 'deploy' and w.for_fleet and w.ended_at is null and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('rollback-fleet', 'public.deployment_runs w', $$
  w.kind = 'rollback' and w.for_fleet and w.ended_at is null and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('conflict-check-fleet', 'public.crm_conflict_reports w', $$
  w.status = 'running' and w.for_fleet and (w.resume_at is null or w.resume_at <= now())$$);

create table if not exists public.rollouts (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  name text,
  kind text not null check (kind in ('custom_objects', 'workflows')),
  blueprint_id uuid,
  version integer,
  content jsonb, -- the plan or the workflows as they came; null: those of the version
  mode text not null check (mode in ('strict', 'soft')),
  accepts_yellow boolean not null default false,
  delivery_window jsonb, -- { from, to, zone }
  connection_grace_seconds integer not null,
  targets_total integer not null check (targets_total >= 0),
  state text not null default 'draft' check (state in (
    'draft', 'checking', 'ready', 'running', 'paused', 'succeeded', 'partial', 'stopped', 'failed',
    'rolling_back', 'rolled_back', 'rollback_partial')),
  pause_reason text check (pause_reason in ('user', 'gate', 'tolerance', 'systemic', 'unknown_fate', 'soak', 'window')),
  pause_detail jsonb, -- what a person needs to know about it: counts and codes
  paused_until timestamptz, -- it goes on by itself then
  -- Counts what a person is shown before the start: a start may name the one that was seen.
  revision integer not null default 1,
  -- Counts decisions; whoever decided on older facts changes nothing.
  generation integer not null default 0,
  -- When the next look is due, if nobody is woken before; null: nothing happens by itself.
  wake_at timestamptz,
  -- A dry run of the rollback, over all targets.
  preview_state text check (preview_state in ('running', 'complete')),
  previewed_at timestamptz,
  allow_data_loss boolean not null default false, -- of the rollback
  -- Whom the work is done for: who started it, or began its rollback.
  acts_for uuid,
  credential_type text check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  credential_id uuid,
  request_id text,
  created_by uuid,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz, -- its last deployment has ended, too
  rolled_back_at timestamptz,
  unique (org_id, id),
  foreign key (org_id, blueprint_id, version)
    references public.blueprint_versions (org_id, blueprint_id, version),
  foreign key (org_id, acts_for) references public.users (org_id, id),
  foreign key (org_id, created_by) references public.users (org_id, id),
  constraint rollouts_content check ((blueprint_id is null) = (content is not null)),
  constraint rollouts_paused check ((state = 'paused') = (pause_reason is not null))
);
create index if not exists rollouts_by_org on public.rollouts (org_id, id desc);
create index if not exists rollouts_by_blueprint on public.rollouts (org_id, blueprint_id, id desc);
create index if not exists rollouts_awake on public.rollouts (wake_at) where wake_at is not null;
call engine.protect('public.rollouts', 'select, insert, update');

create table if not exists public.rollout_waves (
  org_id uuid not null references public.organizations,
  rollout_id uuid not null,
  position integer not null check (position > 0),
  name text not null,
  targets_total integer not null,
  max_concurrent integer not null check (max_concurrent > 0),
  failure_tolerance integer not null check (failure_tolerance >= 0),
  soak_seconds integer not null check (soak_seconds >= 0), -- after it, before the next one
  gate text not null check (gate in ('auto', 'manual')), -- before it
  state text not null default 'pending' check (state in ('pending', 'open', 'closed')),
  approved_by uuid,
  approved_at timestamptz,
  opened_at timestamptz,
  closed_at timestamptz,
  primary key (org_id, rollout_id, position),
  foreign key (org_id, rollout_id) references public.rollouts (org_id, id) on delete cascade,
  foreign key (org_id, approved_by) references public.users (org_id, id)
);
call engine.protect('public.rollout_waves', 'select, insert, update');

create table if not exists public.rollout_targets (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  rollout_id uuid not null,
  wave integer not null,
  position integer not null, -- in the whole rollout
  state text not null default 'pending' check (state in (
    'pending', 'checking', 'ready', 'blocked', 'queued', 'deploying', 'waiting', 'deployed', 'unchanged', 'failed',
    'unknown', 'skipped', 'excluded', 'rolling_back', 'rolled_back', 'rollback_partial')),
  reason text, -- why it is blocked, or what it waits for
  fault jsonb,
  -- Counts against the tolerance of its wave; until somebody has seen it and went on.
  is_failure boolean not null default false,
  is_acknowledged boolean not null default false,
  "values" jsonb, -- of the version's parameters, frozen; null: it has none
  plan_hash text not null, -- of what this client gets
  report_id uuid,
  checked_at timestamptz,
  severity text check (severity in ('green', 'yellow', 'red')),
  needs_refresh boolean not null default false, -- its next check pulls first
  is_rechecked boolean not null default false, -- once after it had drifted
  shown_report_id uuid, -- what the person was shown, while it is checked once more
  deployment_id uuid, -- at most one: bound in the transaction that creates it
  is_recalled boolean not null default false, -- its deployment is cancelled before it is sent, because of a pause
  revision integer not null default 1, -- of the rollout, when its verdict last changed
  -- Who begins its next piece of work, until when; nobody else does meanwhile.
  claim uuid,
  claimed_until timestamptz,
  attempts integer not null default 0, -- unexpected faults in a row
  due_at timestamptz, -- not before
  waiting_since timestamptz,
  decided_by uuid, -- who skipped or excluded it, and why
  decision text,
  rollback jsonb, -- how its rollback ended
  preview jsonb, -- what a rollback would do
  preview_state text check (preview_state in ('pending', 'running', 'done')),
  updated_at timestamptz not null default now(),
  unique (org_id, id),
  constraint rollout_targets_once unique (rollout_id, client_id),
  constraint rollout_targets_one_deployment unique (deployment_id),
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, rollout_id) references public.rollouts (org_id, id) on delete cascade,
  foreign key (org_id, rollout_id, wave) references public.rollout_waves (org_id, rollout_id, position),
  foreign key (org_id, report_id) references public.crm_conflict_reports (org_id, id) on delete set null (report_id),
  foreign key (org_id, deployment_id) references public.crm_deployments (org_id, id),
  foreign key (org_id, decided_by) references public.users (org_id, id)
);
create index if not exists rollout_targets_pages on public.rollout_targets (org_id, rollout_id, id desc);
create index if not exists rollout_targets_by_state on public.rollout_targets (org_id, rollout_id, wave, state);
create index if not exists rollout_targets_by_client on public.rollout_targets (org_id, client_id, id desc);
create index if not exists rollout_targets_by_report
  on public.rollout_targets (org_id, report_id) where report_id is not null;
call engine.protect('public.rollout_targets', 'select, insert, update');

-- ------------------------------------------------------------------------------- the account

-- How many targets of a wave are in each state. Kept by the statements that change them, so that nobody has to
-- count 500 rows, and so that the counts add up whatever happens.
create table if not exists public.rollout_counts (
  org_id uuid not null references public.organizations,
  rollout_id uuid not null,
  wave integer not null,
  state text not null,
  targets integer not null,
  primary key (org_id, rollout_id, wave, state),
  foreign key (org_id, rollout_id) references public.rollouts (org_id, id) on delete cascade
);
call engine.protect('public.rollout_counts', 'select, insert, update');

-- As the owner: the rows are those of the statement, and a target may change in the scope of its client alone.
create or replace function engine.count_rollout_targets() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    insert into public.rollout_counts as c (org_id, rollout_id, wave, state, targets)
    select org_id, rollout_id, wave, state, count(*) from entered group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (org_id, rollout_id, wave, state) do update set targets = c.targets + excluded.targets;
  elsif tg_op = 'DELETE' then
    -- With its client. Of a rollout that is deleted as a whole, there is nothing left to count.
    update public.rollout_counts c set targets = c.targets - gone.n
      from (select org_id, rollout_id, wave, state, count(*) as n from departed group by 1, 2, 3, 4) gone
     where c.org_id = gone.org_id and c.rollout_id = gone.rollout_id and c.wave = gone.wave and c.state = gone.state;
    update public.rollout_waves w set targets_total = w.targets_total - gone.n
      from (select org_id, rollout_id, wave, count(*) as n from departed group by 1, 2, 3) gone
     where w.org_id = gone.org_id and w.rollout_id = gone.rollout_id and w.position = gone.wave;
    update public.rollouts r set targets_total = r.targets_total - gone.n
      from (select org_id, rollout_id, count(*) as n from departed group by 1, 2) gone
     where r.org_id = gone.org_id and r.id = gone.rollout_id;
  else
    insert into public.rollout_counts as c (org_id, rollout_id, wave, state, targets)
    select org_id, rollout_id, wave, state, sum(change)
      from (select org_id, rollout_id, wave, state, 1 as change from entered
            union all select org_id, rollout_id, wave, state, -1 from departed) moved
     group by 1, 2, 3, 4 having sum(change) <> 0 order by 1, 2, 3, 4
    on conflict (org_id, rollout_id, wave, state) do update set targets = c.targets + excluded.targets;
  end if;
  return null;
end $$;
revoke all on function engine.count_rollout_targets() from public;
create or replace trigger count_added after insert on public.rollout_targets
  referencing new table as entered for each statement execute function engine.count_rollout_targets();
create or replace trigger count_changed after update on public.rollout_targets
  referencing old table as departed new table as entered
  for each statement execute function engine.count_rollout_targets();
create or replace trigger count_removed after delete on public.rollout_targets
  referencing old table as departed for each statement execute function engine.count_rollout_targets();

-- ------------------------------------------------------------------------------- who is woken

create or replace function engine.announce_rollout(org uuid, rollout uuid) returns void
  language sql volatile set search_path = '' as $$
  select pg_notify('sfdc_engine_due', concat_ws(' ', 'rollout', org, rollout))
$$;
revoke all on function engine.announce_rollout(uuid, uuid) from public;
grant execute on function engine.announce_rollout(uuid, uuid) to sfdc_engine_runtime;

-- A report or a deployment of a rollout has ended, waits, or goes on: its conductor looks at once.
create or replace function engine.wake_rollout_of_report() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform engine.announce_rollout(t.org_id, t.rollout_id) from public.rollout_targets t
   where t.org_id = new.org_id and t.report_id = new.id;
  return null;
end $$;
create or replace function engine.wake_rollout_of_run() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform engine.announce_rollout(t.org_id, t.rollout_id) from public.rollout_targets t
   where t.org_id = new.org_id and t.deployment_id = new.deployment_id;
  return null;
end $$;
revoke all on function engine.wake_rollout_of_report(), engine.wake_rollout_of_run() from public;
create or replace trigger wake_rollout after update of status, error on public.crm_conflict_reports
  for each row when (new.for_fleet and (old.status <> new.status
                     or old.error ->> 'code' is distinct from new.error ->> 'code'))
  execute function engine.wake_rollout_of_report();
create or replace trigger wake_rollout after update of ended_at, error on public.deployment_runs
  for each row when (new.for_fleet and (old.ended_at is distinct from new.ended_at
                     or old.error ->> 'code' is distinct from new.error ->> 'code'))
  execute function engine.wake_rollout_of_run();

create or replace function engine_lookup.due_rollouts()
  returns table (org_id uuid, id uuid)
  language sql stable security definer set search_path = '' as $$
  select r.org_id, r.id from public.rollouts r where r.wake_at <= now() order by r.wake_at limit 1000
$$;
call engine.protect_lookup('engine_lookup.due_rollouts()');

-- ------------------------------------------------------------------------------- events

-- As engine.define_event makes them, but of the org: a rollout belongs to no single client.
create or replace function engine.tell_rollout() returns trigger language plpgsql set search_path = '' as $$
begin
  perform engine.append_event(new.org_id, null,
    case when old.rolled_back_at is null and new.rolled_back_at is not null then 'rollout.rolled_back'
         when old.finished_at is null and new.finished_at is not null and new.rolled_back_at is null
           then 'rollout.finished'
         when new.pause_reason is not null and old.pause_reason is distinct from new.pause_reason
           then 'rollout.paused'
         else 'rollout.started' end,
    jsonb_build_object(
      'rollout_id', new.id, 'state', new.state, 'pause_reason', new.pause_reason,
      'targets', (select coalesce(jsonb_object_agg(c.state, c.targets), '{}') from (
          select k.state, sum(k.targets) as targets from public.rollout_counts k
           where k.org_id = new.org_id and k.rollout_id = new.id group by k.state having sum(k.targets) <> 0) c)));
  return null;
end $$;
create or replace function engine.tell_rollout_wave() returns trigger language plpgsql set search_path = '' as $$
begin
  perform engine.append_event(new.org_id, null, 'rollout.wave_completed',
    jsonb_build_object(
      'rollout_id', new.rollout_id, 'wave', new.position,
      'targets', (select coalesce(jsonb_object_agg(c.state, c.targets), '{}') from public.rollout_counts c
          where c.org_id = new.org_id and c.rollout_id = new.rollout_id and c.wave = new.position
            and c.targets <> 0)));
  return null;
end $$;
revoke all on function engine.tell_rollout(), engine.tell_rollout_wave() from public;
drop trigger if exists tell_rollout on public.rollouts;
create constraint trigger tell_rollout
  after update of started_at, pause_reason, finished_at, rolled_back_at on public.rollouts
  deferrable initially deferred for each row
  when (old.started_at is null and new.started_at is not null
        or new.pause_reason is not null and old.pause_reason is distinct from new.pause_reason
        or old.finished_at is null and new.finished_at is not null
        or old.rolled_back_at is null and new.rolled_back_at is not null)
  execute function engine.tell_rollout();
drop trigger if exists tell_rollout_wave on public.rollout_waves;
create constraint trigger tell_rollout_wave after update of state on public.rollout_waves
  deferrable initially deferred for each row when (old.state = 'open' and new.state = 'closed')
  execute function engine.tell_rollout_wave();

-- ------------------------------------------------------------------------------- approvals

-- A rollout is of no single client.
alter table public.approvals alter column client_id drop not null;

-- Pushes: the stored input, the chunks it is sent in, the results, and what lets several replicas work
-- on one push without doing a chunk twice. Safe to run again, like 0001.

alter table public.crm_push_logs
  -- Null while the input is still being stored: such a push is not visible yet, nothing of it is sent,
  -- and it is deleted if its upload is cut or shows no sign of life (staged_at).
  add column if not exists accepted_at timestamptz,
  add column if not exists staged_at timestamptz,
  add column if not exists sfdc_org_id text,
  add column if not exists mapping_id uuid,
  add column if not exists snapshot_id uuid references public.crm_topology_snapshots,
  add column if not exists retry_of uuid references public.crm_push_logs,
  -- Per mapped field: counts, longest text, smallest and largest number, counts per picklist value.
  add column if not exists value_profile jsonb,
  -- Keyed: a repeated upload with the same Idempotency-Key is compared with it.
  add column if not exists content_hash bytea,
  add column if not exists open_chunks integer not null default 0,
  add column if not exists cancel_requested_at timestamptz,
  -- Why no further row is sent; what was sent is still settled.
  add column if not exists stop jsonb,
  -- Paused until then (API budget used up, connection lost).
  add column if not exists resume_at timestamptz,
  -- When results and the input of failed rows are deleted.
  add column if not exists results_expire_at timestamptz,
  add column if not exists results_discarded boolean not null default false,
  add column if not exists credential_type text
    check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  add column if not exists credential_id uuid;

create unique index if not exists crm_push_logs_one_upload_per_client
  on public.crm_push_logs (client_id) where accepted_at is null;
create index if not exists crm_push_logs_unfinished
  on public.crm_push_logs (id) where status in ('queued', 'in_progress');
create index if not exists crm_push_logs_by_mapping
  on public.crm_push_logs (org_id, mapping_id, id desc) where value_profile is not null;
create index if not exists crm_push_logs_to_discard
  on public.crm_push_logs (results_expire_at) where results_expire_at is not null and not results_discarded;
create index if not exists crm_push_logs_by_retry on public.crm_push_logs (retry_of) where retry_of is not null;

-- A push is worked on by as many lanes as it may have chunks under way at once; a lane is one piece of
-- durable work for the queue.
create table if not exists public.push_lanes (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  push_id uuid not null references public.crm_push_logs on delete cascade,
  lane integer not null,
  unique (push_id, lane)
);
create index if not exists push_lanes_by_org on public.push_lanes (org_id, push_id);
call engine.protect('public.push_lanes', 'select, insert, delete');

-- The input, up to 200 rows together, compressed. Rows of one block are of one object and written the
-- same way. A block is deleted when its rows are settled; of failed rows only `source` is kept, for a
-- retry.
create table if not exists public.push_rows (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  push_id uuid not null references public.crm_push_logs on delete cascade,
  block_no integer not null,
  -- The Bulk job that sends the block, if the push uses Bulk; null: nothing in it has to be sent.
  part integer,
  -- Index of the first row of the stretch of input that the block was cut from.
  window_start integer not null,
  rows integer not null,
  bytes integer not null,
  object text,
  operation text check (operation in ('upsert', 'update')),
  match_field text,
  -- Hashes of parents that other blocks also name: such blocks are not sent in parallel.
  chains integer[] not null default '{}',
  ready bytea, -- mapped, checked and coerced rows
  source bytea not null, -- the rows as they came
  primary key (push_id, block_no)
);
alter table public.push_rows alter column ready set storage external; -- compressed already
alter table public.push_rows alter column source set storage external;
create index if not exists push_rows_by_org on public.push_rows (org_id, push_id);
create index if not exists push_rows_by_part on public.push_rows (push_id, part, block_no) where part is not null;
call engine.protect('public.push_rows', 'select, insert, update, delete');

-- What is sent as a unit: one block with sObject Collections, one part with Bulk.
create table if not exists public.push_chunks (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  push_id uuid not null references public.crm_push_logs on delete cascade,
  seq integer not null, -- block_no by Collections, part by Bulk
  state text not null default 'pending' check (state in ('pending', 'done')),
  rows integer not null,
  chains integer[] not null default '{}',
  -- What the transport needs to continue after a crash: null until something was about to be sent.
  send_state jsonb,
  -- How often it was started without an end, and how often it failed unexpectedly.
  claims integer not null default 0,
  faults integer not null default 0,
  -- Who works on it: a lease in a row instead of a held lock, so that it ends with its holder.
  lease_holder uuid,
  lease_until timestamptz,
  resume_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (push_id, seq)
);
create index if not exists push_chunks_by_org on public.push_chunks (org_id, push_id);
create index if not exists push_chunks_pending on public.push_chunks (push_id, seq) where state = 'pending';
create index if not exists push_chunks_leased on public.push_chunks (push_id)
  where state = 'pending' and lease_holder is not null;
call engine.protect('public.push_chunks', 'select, insert, update, delete');

-- One row for the results of up to 200 input rows (of up to 2,000 that were refused before sending).
create table if not exists public.push_results (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  push_id uuid not null references public.crm_push_logs on delete cascade,
  block_no integer not null,
  window_start integer not null,
  rows integer not null,
  succeeded integer not null,
  failed integer not null,
  created integer not null,
  updated integer not null,
  body bytea not null, -- compressed JSON array, by index
  primary key (push_id, block_no)
);
alter table public.push_results alter column body set storage external;
create index if not exists push_results_by_org on public.push_results (org_id, push_id);
create index if not exists push_results_in_order on public.push_results (push_id, window_start, block_no)
  include (rows, succeeded, failed);
call engine.protect('public.push_results', 'select, insert, update, delete');

-- Who works in a Salesforce org right now, no matter whose client it is: counted exactly across all
-- replicas.
create table if not exists engine.salesforce_work_slots (
  holder uuid primary key,
  sfdc_org_id text not null,
  until timestamptz not null
);
create index if not exists salesforce_work_slots_by_org on engine.salesforce_work_slots (sfdc_org_id);

do $$
declare r text;
begin
  execute 'alter table engine.salesforce_work_slots enable row level security';
  execute 'alter table engine.salesforce_work_slots force row level security';
  execute 'drop policy if exists owner on engine.salesforce_work_slots';
  execute format('create policy owner on engine.salesforce_work_slots to %I using (true) with check (true)', current_user);
  execute 'drop policy if exists shared on engine.salesforce_work_slots';
  execute 'create policy shared on engine.salesforce_work_slots to sfdc_engine_runtime using (true) with check (true)';
  execute 'revoke all on engine.salesforce_work_slots from public';
  execute 'grant select, insert, update, delete on engine.salesforce_work_slots to sfdc_engine_runtime';
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on engine.salesforce_work_slots from %I', r);
    end if;
  end loop;
end $$;

-- Takes one of `most` places in the Salesforce org for so many seconds. One row when it was free.
create or replace function engine_lookup.take_work_slot(
    salesforce_org text, new_holder uuid, most integer, seconds float8)
  returns table (holder uuid)
  language plpgsql volatile security definer set search_path = '' as $$
begin
  -- Two takers at once would both see the last place free.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('work-slot:' || salesforce_org, 0));
  delete from engine.salesforce_work_slots s where s.sfdc_org_id = salesforce_org and s.until <= pg_catalog.clock_timestamp();
  if (select pg_catalog.count(*) from engine.salesforce_work_slots s where s.sfdc_org_id = salesforce_org) < most then
    return query
      insert into engine.salesforce_work_slots (holder, sfdc_org_id, until)
      values (new_holder, salesforce_org, pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => seconds))
      returning salesforce_work_slots.holder;
  end if;
end $$;

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

-- Housekeeping across all tenants: deletes what has expired. Returns the number of deleted rows.
create or replace function engine_lookup.discard_expired()
  returns integer language plpgsql volatile security definer set search_path = '' as $$
declare gone integer := 0; n integer;
begin
  delete from public.idempotency_keys where created_at < now() - interval '24 hours';
  get diagnostics n = row_count; gone := gone + n;
  delete from engine.super_admin_idempotency_keys where created_at < now() - interval '24 hours';
  get diagnostics n = row_count; gone := gone + n;
  delete from public.login_sessions where expires_at < now() - interval '1 day';
  get diagnostics n = row_count; gone := gone + n;
  delete from engine.login_failures where window_ends_at < now();
  get diagnostics n = row_count; gone := gone + n;
  delete from engine.salesforce_work_slots where until < now() - interval '1 hour';
  get diagnostics n = row_count; gone := gone + n;
  -- Uploads whose process died: live ones are renewed every few seconds.
  delete from public.crm_push_logs where accepted_at is null and staged_at < now() - interval '5 minutes';
  get diagnostics n = row_count; gone := gone + n;
  -- A few at a time: the results of one push may be tens of thousands of rows.
  with due as (
    select p.id from public.crm_push_logs p
     where p.results_expire_at < now() and not p.results_discarded
     order by p.results_expire_at limit 20 for update skip locked
  ), results as (
    delete from public.push_results where push_id in (select id from due)
  ), input as (
    delete from public.push_rows where push_id in (select id from due)
  ), chunks as (
    delete from public.push_chunks where push_id in (select id from due)
  ), lanes as (
    delete from public.push_lanes where push_id in (select id from due)
  )
  update public.crm_push_logs set results_discarded = true where id in (select id from due);
  get diagnostics n = row_count; gone := gone + n;
  return gone;
end $$;

revoke all on all functions in schema engine_lookup from public;
do $$
declare r text;
begin
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on all functions in schema engine_lookup from %I', r);
    end if;
  end loop;
end $$;
grant execute on all functions in schema engine_lookup to sfdc_engine_runtime;

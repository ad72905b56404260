-- Kinds of durable work, and of rows that expire, are rows of two tables. The lookups across all tenants
-- are made from them: a migration that adds a kind calls engine.define_work or engine.define_expiry, as
-- it calls engine.protect for a table, and copies no function. Open work is listed with its client, so
-- that the worker is confined to that client. Safe to run again, like 0001.

-- Policies and grants of a table that belongs to no tenant, as engine.protect creates them for the
-- others.
create or replace procedure engine.protect_shared(target regclass, rights text) language plpgsql as $$
declare r text;
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('drop policy if exists owner on %s', target);
  execute format('create policy owner on %s to %I using (true) with check (true)', target, current_user);
  execute format('drop policy if exists shared on %s', target);
  execute format('create policy shared on %s to sfdc_engine_runtime using (true) with check (true)', target);
  execute format('revoke all on %s from public, sfdc_engine_runtime', target);
  foreach r in array array['anon', 'authenticated'] loop -- Supabase's public faces
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on %s from %I', target, r);
    end if;
  end loop;
  execute format('grant %s on %s to sfdc_engine_runtime', rights, target);
end $$;
revoke all on procedure engine.protect_shared(regclass, text) from public;

-- The grants of a lookup function, which sees every tenant: only the runtime role has them.
create or replace procedure engine.protect_lookup(target regprocedure) language plpgsql as $$
declare r text;
begin
  execute format('revoke all on function %s from public', target);
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on function %s from %I', target, r);
    end if;
  end loop;
  execute format('grant execute on function %s to sfdc_engine_runtime', target);
end $$;
revoke all on procedure engine.protect_lookup(regprocedure) from public;

-- ------------------------------------------------------------------------------------ open work

create table if not exists engine.work_kinds (
  kind text primary key, -- the name of its queue
  rows text not null, -- a FROM list; `w` is the row that the work brings to its end
  is_open text not null, -- a condition: neither ended, nor waiting, nor in somebody's hands
  sfdc_org_id text not null -- an expression: the Salesforce org that is worked in
);
call engine.protect_shared('engine.work_kinds', 'select');

-- `w` has id, org_id and client_id. Names are written with their schema. What does not fit the tables
-- is refused here, not when a replica sweeps.
create or replace procedure engine.define_work(
    kind text, rows text, is_open text, sfdc_org_id text default 'w.sfdc_org_id')
  language plpgsql set search_path = '' as $$
declare query text;
begin
  insert into engine.work_kinds
  values (define_work.kind, define_work.rows, define_work.is_open, define_work.sfdc_org_id)
  on conflict on constraint work_kinds_pkey do update
    set rows = excluded.rows, is_open = excluded.is_open, sfdc_org_id = excluded.sfdc_org_id;
  select string_agg(
           format('select %L::text, w.org_id, w.client_id, w.id, %s from %s where %s',
                  k.kind, k.sfdc_org_id, k.rows, k.is_open),
           E'\nunion all\n' order by k.kind)
    into query from engine.work_kinds k;
  execute format(
    'create or replace function engine_lookup.open_work()
       returns table (kind text, org_id uuid, client_id uuid, id uuid, sfdc_org_id text)
       language sql stable security definer set search_path = '''' as %L', query);
  call engine.protect_lookup('engine_lookup.open_work()');
end $$;
revoke all on procedure engine.define_work(text, text, text, text) from public;

call engine.define_work('topology-pull', 'public.crm_topology_snapshots w', $$w.status = 'pulling'$$);
call engine.define_work('deploy', 'public.deployment_runs w', $$
  w.kind = 'deploy' and w.ended_at is null and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('rollback', 'public.deployment_runs w', $$
  w.kind = 'rollback' and w.ended_at is null and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('conflict-check', 'public.crm_conflict_reports w', $$
  w.status = 'running' and (w.resume_at is null or w.resume_at <= now())$$);
call engine.define_work('push', 'public.crm_push_logs p join public.push_lanes w on w.push_id = p.id', $$
  p.status in ('queued', 'in_progress') and p.accepted_at is not null
  and (p.resume_at is null or p.resume_at <= now())
  and exists (
    select from public.push_chunks c
     where c.push_id = p.id and c.state = 'pending'
       and (c.lease_until is null or c.lease_until <= now())
       and (c.resume_at is null or c.resume_at <= now()))$$, 'p.sfdc_org_id');

-- For replicas of the previous version, which may run beside this one for a moment.
create or replace function engine_lookup.unfinished_work()
  returns table (kind text, org_id uuid, id uuid, sfdc_org_id text)
  language sql stable security definer set search_path = '' as $$
  select w.kind, w.org_id, w.id, w.sfdc_org_id from engine_lookup.open_work() w
$$;

-- -------------------------------------------------------------------------------- housekeeping

create table if not exists engine.expiries (
  name text primary key,
  statement text not null -- what lets go of rows past their time, over all tenants
);
call engine.protect_shared('engine.expiries', 'select');

create or replace procedure engine.define_expiry(name text, statement text)
  language plpgsql set search_path = '' as $$
declare steps text;
begin
  execute 'explain ' || define_expiry.statement; -- refused here, if it does not fit the tables
  insert into engine.expiries values (define_expiry.name, define_expiry.statement)
  on conflict on constraint expiries_pkey do update set statement = excluded.statement;
  select string_agg(
           format(E'%s;\nget diagnostics n = row_count; gone := gone + n;\n', e.statement), '' order by e.name)
    into steps from engine.expiries e;
  execute format(
    'create or replace function engine_lookup.discard_expired()
       returns integer language plpgsql volatile security definer set search_path = '''' as %L',
    E'declare gone integer := 0; n integer;\nbegin\n' || steps || E'return gone;\nend');
  call engine.protect_lookup('engine_lookup.discard_expired()');
end $$;
revoke all on procedure engine.define_expiry(text, text) from public;

-- Who works in a Salesforce org right now, no matter whose client it is: counted exactly across all
-- replicas. Replicas of the previous version count in engine.salesforce_work_slots; while both run, a
-- Salesforce org may have twice as many. A later migration removes that table and its function.
create table if not exists engine.salesforce_work_places (
  holder uuid primary key,
  sfdc_org_id text not null,
  until timestamptz not null
);
create index if not exists salesforce_work_places_by_org on engine.salesforce_work_places (sfdc_org_id);
call engine.protect_shared('engine.salesforce_work_places', 'select, insert, update, delete');

call engine.define_expiry('idempotency_keys',
  $$delete from public.idempotency_keys where created_at < now() - interval '24 hours'$$);
call engine.define_expiry('super_admin_idempotency_keys',
  $$delete from engine.super_admin_idempotency_keys where created_at < now() - interval '24 hours'$$);
call engine.define_expiry('login_sessions',
  $$delete from public.login_sessions where expires_at < now() - interval '1 day'$$);
call engine.define_expiry('login_failures',
  $$delete from engine.login_failures where window_ends_at < now()$$);
call engine.define_expiry('salesforce_work_places',
  $$delete from engine.salesforce_work_places where until < now() - interval '1 hour'$$);
-- Uploads whose process died: live ones are renewed every few seconds.
call engine.define_expiry('push_uploads',
  $$delete from public.crm_push_logs where accepted_at is null and staged_at < now() - interval '5 minutes'$$);
-- A few at a time: the results of one push may be tens of thousands of rows.
call engine.define_expiry('push_results', $$
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
  update public.crm_push_logs set results_discarded = true where id in (select id from due)$$);

-- Takes one of `most` places in the Salesforce org for so many seconds. One row when it was free.
create or replace function engine_lookup.take_work_place(
    salesforce_org text, new_holder uuid, most integer, seconds float8)
  returns table (holder uuid)
  language plpgsql volatile security definer set search_path = '' as $$
begin
  -- Two takers at once would both see the last place free.
  perform pg_advisory_xact_lock(hashtextextended('work-place:' || salesforce_org, 0));
  delete from engine.salesforce_work_places p where p.sfdc_org_id = salesforce_org and p.until <= clock_timestamp();
  if (select count(*) from engine.salesforce_work_places p where p.sfdc_org_id = salesforce_org) < most then
    return query
      insert into engine.salesforce_work_places (holder, sfdc_org_id, until)
      values (new_holder, salesforce_org, clock_timestamp() + make_interval(secs => seconds))
      returning salesforce_work_places.holder;
  end if;
end $$;
call engine.protect_lookup('engine_lookup.take_work_place(text, uuid, integer, float8)');

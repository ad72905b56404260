-- Events: what happened to a client, told to whoever listens. An event is a row that is written when the
-- transaction of the change commits, by a trigger of the table that changed: no path of the code can
-- forget one, a change that is rolled back leaves none, and one change leaves exactly one. In the same
-- transaction, each endpoint that wants the event gets a delivery. Safe to run again, like 0001.

-- A UUID version 7 by the database's clock, as newId() makes it in the server; PostgreSQL has its own from
-- version 18 on.
create or replace function engine.uuid_v7() returns uuid
  language sql volatile set search_path = '' as $$
  select encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
            from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- ------------------------------------------------------------------------------------ events

-- The last number given to an event of the client (without a client: of the org). Its lock is held from the
-- numbering to the commit, so that whoever sees a number has seen all before it.
create table if not exists public.event_sequences (
  org_id uuid not null references public.organizations,
  client_id uuid,
  last bigint not null,
  foreign key (org_id, client_id) references public.clients (org_id, id)
);
create unique index if not exists event_sequences_once
  on public.event_sequences (org_id, client_id) nulls not distinct;
call engine.protect('public.event_sequences', 'select, insert, update');

create table if not exists public.events (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid, -- null: it concerns the org
  sequence bigint not null,
  type text not null,
  data jsonb not null, -- ids, states and counts; never values, labels or secrets
  created_at timestamptz not null,
  unique (org_id, id),
  foreign key (org_id, client_id) references public.clients (org_id, id)
);
create unique index if not exists events_sequence_once
  on public.events (org_id, client_id, sequence) nulls not distinct;
create index if not exists events_by_org on public.events (org_id, id desc);
create index if not exists events_by_client on public.events (org_id, client_id, id desc);
create index if not exists events_by_age on public.events (created_at);
call engine.protect('public.events', 'select, insert'); -- append-only by grant

-- Adds an event, in the transaction of the caller. The one way to write one.
create or replace function engine.append_event(org uuid, client uuid, kind text, details jsonb) returns uuid
  language plpgsql volatile set search_path = '' as $$
declare
  place bigint;
  made uuid;
begin
  insert into public.event_sequences as s (org_id, client_id, last) values (org, client, 1)
  on conflict (org_id, client_id) do update set last = s.last + 1
  returning s.last into place;
  insert into public.events (id, org_id, client_id, sequence, type, data, created_at)
  values (engine.uuid_v7(), org, client, place, kind, details, clock_timestamp())
  returning id into made;
  return made;
end $$;
revoke all on function engine.uuid_v7(), engine.append_event(uuid, uuid, text, jsonb) from public;
grant execute on function engine.uuid_v7(), engine.append_event(uuid, uuid, text, jsonb) to sfdc_engine_runtime;

-- Tells of rows of `target` as an event of the type `kind` (an expression) when an update of `columns`
-- fulfils `happened`, a condition on `old` and `new`. `details`, an expression on `new`, is computed when the
-- transaction commits, and sees all that it wrote; `also_if` is a condition for then.
create or replace procedure engine.define_event(
    name text, target regclass, columns text, happened text, kind text, details text, also_if text default 'true')
  language plpgsql set search_path = '' as $$
begin
  execute format(
    'create or replace function engine.%I() returns trigger language plpgsql set search_path = '''' as %L',
    'tell_' || name,
    format(E'begin\nif %s then\nperform engine.append_event(new.org_id, new.client_id, %s, %s);\nend if;\nreturn null;\nend',
           also_if, kind, details));
  execute format('revoke all on function engine.%I() from public', 'tell_' || name);
  execute format('drop trigger if exists %I on %s', 'tell_' || name, target);
  -- At the commit: the number of the event is then locked for a moment only, and after everything else.
  execute format(
    'create constraint trigger %I after update of %s on %s deferrable initially deferred
       for each row when (%s) execute function engine.%I()',
    'tell_' || name, columns, target, happened, 'tell_' || name);
end $$;
revoke all on procedure engine.define_event(text, regclass, text, text, text, text, text) from public;

call engine.define_event('topology_pulled', 'public.crm_topology_snapshots', 'status',
  $$old.status = 'pulling' and new.status <> 'pulling'$$, $$'topology.pulled'$$,
  $$jsonb_build_object(
      'snapshot_id', new.id, 'status', new.status, 'version', new.version, 'code', new.error ->> 'code',
      'objects', new.objects_count, 'fields', new.fields_count, 'automations', new.automations_count,
      'changes', new.changes_from_previous)$$);

call engine.define_event('conflicts_checked', 'public.crm_conflict_reports', 'status',
  $$old.status = 'running' and new.status <> 'running'$$, $$'conflicts.checked'$$,
  $$jsonb_build_object(
      'report_id', new.id, 'status', new.status, 'severity', new.severity, 'code', new.error ->> 'code',
      'findings', new.counts)$$);

call engine.define_event('deployment_finished', 'public.deployment_runs', 'ended_at',
  $$old.ended_at is null and new.ended_at is not null and new.kind = 'deploy'$$, $$'deployment.finished'$$,
  $$(select jsonb_build_object(
      'deployment_id', d.id, 'kind', d.kind, 'status', d.status, 'check_only', d.check_only,
      'code', d.error ->> 'code',
      'components', (select jsonb_build_object(
          'created', count(*) filter (where c.action = 'created'),
          'updated', count(*) filter (where c.action = 'updated'),
          'unchanged', count(*) filter (where c.action = 'unchanged'),
          'deleted', count(*) filter (where c.action = 'deleted'),
          'failed', count(*) filter (where c.success = false))
        from public.deployment_components c where c.org_id = d.org_id and c.deployment_id = d.id))
    from public.crm_deployments d where d.org_id = new.org_id and d.id = new.deployment_id)$$);

call engine.define_event('rollback_finished', 'public.deployment_runs', 'ended_at',
  $$old.ended_at is null and new.ended_at is not null and new.kind = 'rollback'$$, $$'rollback.finished'$$,
  $$(select jsonb_build_object(
      'deployment_id', d.id, 'status', coalesce(d.rollback ->> 'status', 'failed'),
      'code', coalesce(d.rollback #>> '{error,code}', new.error ->> 'code'),
      'components', jsonb_build_object(
          'removed', coalesce(jsonb_array_length(d.rollback -> 'removed'), 0),
          'restored', coalesce(jsonb_array_length(d.rollback -> 'restored'), 0),
          'kept', coalesce(jsonb_array_length(d.rollback -> 'kept'), 0),
          'remaining', coalesce(jsonb_array_length(d.rollback -> 'remaining'), 0)))
    from public.crm_deployments d where d.org_id = new.org_id and d.id = new.deployment_id)$$);

call engine.define_event('push_finished', 'public.crm_push_logs', 'status',
  $$old.status in ('queued', 'in_progress') and new.status not in ('queued', 'in_progress')$$,
  $$'push.finished'$$,
  $$jsonb_build_object(
      'push_id', new.id, 'kind', new.kind, 'status', new.status, 'dry_run', new.dry_run,
      'code', new.error ->> 'code',
      'rows', jsonb_build_object(
          'total', new.total, 'succeeded', new.succeeded, 'failed', new.failed,
          'created', new.created_count, 'updated', new.updated_count))$$);

-- A new grant for a connection that is connected already is news too. A connection that was lost and found
-- within one transaction is none.
call engine.define_event('connection', 'public.crm_connections', 'status, connected_at',
  $$new.status in ('connected', 'expired', 'error', 'revoked')
    and (old.status <> new.status
         or new.status = 'connected' and old.connected_at is distinct from new.connected_at)$$,
  $$'connection.' || new.status$$,
  $$jsonb_build_object(
      'connection_id', new.id, 'environment', new.environment, 'sfdc_org_id', new.sfdc_org_id,
      'code', new.error ->> 'code')$$);

-- ------------------------------------------------------------------------------------ API budgets

alter table engine.salesforce_org_usage
  -- Calls that are left to others, as the server that wrote last counts them.
  add column if not exists reserve integer not null default 0,
  add column if not exists is_exhausted boolean not null default false;

-- An allowance that hovers around the reserve is exhausted once, not with every call: it is restored when
-- a hundred calls, or a hundredth of the allowance, are above it.
create or replace function engine.judge_budget() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  -- What is under way may use its call, and nobody else can have it.
  spare integer := new.max - new.used - new.under_way - new.reserve;
begin
  new.is_exhausted := coalesce(new.refused_until > now(), false) or new.max > 0 and spare <= 0;
  if tg_op = 'UPDATE' and old.is_exhausted and not new.is_exhausted
     and new.max > 0 and spare <= least(100, new.max / 100) then
    new.is_exhausted := true;
  end if;
  return new;
end $$;

-- Every client that works in the Salesforce org is told, whichever org's it is.
create or replace function engine.tell_budget() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    if not new.is_exhausted then return null; end if;
  elsif old.is_exhausted = new.is_exhausted then return null;
  end if;
  perform engine.append_event(k.org_id, k.client_id,
            case when new.is_exhausted then 'api_budget.exhausted' else 'api_budget.restored' end,
            jsonb_build_object('sfdc_org_id', new.sfdc_org_id, 'used', new.used, 'max', new.max,
                               'reserve', new.reserve))
    from (select org_id, client_id from public.crm_connections
           where sfdc_org_id = new.sfdc_org_id and status <> 'revoked'
           order by org_id, client_id) k;
  return null;
end $$;
revoke all on function engine.judge_budget(), engine.tell_budget() from public;
create or replace trigger judge_budget before insert or update on engine.salesforce_org_usage
  for each row execute function engine.judge_budget();
create or replace trigger tell_budget after insert or update on engine.salesforce_org_usage
  for each row execute function engine.tell_budget();
create index if not exists crm_connections_by_salesforce_org
  on public.crm_connections (sfdc_org_id) where status <> 'revoked';

-- ------------------------------------------------------------------------------------ endpoints

create table if not exists public.webhook_endpoints (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  url text not null,
  description text,
  event_types text[], -- null: all, also those that later versions add
  client_ids uuid[], -- null: of all clients, and of the org itself
  status text not null default 'active' check (status in ('active', 'disabled')),
  disabled_reason text check (disabled_reason in ('by_request', 'gone', 'failing')),
  disabled_at timestamptz,
  -- Encrypted; the key is in the server's environment. During a rotation, both sign.
  secret bytea not null,
  former_secret bytea,
  former_secret_until timestamptz,
  -- Since when nothing but failures came back; null: the last try succeeded.
  failing_since timestamptz,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_failure text,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (org_id, id),
  foreign key (org_id, created_by) references public.users (org_id, id),
  check ((status = 'disabled') = (disabled_reason is not null)),
  check ((former_secret is null) = (former_secret_until is null))
);
call engine.protect('public.webhook_endpoints', 'select, insert, update, delete');

-- An event for an endpoint, and the tries to send it.
create table if not exists public.webhook_deliveries (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid,
  endpoint_id uuid not null,
  event_id uuid not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  tries integer not null default 0,
  attempts jsonb not null default '[]', -- when, with which outcome, and how long it took
  next_try_at timestamptz,
  lease_holder uuid,
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, endpoint_id) references public.webhook_endpoints (org_id, id) on delete cascade,
  foreign key (org_id, event_id) references public.events (org_id, id) on delete cascade,
  check ((status = 'pending') = (next_try_at is not null)),
  check ((status = 'pending') = (ended_at is null))
);
create index if not exists webhook_deliveries_by_endpoint on public.webhook_deliveries (org_id, endpoint_id, id desc);
create index if not exists webhook_deliveries_by_event on public.webhook_deliveries (org_id, event_id);
create index if not exists webhook_deliveries_by_client
  on public.webhook_deliveries (org_id, client_id, id desc);
create index if not exists webhook_deliveries_due
  on public.webhook_deliveries (endpoint_id, next_try_at) where status = 'pending';
call engine.protect('public.webhook_deliveries', 'select, insert, update');

-- Whether the endpoint has asked for such events.
create or replace function engine.wants_event(endpoint public.webhook_endpoints, kind text, client uuid)
  returns boolean language sql stable set search_path = '' as $$
  select (endpoint.event_types is null or kind = any(endpoint.event_types))
     and (endpoint.client_ids is null or coalesce(client = any(endpoint.client_ids), false))
$$;
revoke all on function engine.wants_event(public.webhook_endpoints, text, uuid) from public;
grant execute on function engine.wants_event(public.webhook_endpoints, text, uuid) to sfdc_engine_runtime;

-- Wakes the replicas at the commit; each of them may send to the endpoint.
create or replace function engine.announce_due(org uuid, endpoint uuid, is_failing boolean) returns void
  language sql volatile set search_path = '' as $$
  select pg_notify('sfdc_engine_due', concat_ws(' ',
    case when is_failing then 'webhook-retry' else 'webhook' end, org, endpoint))
$$;
revoke all on function engine.announce_due(uuid, uuid, boolean) from public;
grant execute on function engine.announce_due(uuid, uuid, boolean) to sfdc_engine_runtime;

-- A client's transaction sees no endpoint of its org, so this runs as the owner. Locked, because an endpoint
-- that is deleted at the same moment must not fail the change that the event tells of.
create or replace function engine.deliver_event() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  endpoint record;
begin
  for endpoint in
    with found as materialized (
      select w.id, w.failing_since is not null as is_failing from public.webhook_endpoints w
       where w.org_id = new.org_id and w.status = 'active'
         and engine.wants_event(w, new.type, new.client_id)
         for key share
    ), added as (
      insert into public.webhook_deliveries
        (id, org_id, client_id, endpoint_id, event_id, created_at, next_try_at)
      select engine.uuid_v7(), new.org_id, new.client_id, f.id, new.id, new.created_at, new.created_at
        from found f
    )
    select f.id, f.is_failing from found f
  loop
    perform engine.announce_due(new.org_id, endpoint.id, endpoint.is_failing);
  end loop;
  return null;
end $$;
revoke all on function engine.deliver_event() from public;
create or replace trigger deliver_event after insert on public.events
  for each row execute function engine.deliver_event();

-- Endpoints with something to be sent that nobody is sending.
create or replace function engine_lookup.due_webhook_endpoints()
  returns table (org_id uuid, id uuid, is_failing boolean)
  language sql stable security definer set search_path = '' as $$
  select e.org_id, e.id, e.failing_since is not null
    from public.webhook_endpoints e
   where e.status = 'active' and exists (
     select from public.webhook_deliveries d
      where d.endpoint_id = e.id and d.status = 'pending' and d.next_try_at <= now()
        and (d.lease_until is null or d.lease_until <= now()))
$$;
call engine.protect_lookup('engine_lookup.due_webhook_endpoints()');

-- Endpoints whose secrets have to be encrypted anew, because the key of the server was rotated: they
-- begin with the id of the key.
create or replace function engine_lookup.endpoints_sealed_otherwise(key_id bytea, most integer)
  returns table (org_id uuid, id uuid)
  language sql stable security definer set search_path = '' as $$
  select e.org_id, e.id from public.webhook_endpoints e
   where substring(e.secret from 1 for length(key_id)) <> key_id
      or substring(e.former_secret from 1 for length(key_id)) <> key_id
   order by e.id limit most
$$;
call engine.protect_lookup('engine_lookup.endpoints_sealed_otherwise(bytea, integer)');

-- ------------------------------------------------------------------------------------ housekeeping

-- Deliveries go with their events.
call engine.define_expiry('events', $$
  delete from public.events where id in (
    select id from public.events where created_at < now() - interval '30 days'
     order by created_at limit 1000 for update skip locked)$$);
call engine.define_expiry('former_webhook_secrets', $$
  update public.webhook_endpoints set former_secret = null, former_secret_until = null
   where former_secret_until < now()$$);

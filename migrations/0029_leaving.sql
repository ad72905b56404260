-- Leaving: what the engine ever deployed to a client is taken out again, the connection is revoked, and on
-- request everything that we hold of the client goes; and everything of an organization that has left. The
-- audit log stays, without contents: it outlives the client and the org that it is about. Safe to run
-- again, like 0001.

alter table public.clients
  -- An off-boarding is under way: no new work begins.
  add column if not exists leaving_at timestamptz,
  -- Its rows are being deleted: nobody sees it any longer.
  add column if not exists purging_at timestamptz;
alter table public.organizations
  add column if not exists purging_at timestamptz;

-- Restrictive: it narrows the policy of the tenant. Whoever looks for the client in a tenant's scope finds
-- none, whatever the code does; the lookups, which have no scope, still do.
drop policy if exists not_purging on public.clients;
create policy not_purging on public.clients as restrictive to sfdc_engine_runtime
  using (purging_at is null or (select engine.org_id()) is null) with check (true);
drop policy if exists not_purging on public.organizations;
create policy not_purging on public.organizations as restrictive to sfdc_engine_runtime
  using (purging_at is null or (select engine.org_id()) is null) with check (true);

alter table public.audit_log drop constraint if exists audit_log_org_id_fkey;

-- ------------------------------------------------------------------------------------ off-boarding

-- All that was ever deployed to the client, as one deployment, so that one rollback takes it out.
alter table public.crm_deployments drop constraint if exists crm_deployments_kind_check;
alter table public.crm_deployments add constraint crm_deployments_kind_check check (kind in (
  'custom_objects', 'workflows', 'workflow_removal', 'workflow_activation',
  'offboarding', 'workflow_offboarding'));

create table if not exists public.offboardings (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid, -- null once the client was purged: what is left belongs to the org
  status text not null default 'running' check (status in ('running', 'complete', 'partial', 'failed')),
  is_preview boolean not null,
  options jsonb not null,
  stage text not null default 'automations',
  sfdc_org_id text, -- null: it changes no Salesforce org
  automations_id uuid, -- the deployments that stand for all that it takes out
  components_id uuid,
  result jsonb not null,
  certificate jsonb,
  certificate_hash text,
  error jsonb,
  resume_at timestamptz,
  salesforce_api_calls integer not null default 0,
  created_by uuid,
  credential_type text check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  credential_id uuid,
  request_id text,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  unique (org_id, id),
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, automations_id) references public.crm_deployments (org_id, id),
  foreign key (org_id, components_id) references public.crm_deployments (org_id, id),
  foreign key (org_id, created_by) references public.users (org_id, id),
  check ((status = 'running') = (completed_at is null))
);
create unique index if not exists offboardings_one_per_client
  on public.offboardings (org_id, client_id) where status = 'running' and client_id is not null;
create index if not exists offboardings_by_org on public.offboardings (org_id, id desc);
create index if not exists offboardings_by_client on public.offboardings (org_id, client_id, id desc);
create index if not exists offboardings_by_automations
  on public.offboardings (org_id, automations_id) where automations_id is not null;
create index if not exists offboardings_by_components
  on public.offboardings (org_id, components_id) where components_id is not null;
call engine.protect('public.offboardings', 'select, insert, update');
-- At the stage `purge` it is in the hands of the purge.
call engine.define_work('offboard', 'public.offboardings w', $$
  w.status = 'running' and w.stage <> 'purge' and (w.resume_at is null or w.resume_at <= now())$$,
  $$coalesce(w.sfdc_org_id, w.client_id::text)$$);

call engine.define_event('offboarding_finished', 'public.offboardings', 'status',
  $$old.status = 'running' and new.status <> 'running'$$, $$'offboarding.finished'$$,
  $$jsonb_build_object(
      'offboarding_id', new.id, 'status', new.status, 'preview', new.is_preview,
      'code', new.error ->> 'code', 'certificate_hash', new.certificate_hash,
      'purged', new.client_id is null,
      'components', jsonb_build_object(
          'removed', coalesce(jsonb_array_length(new.result -> 'removed'), 0),
          'restored', coalesce(jsonb_array_length(new.result -> 'restored'), 0),
          'stays', coalesce(jsonb_array_length(new.result -> 'stays'), 0)))$$);

-- The rollback of what stands for an off-boarding is told as the end of that.
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
    from public.crm_deployments d where d.org_id = new.org_id and d.id = new.deployment_id)$$,
  $$exists (select from public.crm_deployments d where d.org_id = new.org_id and d.id = new.deployment_id
             and d.kind not in ('offboarding', 'workflow_offboarding'))$$);

-- ------------------------------------------------------------------------------------ purge

-- A client, or without one a whole org, whose rows are being deleted. Its own row goes last.
create table if not exists public.purges (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid,
  offboarding_id uuid,
  stage text not null default 'drain' check (stage in ('drain', 'grants', 'delete')),
  deleted jsonb not null default '{}', -- rows by table
  attempts integer not null default 0,
  error jsonb,
  resume_at timestamptz,
  created_by uuid,
  credential_type text check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  credential_id uuid,
  request_id text,
  created_at timestamptz not null default now(),
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, offboarding_id) references public.offboardings (org_id, id)
);
create unique index if not exists purges_once on public.purges (org_id, client_id) nulls not distinct;
call engine.protect('public.purges', 'select, insert, update');
call engine.define_work('purge', 'public.purges w', $$
  w.resume_at is null or w.resume_at <= now()$$, $$concat(w.org_id)$$);

-- Without these, each deleted row would read whole tables for what refers to it.
create index if not exists crm_push_logs_by_retried
  on public.crm_push_logs (org_id, retry_of) where retry_of is not null;
create index if not exists crm_conflict_reports_by_validation
  on public.crm_conflict_reports (org_id, validation_id) where validation_id is not null;

-- What a purge has to know of the schema: the tables with rows of tenants, and the references between them.
-- From the catalog, so that a table that a later migration adds cannot be forgotten.
create or replace function engine_lookup.purge_tables()
  returns table (name text, has_client boolean) language sql stable security definer set search_path = '' as $$
  select k.relname::text, exists (select from pg_catalog.pg_attribute c where c.attrelid = k.oid
                                   and c.attname = 'client_id' and not c.attisdropped)
    from pg_catalog.pg_class k
   where k.relnamespace = 'public'::regnamespace and k.relkind = 'r'
     and exists (select from pg_catalog.pg_attribute o where o.attrelid = k.oid
                  and o.attname = 'org_id' and not o.attisdropped)
   order by 1
$$;
create or replace function engine_lookup.purge_references()
  returns table (child text, parent text, columns text[], is_nullable boolean, acts boolean)
  language sql stable security definer set search_path = '' as $$
  select ch.relname::text, pa.relname::text,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = c.conrelid and a.attnum = any(c.conkey)
                  and a.attname not in ('org_id', 'client_id')),
         exists (select from pg_catalog.pg_attribute a
                  where a.attrelid = c.conrelid and a.attnum = any(c.conkey)
                    and a.attname not in ('org_id', 'client_id') and not a.attnotnull),
         c.confdeltype <> 'a' -- the database itself empties or deletes what refers to a deleted row
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_class ch on ch.oid = c.conrelid
    join pg_catalog.pg_class pa on pa.oid = c.confrelid
   where c.contype = 'f' and c.connamespace = 'public'::regnamespace
     and c.confrelid <> 'public.organizations'::regclass
   order by 1, 2, 3
$$;

-- Which rows of a table a purge is about. Only of an org or client that has a purge at the stage `delete`:
-- nothing else in the server can delete anybody's rows with the functions below.
create or replace function engine.purged_rows(purge uuid, name text) returns text
  language plpgsql stable set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges where id = purge and stage = 'delete';
  if not found then raise exception 'no purge % deletes', purge using errcode = 'no_data_found'; end if;
  if name in ('audit_log', 'purges', 'organizations')
     or not exists (select from engine_lookup.purge_tables() t where t.name = purged_rows.name) then
    raise exception 'a purge does not touch %', name using errcode = 'insufficient_privilege';
  end if;
  if p.client_id is null then return format('org_id = %L', p.org_id); end if;
  return format('org_id = %L and %s', p.org_id, case
    when name = 'clients' then format('id = %L', p.client_id)
    -- Tokens of the client's users, and those that see this client only.
    when name = 'api_tokens' then format(
      '(client_ids <@ array[%1$L::uuid] or user_id in (select u.id from public.users u where u.org_id = %2$L and u.client_id = %1$L))',
      p.client_id, p.org_id)
    -- What was answered to the org's own users about the client is kept a day, to be repeated.
    when name = 'idempotency_keys' then format(
      '(client_id = %1$L or response_body ->> ''client_id'' = %1$L or resource_id = %1$L)', p.client_id)
    when name = 'webhook_endpoints' then format('client_ids <@ array[%L::uuid]', p.client_id)
    when exists (select from engine_lookup.purge_tables() t where t.name = purged_rows.name and t.has_client)
      then format('client_id = %L', p.client_id)
      -- What the org keeps of an off-boarding is its certificate.
      || case when name = 'offboardings' then format(' and id is distinct from %L', p.offboarding_id) else '' end
    else 'false' end);
end $$;
revoke all on function engine.purged_rows(uuid, text) from public;

create or replace function engine_lookup.purge_rows(purge uuid, name text, most integer)
  returns table (gone integer) language plpgsql volatile security definer set search_path = '' as $$
begin
  execute format('delete from public.%1$I where ctid = any(array(select ctid from public.%1$I where %2$s limit %3$s))',
                 name, engine.purged_rows(purge, name), most);
  get diagnostics gone = row_count;
  return next;
end $$;

-- Empties a reference of the rows that go, where two tables refer to each other, or rows of one table do.
create or replace function engine_lookup.purge_reference(purge uuid, name text, reference text, most integer)
  returns table (gone integer) language plpgsql volatile security definer set search_path = '' as $$
begin
  execute format('update public.%1$I set %4$I = null where ctid = any(array(
                    select ctid from public.%1$I where %2$s and %4$I is not null limit %3$s))',
                 name, engine.purged_rows(purge, name), most, reference);
  get diagnostics gone = row_count;
  return next;
end $$;

-- Takes the client out of the lists of tokens and endpoints that also serve others.
create or replace function engine_lookup.purge_lists(purge uuid)
  returns table (gone integer) language plpgsql volatile security definer set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges where id = purge and stage = 'delete' and client_id is not null;
  if found then
    update public.api_tokens set client_ids = array_remove(client_ids, p.client_id)
     where org_id = p.org_id and p.client_id = any(client_ids) and cardinality(client_ids) > 1;
    update public.webhook_endpoints set client_ids = array_remove(client_ids, p.client_id)
     where org_id = p.org_id and p.client_id = any(client_ids) and cardinality(client_ids) > 1;
  end if;
  gone := 0;
  return next;
end $$;

-- From now on nobody finds the client, or the org. Waits for transactions that refer to it.
create or replace function engine_lookup.purge_begins(purge uuid)
  returns table (client_id uuid) language plpgsql volatile security definer set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges where id = purge and stage <> 'delete' for update;
  if not found then return; end if;
  if p.client_id is null then
    update public.organizations set purging_at = now() where id = p.org_id;
    delete from public.purges w where w.org_id = p.org_id and w.id <> purge; -- of clients: they go with the org
    update public.clients c set purging_at = now(), is_active = false where c.org_id = p.org_id;
  else
    update public.clients c set purging_at = now(), is_active = false
     where c.org_id = p.org_id and c.id = p.client_id;
    -- Its certificate is kept, and refers to nothing that goes.
    update public.offboardings o set automations_id = null, components_id = null
     where o.org_id = p.org_id and o.id = p.offboarding_id;
  end if;
  update public.purges set stage = 'delete', error = null, resume_at = null, attempts = 0 where id = purge;
  client_id := p.client_id;
  return next;
end $$;

-- The end, all of it or nothing: the row of the client or the org, that of the purge, the audit row that
-- stays, and of an off-boarding its certificate.
create or replace function engine_lookup.purge_ends(purge uuid, certificate jsonb, certificate_hash text, status text)
  returns table (done boolean) language plpgsql volatile security definer set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges where id = purge and stage = 'delete' for update;
  if not found then return; end if;
  insert into public.audit_log (id, org_id, client_id, user_id, credential_type, credential_id, action,
                                target_type, target_id, outcome, request_id)
  values (engine.uuid_v7(), p.org_id, p.client_id, p.created_by, coalesce(p.credential_type, 'system'),
          p.credential_id, case when p.client_id is null then 'org.purge' else 'client.purge' end,
          case when p.client_id is null then 'organization' else 'client' end,
          coalesce(p.client_id, p.org_id), 'ok', p.request_id);
  delete from public.purges where id = purge;
  if p.client_id is null then
    delete from engine.super_admin_idempotency_keys k
     where k.resource_id = p.org_id or k.response_body ->> 'org_id' = p.org_id::text;
    delete from public.organizations where id = p.org_id;
  else
    update public.offboardings o
       set client_id = null, automations_id = null, components_id = null, error = null, resume_at = null,
           stage = 'done', status = purge_ends.status, completed_at = clock_timestamp(),
           certificate = purge_ends.certificate, certificate_hash = purge_ends.certificate_hash
     where o.org_id = p.org_id and o.id = p.offboarding_id and o.status = 'running';
    delete from public.clients c where c.org_id = p.org_id and c.id = p.client_id;
    if p.offboarding_id is not null then
      perform pg_notify('sfdc_engine_done', p.offboarding_id::text);
    end if;
  end if;
  perform pg_notify('sfdc_engine_done', purge::text);
  done := true;
  return next;
end $$;

-- What still works on the client, or on the org: turns of the queue beside the purge itself, and rows of
-- work that were sent somewhere and have not ended.
create or replace function engine_lookup.purge_waits_for(purge uuid)
  returns table (kind text, id uuid) language plpgsql stable security definer set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges w where w.id = purge;
  return query
    select j.name::text, (j.data ->> 'id')::uuid from pgboss.job j
     where j.state = 'active' and j.data ->> 'orgId' = p.org_id::text
       and (p.client_id is null or j.data ->> 'clientId' = p.client_id::text)
       and j.data ->> 'id' <> purge::text
    union
    select w.kind, w.id from engine_lookup.open_work() w
     where w.org_id = p.org_id and (p.client_id is null or w.client_id = p.client_id) and w.id <> purge;
end $$;

-- Work that is paused looks again at once, and finds that its client is leaving.
create or replace function engine_lookup.purge_wakes(purge uuid)
  returns table (woken integer) language plpgsql volatile security definer set search_path = '' as $$
declare p public.purges; t record; n integer;
begin
  select * into p from public.purges w where w.id = purge;
  woken := 0;
  for t in
    select a.attrelid::regclass as target, exists (
             select from pg_catalog.pg_attribute c where c.attrelid = a.attrelid and c.attname = 'client_id') as has_client
      from pg_catalog.pg_attribute a join pg_catalog.pg_class k on k.oid = a.attrelid
     where a.attname = 'resume_at' and k.relkind = 'r' and k.relnamespace = 'public'::regnamespace
       and k.relname <> 'purges'
       and exists (select from pg_catalog.pg_attribute o where o.attrelid = k.oid and o.attname = 'org_id')
  loop
    execute format('update %s set resume_at = null where org_id = %L and resume_at is not null and %s', t.target, p.org_id,
      case when p.client_id is null then 'true'
           when t.has_client then format('client_id = %L', p.client_id) else 'false' end);
    get diagnostics n = row_count;
    woken := woken + n;
  end loop;
  return next;
end $$;

-- How the purge of an org stands: only the super-admin asks. After its end, only the audit log knows it.
create or replace function engine_lookup.purge_of_org(org uuid)
  returns table (id uuid, slug text, name text, is_active boolean, stage text, deleted jsonb, error jsonb,
                 started_at timestamptz, completed_at timestamptz)
  language sql stable security definer set search_path = '' as $$
  select p.id, o.slug, o.name, o.is_active, p.stage, p.deleted, p.error, p.created_at, null::timestamptz
    from public.organizations o
    left join public.purges p on p.org_id = o.id and p.client_id is null
   where o.id = org
  union all
  select null, null, null, false, 'done', null, null, null, a.at
    from public.audit_log a
   where a.org_id = org and a.action = 'org.purge' and a.outcome = 'ok' and a.target_id = org
     and not exists (select from public.organizations o where o.id = org)
   order by 9 nulls first limit 1
$$;

do $$
declare f regprocedure;
begin
  for f in select oid from pg_proc where pronamespace = 'engine_lookup'::regnamespace and proname like 'purge\_%' loop
    call engine.protect_lookup(f);
  end loop;
end $$;

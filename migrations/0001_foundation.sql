-- The foundation: tenants, their users and credentials, connections, snapshots, and the tables that
-- deployments, mappings and pushes will fill; the runtime role; row-level security.
--
-- Forward-only and safe to run again, so that it does not matter whether the server, psql -f or
-- Supabase's tooling ran it first. docs/architecture.md explains the two walls between tenants.

-- The role that every statement of a tenant runs as: owns nothing, cannot bypass row-level security. If
-- the login may not create roles, an administrator runs these two lines before migrating.
do $$
begin
  if not exists (select from pg_roles where rolname = 'sfdc_engine_runtime') then
    begin
      create role sfdc_engine_runtime nologin nosuperuser nobypassrls nocreatedb nocreaterole;
    exception when duplicate_object or unique_violation then null; -- another database's migration won
    end;
  end if;
  -- From PostgreSQL 16 on, creating a role gives the right to grant it but not to SET it.
  if not pg_has_role(current_user, 'sfdc_engine_runtime',
                     case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) then
    execute format('grant sfdc_engine_runtime to %I', current_user);
  end if;
exception when insufficient_privilege then
  raise exception 'Role % can neither create nor use the role sfdc_engine_runtime', current_user
    using hint = format(
      'As an administrator: CREATE ROLE sfdc_engine_runtime NOLOGIN; GRANT sfdc_engine_runtime TO %I;',
      current_user);
end $$;

-- CREATE SCHEMA IF NOT EXISTS requires CREATE on the database even if the schema exists.
do $$
declare s text;
begin
  foreach s in array array['engine', 'engine_lookup'] loop
    if not exists (select from pg_namespace where nspname = s) then
      execute format('create schema %I', s);
    end if;
    execute format('revoke all on schema %I from public', s);
    execute format('grant usage on schema %I to sfdc_engine_runtime', s);
  end loop;
  execute format('grant usage on schema public to sfdc_engine_runtime');
end $$;

do $$
begin
  if to_regtype('public.user_role') is null then
    create type public.user_role as enum ('org_admin', 'company_admin', 'company_member');
  end if;
  if to_regtype('public.connection_status') is null then
    create type public.connection_status as enum ('pending', 'connected', 'expired', 'revoked', 'error');
  end if;
  if to_regtype('public.deployment_status') is null then
    create type public.deployment_status as enum ('pending', 'validated', 'deployed', 'failed', 'rolled_back');
  end if;
  if to_regtype('public.conflict_severity') is null then
    create type public.conflict_severity as enum ('green', 'yellow', 'red');
  end if;
  if to_regtype('public.push_status') is null then
    create type public.push_status as enum ('queued', 'in_progress', 'succeeded', 'partial', 'failed');
  end if;
end $$;

-- The tenant of the current transaction, set by the server inside the transaction and nowhere else.
create or replace function engine.org_id() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.org_id', true), '')::uuid $$;
create or replace function engine.client_id() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.client_id', true), '')::uuid $$;

-- ------------------------------------------------------------------------------------ who we serve

create table if not exists public.organizations (
  id uuid primary key,
  name text not null,
  slug text not null unique,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists public.clients (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  name text not null,
  domain text,
  metadata jsonb not null default '{}',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists clients_by_org on public.clients (org_id, id desc);

create table if not exists public.users (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid references public.clients,
  email text not null,
  password_hash text not null,
  full_name text,
  role public.user_role not null,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_role_fits_client check ((role = 'org_admin') = (client_id is null))
);
create unique index if not exists users_email_once on public.users (lower(email));
create index if not exists users_by_org on public.users (org_id, id desc);

create table if not exists public.login_sessions (
  id uuid primary key, -- the token's jti
  org_id uuid not null references public.organizations,
  client_id uuid references public.clients,
  user_id uuid not null references public.users,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index if not exists login_sessions_by_user on public.login_sessions (org_id, user_id) where ended_at is null;
create index if not exists login_sessions_by_expiry on public.login_sessions (expires_at);

create table if not exists public.api_tokens (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  user_id uuid not null references public.users,
  created_by uuid references public.users,
  name text not null,
  prefix text not null,
  token_hash bytea not null unique, -- SHA-256 of the token; the token itself is kept nowhere
  is_active boolean not null default true,
  last_used_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index if not exists api_tokens_by_org on public.api_tokens (org_id, id desc);

-- ----------------------------------------------------------------------------- connections

create table if not exists public.crm_connections (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  status public.connection_status not null default 'pending',
  environment text not null check (environment in ('production', 'sandbox')),
  provider_config_key text not null,
  nango_connection_id text,
  instance_url text,
  sfdc_org_id text,
  sfdc_user_id text,
  api_version text not null,
  -- Changes with every replacement, revocation and org change: a cached token of an older generation is
  -- dead.
  generation integer not null default 0,
  error jsonb,
  -- When forced refreshes began to be refused, and how often; three over ten minutes mean expired.
  refresh_refused_since timestamptz,
  refresh_refused_count integer not null default 0,
  -- One forced refresh at a time across all replicas: a lease, not a lock held during the call.
  refresh_lease_holder uuid,
  refresh_lease_until timestamptz,
  -- Counts successful forced refreshes, so that a waiter sees that somebody else did its work.
  refresh_count bigint not null default 0,
  connected_at timestamptz,
  last_refreshed_at timestamptz,
  created_by uuid references public.users,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists crm_connections_by_org on public.crm_connections (org_id, id desc);
create unique index if not exists crm_connections_one_live_per_client
  on public.crm_connections (client_id) where status <> 'revoked';
create unique index if not exists crm_connections_one_client_per_salesforce_org
  on public.crm_connections (org_id, sfdc_org_id) where status <> 'revoked' and sfdc_org_id is not null;
create unique index if not exists crm_connections_nango_id_once
  on public.crm_connections (nango_connection_id) where nango_connection_id is not null and status <> 'revoked';

create table if not exists public.connection_attempts (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  connection_id uuid not null references public.crm_connections,
  environment text not null check (environment in ('production', 'sandbox')),
  provider_config_key text not null,
  login_host text not null,
  api_version text not null,
  allow_other_org boolean not null default false,
  status text not null default 'open' check (status in ('open', 'accepted', 'superseded', 'abandoned')),
  nango_connection_id text,
  expires_at timestamptz not null,
  created_by uuid references public.users,
  created_at timestamptz not null default now()
);
create index if not exists connection_attempts_by_client on public.connection_attempts (org_id, client_id, id desc);
create unique index if not exists connection_attempts_one_open
  on public.connection_attempts (client_id) where status = 'open';

-- ----------------------------------------------------------------------------- topology

create table if not exists public.topology_blobs (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  hash bytea not null, -- SHA-256 of the canonical JSON
  body bytea not null, -- that JSON, compressed
  size_bytes integer not null, -- before compression
  created_at timestamptz not null default now(),
  primary key (client_id, hash)
);
alter table public.topology_blobs alter column body set storage external; -- compressed already
create index if not exists topology_blobs_by_org on public.topology_blobs (org_id);

create table if not exists public.crm_topology_snapshots (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  connection_id uuid references public.crm_connections,
  version integer,
  status text not null default 'pulling' check (status in ('pulling', 'complete', 'failed')),
  scope jsonb not null default '"all"',
  full_read boolean not null default false,
  base_snapshot_id uuid references public.crm_topology_snapshots,
  api_version text not null,
  sfdc_org_id text not null,
  sfdc_user_id text not null,
  language text,
  progress jsonb not null default '{"stage": "queued", "done": 0, "total": 0}',
  error jsonb,
  -- Names and hashes of everything in the snapshot; itself a blob, so an unchanged org adds none.
  manifest_hash bytea,
  content_hash text,
  objects_count integer,
  fields_count integer,
  automations_count integer,
  stats jsonb not null default '{}',
  changes_from_previous jsonb,
  created_by uuid references public.users,
  request_id text,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  constraint complete_is_whole check (
    status <> 'complete' or (version is not null and manifest_hash is not null and completed_at is not null)
  ),
  constraint only_complete_has_version check (status = 'complete' or version is null)
);
create unique index if not exists crm_topology_snapshots_version on public.crm_topology_snapshots (client_id, version);
create index if not exists crm_topology_snapshots_by_client on public.crm_topology_snapshots (org_id, client_id, id desc);
create unique index if not exists crm_topology_snapshots_one_pull
  on public.crm_topology_snapshots (client_id) where status = 'pulling';

-- What a running pull has read so far: lets a killed pull continue, and is emptied when it ends.
create table if not exists public.topology_pull_items (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  snapshot_id uuid not null references public.crm_topology_snapshots on delete cascade,
  kind text not null check (kind in ('object', 'automation')),
  name text not null,
  hash bytea,
  fields_count integer not null default 0,
  last_modified text,
  not_modified boolean not null default false,
  unreadable jsonb,
  primary key (snapshot_id, kind, name)
);
create index if not exists topology_pull_items_by_org on public.topology_pull_items (org_id);

-- The dates that Salesforce last returned for conditional reads. Valid only for the same Salesforce org,
-- user, API version, language and connection generation (all in `scope`).
create table if not exists public.topology_validators (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  kind text not null check (kind in ('global', 'object', 'automation')),
  name text not null,
  scope text not null,
  last_modified text not null,
  hash bytea,
  fields_count integer not null default 0,
  read_at timestamptz not null default now(), -- last unconditional read
  primary key (client_id, kind, name)
);
create index if not exists topology_validators_by_org on public.topology_validators (org_id);

-- ------------------------------------------------------- conflicts, deployments, mappings, pushes

create table if not exists public.crm_conflict_reports (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  status text not null default 'running' check (status in ('running', 'complete', 'failed')),
  severity public.conflict_severity,
  plan jsonb not null,
  plan_hash text not null,
  snapshot_id uuid references public.crm_topology_snapshots,
  findings jsonb not null default '[]',
  counts jsonb,
  api_call_estimate integer,
  progress jsonb not null default '{"stage": "queued", "done": 0, "total": 0}',
  error jsonb,
  created_by uuid references public.users,
  request_id text,
  created_at timestamptz not null default now(),
  completed_at timestamptz
);
create index if not exists crm_conflict_reports_by_client on public.crm_conflict_reports (org_id, client_id, id desc);

create table if not exists public.crm_deployments (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  connection_id uuid references public.crm_connections,
  kind text not null check (kind in ('custom_objects', 'workflows', 'workflow_removal', 'workflow_activation')),
  status public.deployment_status not null default 'pending',
  plan jsonb not null,
  conflict_report_id uuid references public.crm_conflict_reports,
  sfdc_org_id text,
  sfdc_deploy_id text,
  check_only boolean not null default false,
  progress jsonb not null default '{"stage": "queued", "done": 0, "total": 0}',
  warnings jsonb not null default '[]',
  error jsonb,
  rollback jsonb,
  created_by uuid references public.users,
  request_id text,
  created_at timestamptz not null default now(),
  deployed_at timestamptz,
  rolled_back_at timestamptz
);
create index if not exists crm_deployments_by_client on public.crm_deployments (org_id, client_id, id desc);

create table if not exists public.crm_field_mappings (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  canonical_object text not null,
  sfdc_object text not null,
  external_id_field text,
  fields jsonb not null default '[]',
  version integer not null default 1,
  is_active boolean not null default true,
  created_by uuid references public.users,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index if not exists crm_field_mappings_one_active
  on public.crm_field_mappings (client_id, canonical_object) where is_active;
create index if not exists crm_field_mappings_by_client on public.crm_field_mappings (org_id, client_id, id desc);

create table if not exists public.crm_push_logs (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  connection_id uuid references public.crm_connections,
  kind text not null check (kind in ('records', 'status_update', 'link')),
  canonical_object text,
  sfdc_object text,
  status public.push_status not null default 'queued',
  dry_run boolean not null default false,
  transport text check (transport in ('collections', 'bulk')),
  options jsonb not null default '{}',
  total integer not null default 0,
  processed integer not null default 0,
  succeeded integer not null default 0,
  failed integer not null default 0,
  created_count integer not null default 0,
  updated_count integer not null default 0,
  salesforce_api_calls integer not null default 0,
  mapping_version integer,
  error jsonb,
  created_by uuid references public.users,
  request_id text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz
);
create index if not exists crm_push_logs_by_client on public.crm_push_logs (org_id, client_id, id desc);

-- ----------------------------------------------------------------------------- audit, idempotency

create table if not exists public.audit_log (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid references public.clients,
  at timestamptz not null default now(),
  user_id uuid,
  credential_type text not null check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  credential_id uuid,
  action text not null,
  target_type text,
  target_id uuid,
  outcome text not null, -- 'ok' or the error's code
  request_id text,
  salesforce_api_calls integer not null default 0
);
create index if not exists audit_log_by_org on public.audit_log (org_id, id desc);
create index if not exists audit_log_by_client on public.audit_log (org_id, client_id, id desc);

create table if not exists public.idempotency_keys (
  org_id uuid not null references public.organizations,
  client_id uuid references public.clients,
  user_id uuid not null references public.users,
  method text not null,
  path text not null,
  key text not null,
  body_hash bytea not null, -- keyed, so that the table tells nothing about the bodies
  holder uuid not null,
  free_at timestamptz not null, -- a key without a resource or an answer is free again then
  resource_id uuid,
  response_status integer,
  response_body jsonb,
  created_at timestamptz not null default now(),
  primary key (org_id, user_id, method, path, key)
);
create index if not exists idempotency_keys_by_age on public.idempotency_keys (created_at);

-- The super-admin is outside every tenant, and so are its keys.
create table if not exists engine.super_admin_idempotency_keys (
  method text not null,
  path text not null,
  key text not null,
  body_hash bytea not null,
  holder uuid not null,
  free_at timestamptz not null,
  resource_id uuid,
  response_status integer,
  response_body jsonb,
  created_at timestamptz not null default now(),
  primary key (method, path, key)
);

-- ----------------------------------------------------------------------------- what no tenant owns

-- The day's API usage of a Salesforce org, no matter whose client it is: the allowance is the Salesforce
-- org's.
create table if not exists engine.salesforce_org_usage (
  sfdc_org_id text primary key,
  used integer not null,
  max integer not null,
  observed_at timestamptz not null default now(),
  -- Salesforce itself refused ("TotalRequests Limit exceeded"): nothing but protected calls till then.
  refused_until timestamptz
);

-- Failed logins by their target. Keys are keyed hashes: no address and no e-mail is stored.
create table if not exists engine.login_failures (
  key bytea primary key,
  failures integer not null,
  window_ends_at timestamptz not null
);

-- ----------------------------------------------------------------------------- integrity

create or replace function engine.client_belongs_to_org() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if new.client_id is not null and not exists (
    select from public.clients c where c.id = new.client_id and c.org_id = new.org_id
  ) then
    raise exception 'client % does not belong to org %', new.client_id, new.org_id
      using errcode = 'foreign_key_violation', table = tg_table_name, constraint = 'client_belongs_to_org';
  end if;
  return new;
end $$;

create or replace function engine.user_belongs_to_org() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.users u where u.id = new.user_id and u.org_id = new.org_id) then
    raise exception 'user % does not belong to org %', new.user_id, new.org_id
      using errcode = 'foreign_key_violation', table = tg_table_name, constraint = 'user_belongs_to_org';
  end if;
  return new;
end $$;

create or replace function engine.org_is_final() returns trigger language plpgsql as $$
begin
  raise exception 'a row never moves to another org' using errcode = 'integrity_constraint_violation';
end $$;

revoke all on function engine.client_belongs_to_org(), engine.user_belongs_to_org(), engine.org_is_final() from public;
revoke all on function engine.org_id(), engine.client_id() from public;
grant execute on function engine.org_id(), engine.client_id() to sfdc_engine_runtime;

-- Triggers, policies and grants of every table with an org_id. A later migration calls this for the
-- tables that it adds; a test walks the catalog and fails for a table that was forgotten.
create or replace procedure engine.protect(target regclass, rights text) language plpgsql as $$
declare
  has_client boolean := exists (select from pg_attribute where attrelid = target and attname = 'client_id' and not attisdropped);
  has_user boolean := exists (select from pg_attribute where attrelid = target and attname = 'user_id' and attnotnull);
  scope text;
  r text;
begin
  if has_client then
    execute format('create or replace trigger client_belongs_to_org before insert or update of org_id, client_id on %s
      for each row execute function engine.client_belongs_to_org()', target);
  end if;
  if has_user then
    execute format('create or replace trigger user_belongs_to_org before insert or update of org_id, user_id on %s
      for each row execute function engine.user_belongs_to_org()', target);
  end if;
  execute format('create or replace trigger org_is_final before update of org_id on %s
    for each row when (old.org_id is distinct from new.org_id) execute function engine.org_is_final()', target);

  scope := 'org_id = (select engine.org_id()) and ((select engine.client_id()) is null';
  if target = 'public.clients'::regclass then
    scope := scope || ' or id = (select engine.client_id()))';
  elsif has_client then
    scope := scope || ' or client_id = (select engine.client_id()))';
  else
    scope := scope || ')'; -- nothing of the table belongs to one client alone
  end if;
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('drop policy if exists tenant on %s', target);
  execute format('create policy tenant on %s to sfdc_engine_runtime using (%s) with check (%s)', target, scope, scope);
  -- FORCE also applies to the owner: without this policy the next migration and the lookups below see
  -- nothing.
  execute format('drop policy if exists owner on %s', target);
  execute format('create policy owner on %s to %I using (true) with check (true)', target, current_user);
  execute format('revoke all on %s from public', target);
  foreach r in array array['anon', 'authenticated'] loop -- Supabase's public faces
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on %s from %I', target, r);
    end if;
  end loop;
  execute format('revoke all on %s from sfdc_engine_runtime', target);
  execute format('grant %s on %s to sfdc_engine_runtime', rights, target);
end $$;
revoke all on procedure engine.protect(regclass, text) from public;

call engine.protect('public.clients', 'select, insert, update');
call engine.protect('public.users', 'select, insert, update');
call engine.protect('public.login_sessions', 'select, insert, update, delete');
call engine.protect('public.api_tokens', 'select, insert, update');
call engine.protect('public.crm_connections', 'select, insert, update');
call engine.protect('public.connection_attempts', 'select, insert, update');
call engine.protect('public.topology_blobs', 'select, insert, delete');
call engine.protect('public.crm_topology_snapshots', 'select, insert, update, delete');
call engine.protect('public.topology_pull_items', 'select, insert, update, delete');
call engine.protect('public.topology_validators', 'select, insert, update, delete');
call engine.protect('public.crm_conflict_reports', 'select, insert, update, delete');
call engine.protect('public.crm_deployments', 'select, insert, update');
call engine.protect('public.crm_field_mappings', 'select, insert, update, delete');
call engine.protect('public.crm_push_logs', 'select, insert, update, delete');
call engine.protect('public.audit_log', 'select, insert'); -- append-only by grant
call engine.protect('public.idempotency_keys', 'select, insert, update, delete');

-- organizations is the tenant itself: its id is the scope.
alter table public.organizations enable row level security;
alter table public.organizations force row level security;
drop policy if exists tenant on public.organizations;
create policy tenant on public.organizations to sfdc_engine_runtime
  using (id = (select engine.org_id())) with check (id = (select engine.org_id()));
drop policy if exists owner on public.organizations;
create policy owner on public.organizations to current_user using (true) with check (true);
revoke all on public.organizations from public;
do $$
declare r text;
begin
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on public.organizations from %I', r);
      execute format('revoke all on all tables in schema engine from %I', r);
    end if;
  end loop;
end $$;
grant select, insert, update on public.organizations to sfdc_engine_runtime;

-- Tables without a tenant hold no tenant's data, but are protected in the same way.
do $$
declare t text;
begin
  foreach t in array array['super_admin_idempotency_keys', 'salesforce_org_usage', 'login_failures'] loop
    execute format('alter table engine.%I enable row level security', t);
    execute format('alter table engine.%I force row level security', t);
    execute format('drop policy if exists owner on engine.%I', t);
    execute format('create policy owner on engine.%I to %I using (true) with check (true)', t, current_user);
    execute format('drop policy if exists shared on engine.%I', t);
    execute format('create policy shared on engine.%I to sfdc_engine_runtime using (true) with check (true)', t);
    execute format('revoke all on engine.%I from public', t);
    execute format('grant select, insert, update, delete on engine.%I to sfdc_engine_runtime', t);
  end loop;
end $$;

-- ------------------------------------------- lookups that happen before an org is known

create or replace function engine_lookup.api_token(hash bytea)
  returns table (token_id uuid, org_id uuid, user_id uuid, role text, client_id uuid, email text, stale boolean)
  language sql stable security definer set search_path = '' as $$
  select t.id, t.org_id, u.id, u.role::text, u.client_id, u.email,
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute'
    from public.api_tokens t
    join public.users u on u.id = t.user_id
    join public.organizations o on o.id = t.org_id
    left join public.clients c on c.id = u.client_id
   where t.token_hash = hash and t.is_active and u.is_active and o.is_active
     and coalesce(c.is_active, true) and (t.expires_at is null or t.expires_at > now())
$$;

create or replace function engine_lookup.session(jti uuid)
  returns table (session_id uuid, org_id uuid, user_id uuid, role text, client_id uuid, email text)
  language sql stable security definer set search_path = '' as $$
  select s.id, s.org_id, u.id, u.role::text, u.client_id, u.email
    from public.login_sessions s
    join public.users u on u.id = s.user_id
    join public.organizations o on o.id = s.org_id
    left join public.clients c on c.id = u.client_id
   where s.id = jti and s.ended_at is null and s.expires_at > now()
     and u.is_active and o.is_active and coalesce(c.is_active, true)
$$;

create or replace function engine_lookup.user_by_email(address text)
  returns table (org_id uuid, user_id uuid, role text, client_id uuid, password_hash text, may_log_in boolean)
  language sql stable security definer set search_path = '' as $$
  select u.org_id, u.id, u.role::text, u.client_id, u.password_hash,
         u.is_active and o.is_active and coalesce(c.is_active, true)
    from public.users u
    join public.organizations o on o.id = u.org_id
    left join public.clients c on c.id = u.client_id
   where lower(u.email) = lower(address)
$$;

create or replace function engine_lookup.connection_by_nango_id(nango_id text)
  returns table (org_id uuid, client_id uuid, connection_id uuid)
  language sql stable security definer set search_path = '' as $$
  select k.org_id, k.client_id, k.id from public.crm_connections k
   where k.nango_connection_id = nango_id and k.status <> 'revoked'
$$;

create or replace function engine_lookup.connection_attempt(attempt uuid)
  returns table (org_id uuid, client_id uuid, attempt_id uuid)
  language sql stable security definer set search_path = '' as $$
  select a.org_id, a.client_id, a.id from public.connection_attempts a where a.id = attempt
$$;

create or replace function engine_lookup.organizations(before uuid, most integer)
  returns setof public.organizations
  language sql stable security definer set search_path = '' as $$
  select * from public.organizations o where before is null or o.id < before order by o.id desc limit most
$$;

-- Work that was accepted and has not ended: a starting or sweeping replica puts it back in the queue.
create or replace function engine_lookup.unfinished_work()
  returns table (kind text, org_id uuid, id uuid, sfdc_org_id text)
  language sql stable security definer set search_path = '' as $$
  select 'topology-pull', s.org_id, s.id, s.sfdc_org_id
    from public.crm_topology_snapshots s where s.status = 'pulling'
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
  return gone;
end $$;

revoke all on all functions in schema engine_lookup from public;
do $$
declare r text;
begin
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on all functions in schema engine_lookup, engine from %I', r);
      execute format('revoke all on schema engine, engine_lookup from %I', r);
    end if;
  end loop;
end $$;
grant execute on all functions in schema engine_lookup to sfdc_engine_runtime;

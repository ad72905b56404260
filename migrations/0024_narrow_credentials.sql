-- Credentials with less power: an API token may have only some permissions, see only some clients, and
-- need a person's approval for what changes a Salesforce org. Safe to run again, like 0001.

-- ------------------------------------------------------------------------------- several clients of an org

-- Null: every client of the org (or the one of engine.client_id).
create or replace function engine.client_ids() returns uuid[] language sql stable parallel safe
  as $$ select nullif(current_setting('app.client_ids', true), '')::uuid[] $$;
revoke all on function engine.client_ids() from public;
grant execute on function engine.client_ids() to sfdc_engine_runtime;

-- Which rows of a table with an org_id belong to the tenant of the transaction.
create or replace function engine.tenant_rows(target regclass) returns text language sql stable as $$
  select 'org_id = (select engine.org_id()) and '
      || case
           when own.client is null -- nothing of the table belongs to one client alone
             then '(select engine.client_id()) is null and (select engine.client_ids()) is null'
           else format('((select engine.client_id()) is null or %1$s = (select engine.client_id()))
             and ((select engine.client_ids()) is null or array[%1$s] <@ (select engine.client_ids()))', own.client)
         end
    from (select case
                   when target = 'public.clients'::regclass then 'id'
                   when exists (select from pg_attribute
                                 where attrelid = target and attname = 'client_id' and not attisdropped)
                     then 'client_id'
                 end as client) own
$$;
revoke all on function engine.tenant_rows(regclass) from public;

-- As in 0001, with the rows of several clients.
create or replace procedure engine.protect(target regclass, rights text) language plpgsql as $$
declare
  has_client boolean := exists (select from pg_attribute where attrelid = target and attname = 'client_id' and not attisdropped);
  has_user boolean := exists (select from pg_attribute where attrelid = target and attname = 'user_id' and attnotnull);
  scope text := engine.tenant_rows(target);
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
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('drop policy if exists tenant on %s', target);
  execute format('create policy tenant on %s to sfdc_engine_runtime using (%s) with check (%s)', target, scope, scope);
  -- FORCE also applies to the owner: without this policy the next migration and the lookups see nothing.
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

do $$
declare p record; scope text;
begin
  for p in
    select polrelid::regclass as target from pg_policy
     where polname = 'tenant' and polrelid <> 'public.organizations'::regclass
  loop
    scope := engine.tenant_rows(p.target);
    execute format('alter policy tenant on %s using (%s) with check (%s)', p.target, scope, scope);
  end loop;
end $$;

-- ------------------------------------------------------------------------------- tokens

alter table public.api_tokens
  add column if not exists scopes text[], -- null: all permissions of the user's role
  add column if not exists client_ids uuid[], -- null: all clients that the user sees
  add column if not exists approval text not null default 'none';
alter table public.api_tokens
  drop constraint if exists api_tokens_approval,
  add constraint api_tokens_approval check (approval in ('none', 'required')),
  drop constraint if exists api_tokens_that_ask_expire,
  add constraint api_tokens_that_ask_expire check (approval = 'none' or expires_at is not null),
  drop constraint if exists api_tokens_of_some_client,
  add constraint api_tokens_of_some_client check (cardinality(client_ids) > 0);

create or replace function engine.token_clients_belong_to_org() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from unnest(new.client_ids) as named(id)
     where not exists (select from public.clients c where c.id = named.id and c.org_id = new.org_id)
  ) then
    raise exception 'a client of token % does not belong to org %', new.id, new.org_id
      using errcode = 'foreign_key_violation', table = tg_table_name, constraint = 'token_clients_belong_to_org';
  end if;
  return new;
end $$;
revoke all on function engine.token_clients_belong_to_org() from public;
create or replace trigger token_clients_belong_to_org before insert or update of org_id, client_ids on public.api_tokens
  for each row execute function engine.token_clients_belong_to_org();

-- For replicas of the previous version, which may run beside this one for a moment and would not see the
-- limits: to them, a limited token does not exist.
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
     and t.scopes is null and t.client_ids is null and t.approval = 'none'
$$;

create or replace function engine_lookup.limited_token(hash bytea)
  returns table (token_id uuid, org_id uuid, user_id uuid, role text, client_id uuid, email text, stale boolean,
                 scopes text[], client_ids uuid[], approval text)
  language sql stable security definer set search_path = '' as $$
  select t.id, t.org_id, u.id, u.role::text, u.client_id, u.email,
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute',
         t.scopes, t.client_ids, t.approval
    from public.api_tokens t
    join public.users u on u.id = t.user_id
    join public.organizations o on o.id = t.org_id
    left join public.clients c on c.id = u.client_id
   where t.token_hash = hash and t.is_active and u.is_active and o.is_active
     and coalesce(c.is_active, true) and (t.expires_at is null or t.expires_at > now())
$$;
call engine.protect_lookup('engine_lookup.limited_token(bytea)');

-- ------------------------------------------------------------------------------- approvals

create unique index if not exists api_tokens_of_org on public.api_tokens (org_id, id);

-- A call that a credential may make only once a person has agreed to it. What was agreed to is in
-- request_hash (keyed, so that the table tells nothing about the bodies) and in bound.
create table if not exists public.approvals (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  token_id uuid not null,
  requested_by uuid,
  action text not null, -- the operationId
  request_hash bytea not null,
  bound jsonb not null, -- plan, report, snapshot, mapping, connection: what must be the same at use
  summary jsonb not null, -- what will happen, in words
  state text not null default 'pending' check (state in ('pending', 'granted', 'refused', 'used')),
  decided_by uuid,
  decided_at timestamptz,
  used_at timestamptz,
  resource_id uuid, -- what it was used for
  request_id text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, token_id) references public.api_tokens (org_id, id),
  foreign key (org_id, requested_by) references public.users (org_id, id),
  foreign key (org_id, decided_by) references public.users (org_id, id),
  constraint approvals_decided check ((state = 'pending') = (decided_at is null)),
  constraint approvals_used check ((state = 'used') = (used_at is not null))
);
create index if not exists approvals_by_org on public.approvals (org_id, id desc);
create index if not exists approvals_by_client on public.approvals (org_id, client_id, id desc);
create index if not exists approvals_pending on public.approvals (org_id, token_id) where state = 'pending';
call engine.protect('public.approvals', 'select, insert, update');
call engine.define_expiry('approvals', $$
  delete from public.approvals where created_at < now() - interval '365 days'$$);

-- The runtime role, which runs every statement of a tenant, keeps only the rights that it needs. Only
-- the login has the lookups and the tables that belong to no tenant: they are used before, or outside, a
-- tenant's scope. By foreign key, whatever a tenant's row refers to belongs to the same tenant. Safe to
-- run again, like 0001.

-- ------------------------------------------------------------------------------- look-ups, tables of no tenant

create or replace procedure engine.protect_lookup(target regprocedure) language plpgsql as $$
declare r text;
begin
  execute format('revoke all on function %s from public, sfdc_engine_runtime', target);
  foreach r in array array['anon', 'authenticated'] loop -- Supabase's public faces
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on function %s from %I', target, r);
    end if;
  end loop;
end $$;

do $$
declare f regprocedure;
begin
  for f in select oid from pg_proc where pronamespace = 'engine_lookup'::regnamespace loop
    call engine.protect_lookup(f);
  end loop;
end $$;
revoke all on schema engine_lookup from sfdc_engine_runtime;

-- `rights` are those of the runtime role, '' for none.
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
  if rights <> '' then execute format('grant %s on %s to sfdc_engine_runtime', rights, target); end if;
end $$;

do $$
declare t text;
begin
  foreach t in array array[
    'expiries', 'known_logins', 'login_failures', 'nango_rereads', 'salesforce_org_usage',
    'salesforce_work_places', 'salesforce_work_slots', 'work_kinds', 'work_starts'
  ] loop
    if to_regclass('engine.' || t) is not null then
      call engine.protect_shared(('engine.' || t)::regclass, '');
    end if;
  end loop;
end $$;
-- A key of the super-admin is bound to an organization in the transaction that creates it; nothing there
-- may read its answer.
call engine.protect_shared('engine.super_admin_idempotency_keys',
  'select (method, path, key, holder), update (resource_id)');

-- --------------------------------------------------------------------------- references stay within the tenant

-- Every foreign key between two tables with an org_id also includes the org_id.
do $$
declare f record; columns text;
begin
  for f in
    select c.conname, c.conrelid::regclass as source, c.confrelid::regclass as target,
           a.attname as source_column, c.confdeltype = 'c' as cascades
      from pg_constraint c
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
     where c.contype = 'f' and cardinality(c.conkey) = 1
       and c.connamespace = 'public'::regnamespace and c.confrelid <> 'public.organizations'::regclass
       and exists (select from pg_attribute where attrelid = c.conrelid and attname = 'org_id')
       and exists (select from pg_attribute where attrelid = c.confrelid and attname = 'org_id')
  loop
    if not exists (
      select from pg_constraint u where u.conrelid = f.target and u.contype = 'u'
        and u.conkey = array(
          select attnum from pg_attribute where attrelid = f.target and attname in ('org_id', 'id')
           order by attname desc)::smallint[]
    ) then
      execute format('alter table %s add unique (org_id, id)', f.target);
    end if;
    execute format('alter table %s drop constraint %I', f.source, f.conname);
    execute format('alter table %s add constraint %I foreign key (org_id, %I) references %s (org_id, id)%s',
      f.source, f.conname, f.source_column, f.target, case when f.cascades then ' on delete cascade' else '' end);
  end loop;
end $$;

-- A deployment locks its Salesforce org across all tenants: only one that the client is, or was,
-- connected to.
create or replace function engine.salesforce_org_of_client() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if new.locked_sfdc_org_id is not null and not exists (
    select from public.crm_connections c
     where c.org_id = new.org_id and c.client_id = new.client_id and c.sfdc_org_id = new.locked_sfdc_org_id
  ) then
    raise exception 'client % was never connected to the Salesforce org %', new.client_id, new.locked_sfdc_org_id
      using errcode = 'check_violation';
  end if;
  return new;
end $$;
revoke all on function engine.salesforce_org_of_client() from public;
create or replace trigger salesforce_org_of_client before insert or update of locked_sfdc_org_id, org_id, client_id
  on public.deployment_runs for each row execute function engine.salesforce_org_of_client();

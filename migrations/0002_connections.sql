-- Connections: what an attempt stores about its grant, when a refused refresh was last tried, and when a
-- hint from Nango last made us look. Safe to run again, like 0001.

alter table public.crm_connections
  -- The last refused refresh: no new one is forced for a while after it.
  add column if not exists refresh_refused_at timestamptz;

alter table public.connection_attempts
  -- Nango's own end of the connect session; the attempt itself stays open a little longer.
  add column if not exists session_expires_at timestamptz,
  -- Of the accepted grant, so that it can be retired after a new one has replaced it.
  add column if not exists instance_url text,
  add column if not exists sfdc_org_id text,
  -- When the accepted grant was deleted at Nango. Until then, every use of the client's connection tries
  -- again.
  add column if not exists retired_at timestamptz;

create index if not exists connection_attempts_to_retire on public.connection_attempts (org_id, client_id)
  where nango_connection_id is not null and retired_at is null;

-- A webhook is a hint to look at Nango once more: at most once in 10 s for each connection, across all
-- replicas. Rows are deleted when they are a minute old.
create table if not exists engine.nango_rereads (
  nango_connection_id text primary key,
  read_at timestamptz not null default now()
);

do $$
declare r text;
begin
  execute 'alter table engine.nango_rereads enable row level security';
  execute 'alter table engine.nango_rereads force row level security';
  execute 'drop policy if exists owner on engine.nango_rereads';
  execute format('create policy owner on engine.nango_rereads to %I using (true) with check (true)', current_user);
  execute 'drop policy if exists shared on engine.nango_rereads';
  execute 'create policy shared on engine.nango_rereads to sfdc_engine_runtime using (true) with check (true)';
  execute 'revoke all on engine.nango_rereads from public';
  execute 'grant select, insert, update, delete on engine.nango_rereads to sfdc_engine_runtime';
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on engine.nango_rereads from %I', r);
    end if;
  end loop;
end $$;

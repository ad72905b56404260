-- Work that crashes its process must not do so for ever: every start is counted beforehand, and the
-- count is removed when the start ends in any way. What remains was a crash.

create table if not exists engine.work_starts (
  work_id uuid primary key,
  starts integer not null,
  updated_at timestamptz not null default now()
);

do $$
declare r text;
begin
  execute 'alter table engine.work_starts enable row level security';
  execute 'alter table engine.work_starts force row level security';
  execute 'drop policy if exists owner on engine.work_starts';
  execute format('create policy owner on engine.work_starts to %I using (true) with check (true)', current_user);
  execute 'drop policy if exists shared on engine.work_starts';
  execute 'create policy shared on engine.work_starts to sfdc_engine_runtime using (true) with check (true)';
  execute 'revoke all on engine.work_starts from public';
  execute 'grant select, insert, update, delete on engine.work_starts to sfdc_engine_runtime';
  foreach r in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = r) then
      execute format('revoke all on engine.work_starts from %I', r);
    end if;
  end loop;
end $$;

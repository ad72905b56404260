-- What a purge has done counts as soon as it is done: deleted rows in the transaction that deletes them, so that a
-- crash loses none of the count, and the grants that Nango still keeps when the purge no longer waits for it. Safe to
-- run again, like 0001.

alter table public.purges add column if not exists grants_left integer not null default 0;

create or replace function engine_lookup.purge_rows(purge uuid, name text, most integer)
  returns table (gone integer) language plpgsql volatile security definer set search_path = '' as $$
begin
  execute format('delete from public.%1$I where ctid = any(array(select ctid from public.%1$I where %2$s limit %3$s))',
                 name, engine.purged_rows(purge, name), most);
  get diagnostics gone = row_count;
  if gone > 0 then
    update public.purges p
       set deleted = p.deleted || jsonb_build_object(name, coalesce((p.deleted ->> name)::integer, 0) + gone)
     where p.id = purge;
  end if;
  return next;
end $$;

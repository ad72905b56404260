-- What a describe or an automation consists of, by its content: the names of its facts. A second client with the
-- same content is indexed without reading, parsing or hashing it, and a pull after a change knows the facts that
-- were there before without their contents. Safe to run again, like 0001.

create table if not exists public.search_contents (
  org_id uuid not null references public.organizations,
  key bytea not null, -- a hash of the object's or automation's name and of its content; 16 bytes
  facts bytea not null, -- names of facts, 16 bytes each
  primary key (org_id, key)
);
alter table public.search_contents alter column facts set storage external; -- hashes do not get smaller
call engine.protect('public.search_contents', 'select, insert, update, delete');

-- A client that goes leaves neither a fact of its own nor a content that had one.
create or replace function engine.forget_in_search() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  update public.search_sets
     set clients = array_remove(clients, old.no), clients_key = null
   where org_id = old.org_id and clients @> array[old.no];
  with gone as (
    delete from public.search_facts f using public.search_sets s
     where s.org_id = old.org_id and s.clients = '{}' and f.org_id = s.org_id and f.set_id = s.id
    returning f.hash
  )
  delete from public.search_contents c
   where c.org_id = old.org_id and c.key in (
     select k.key from public.search_contents k
      cross join lateral generate_series(1, octet_length(k.facts), 16) at
      where k.org_id = old.org_id and substring(k.facts from at for 16) in (select hash from gone));
  delete from public.search_sets where org_id = old.org_id and clients = '{}';
  return null;
end $$;
revoke all on function engine.forget_in_search() from public;

-- The search index: what the newest complete snapshot of every client consists of, so that one question is
-- answered for all clients of an org without opening a snapshot. Clients share most of their schema, so a
-- fact (this field of this object, with this label and type) is stored once for an org, and belongs to a
-- set: the clients that have it. Facts that come and go together share a set, so one more client with the
-- standard schema changes a row or two, and a question counts facts by set. Safe to run again, like 0001.

-- Which snapshot of a client is in the index, and the number that stands for the client in sets.
create table if not exists public.search_clients (
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  no integer not null,
  snapshot_id uuid, -- without a reference: retention may delete it while a newer one is not indexed yet
  manifest_hash bytea,
  primary key (org_id, client_id),
  unique (org_id, no),
  foreign key (org_id, client_id) references public.clients (org_id, id) on delete cascade
);
call engine.protect('public.search_clients', 'select, insert, update, delete');

-- Facts refer to their set without a foreign key: only the index writes them, an org at a time, and a check
-- of each moved fact would cost more than moving it.
create table if not exists public.search_sets (
  org_id uuid not null references public.organizations,
  id bigint generated always as identity,
  clients integer[] not null, -- ascending numbers of search_clients
  clients_key bytea, -- a hash of them, to find the set of these clients; null: not known
  size integer not null, -- facts of the set
  primary key (org_id, id)
);
create index if not exists search_sets_by_clients on public.search_sets (org_id, clients_key);
call engine.protect('public.search_sets', 'select, insert, update, delete');

create table if not exists public.search_facts (
  org_id uuid not null references public.organizations,
  hash bytea not null, -- of everything below but the set; 16 bytes
  set_id bigint not null,
  flags integer not null,
  kind text not null check (kind in ('object', 'field', 'picklist_value', 'record_type', 'automation')),
  -- What is compared without regard to case is stored in lower case: under row-level security PostgreSQL
  -- uses no index for a condition that calls a function.
  object_key text collate "C" not null, -- '' for an automation without an object
  name_key text collate "C" not null,
  label_key text collate "C" not null, -- the name where there is no label
  object text, -- this and the following as Salesforce writes them
  name text not null,
  label text, -- null if it is the name
  field text, -- of a picklist value
  type text collate "C" not null,
  formula text,
  detail jsonb,
  primary key (org_id, hash)
) with (fillfactor = 90); -- a fact that moves to another set stays on its page
create index if not exists search_facts_by_object on public.search_facts (org_id, kind, object_key, name_key);
-- With the set: what names contain is looked for in this index alone.
create index if not exists search_facts_by_name on public.search_facts (org_id, kind, name_key) include (set_id);
create index if not exists search_facts_by_label on public.search_facts (org_id, kind, label_key);
create index if not exists search_facts_by_flags on public.search_facts (org_id, kind, flags, type);
create index if not exists search_facts_with_formula on public.search_facts (org_id, kind) where formula is not null;
call engine.protect('public.search_facts', 'select, insert, update, delete');

-- A client that goes leaves no fact of its own. As the owner, because whoever deletes a client may see only
-- that client, and facts belong to the org.
create or replace function engine.forget_in_search() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  update public.search_sets
     set clients = array_remove(clients, old.no), clients_key = null
   where org_id = old.org_id and clients @> array[old.no];
  delete from public.search_facts f using public.search_sets s
   where s.org_id = old.org_id and s.clients = '{}' and f.org_id = s.org_id and f.set_id = s.id;
  delete from public.search_sets where org_id = old.org_id and clients = '{}';
  return null;
end $$;
revoke all on function engine.forget_in_search() from public;
create or replace trigger forget_in_search after delete on public.search_clients
  for each row execute function engine.forget_in_search();

-- ---------------------------------------------------------------------- which snapshots are to be indexed

-- False for all snapshots from before this: the sweep indexes the newest of each client.
alter table public.crm_topology_snapshots
  add column if not exists is_indexed boolean not null default false;
create index if not exists crm_topology_snapshots_to_index
  on public.crm_topology_snapshots (org_id, client_id, version) where version is not null and not is_indexed;

-- Clients with complete snapshots that are not in the index yet, across all orgs.
create or replace function engine_lookup.clients_to_index(most integer)
  returns table (org_id uuid, client_id uuid)
  language sql stable security definer set search_path = '' as $$
  select s.org_id, s.client_id from public.crm_topology_snapshots s
   where s.version is not null and not s.is_indexed
   group by s.org_id, s.client_id limit most
$$;
call engine.protect_lookup('engine_lookup.clients_to_index(integer)');

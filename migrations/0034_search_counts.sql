-- Counting by set from an index alone: facts with the same flags, or of the same object, lie all over the table,
-- and a question that finds 8,000 of them read 8,000 pages. With the set in the key, facts that are equal in all
-- of it share one entry. Safe to run again, like 0001: what 0028 creates again is dropped again.

create index if not exists search_facts_flags_in_sets
  on public.search_facts (org_id, kind, flags, type, set_id);
drop index if exists public.search_facts_by_flags;

create index if not exists search_facts_objects_in_sets
  on public.search_facts (org_id, kind, object_key, name_key) include (set_id, flags, type);
drop index if exists public.search_facts_by_object;

-- The hits of a page are those of a few clients, and so of a few sets: a part of a name is looked for in these
-- alone, not in the facts of all.
create index if not exists search_facts_of_set on public.search_facts (org_id, set_id, kind);

-- A version's mappings are rolled out with its plan, or with its workflows where it has no plan: saved for a client
-- when its deployment is in place, and put back as they were before its rollback begins. Safe to run again, like 0001.

alter table public.rollouts add column if not exists with_mappings boolean not null default false;
-- What became of each mapping, with its version before and after; null: they were not saved.
alter table public.rollout_targets add column if not exists mappings jsonb;

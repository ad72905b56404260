-- Conflict reports store how the components of their plan stood when they were checked, so that a deploy can
-- be checked against it. Safe to run again, like 0001.

-- A hash by type and name. Null: a report about workflows, or from before this.
alter table public.crm_conflict_reports add column if not exists judged_components jsonb;

-- Conflict reports store the state of the automations that they checked, so that a deploy can be checked
-- against it. Safe to run again, like 0001.

-- A hash by type and name. Null: a report about a plan, or from before this.
alter table public.crm_conflict_reports add column if not exists judged_workflows jsonb;

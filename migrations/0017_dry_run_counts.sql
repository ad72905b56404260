-- A dry run counts its rows by what a push would do with them. Safe to run again, like 0001.

-- { would_update, would_send }. Null: not a dry run, or one from before this migration.
alter table public.crm_push_logs add column if not exists dry_run_counts jsonb;

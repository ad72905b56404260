-- An attempt stores why its authorization was refused, so that later callers get the same reason. Safe
-- to run again, like 0001.

-- { code, message, nango_connection_id }. Null: nothing was refused, or a grant was accepted since.
alter table public.connection_attempts add column if not exists refusal jsonb;

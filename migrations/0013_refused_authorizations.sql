-- An attempt remembers why what was authorized for it was refused, so that whoever asks later is told the
-- same. Safe to run again, like 0001.

-- { code, message, nango_connection_id }. Null: nothing was refused, or a grant was accepted since.
alter table public.connection_attempts add column if not exists refusal jsonb;

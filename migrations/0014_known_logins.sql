-- Where an account has logged in from before: while many log in at once, such attempts come first. Keys
-- are keyed hashes, as in engine.login_failures: no address and no e-mail is stored. Safe to run again,
-- like 0001.

create table if not exists engine.known_logins (
  key bytea primary key,
  seen_at timestamptz not null default now()
);
call engine.protect_shared('engine.known_logins', 'select, insert, update, delete');
call engine.define_expiry('known_logins',
  $$delete from engine.known_logins where seen_at < now() - interval '90 days'$$);

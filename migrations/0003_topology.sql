-- Topology: which credential asked for a pull (its audit row is written when the pull ends), and the
-- date of the list of all objects when a pull began, so that a resumed pull does not date it later. Safe
-- to run again, like 0001.

alter table public.crm_topology_snapshots
  add column if not exists credential_type text
    check (credential_type in ('super_admin', 'api_token', 'session', 'password', 'system')),
  add column if not exists credential_id uuid;

alter table public.topology_pull_items drop constraint if exists topology_pull_items_kind_check;
alter table public.topology_pull_items
  add constraint topology_pull_items_kind_check check (kind in ('global', 'object', 'automation'));

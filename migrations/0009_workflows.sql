-- Workflows: deployments of automations store the state of flows, with their versions. Safe to run
-- again, like 0001.

alter table public.deployment_images drop constraint if exists deployment_images_kind_check;
alter table public.deployment_images add constraint deployment_images_kind_check
  check (kind in ('file', 'describe', 'flow'));

-- For a dry run: the active automations that saving the rows would start, according to the snapshot.
alter table public.crm_push_logs add column if not exists automations jsonb;

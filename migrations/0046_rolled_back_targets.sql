-- A rollout learns that one of its deployments was rolled back by whoever did it (alone, or by an off-boarding), also
-- when it has ended. Safe to run again, like 0001.

create or replace function engine.wake_rollout_of_rollback() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  -- In the row, because a notification may be lost; a rollout that is locked is being looked at.
  update public.rollouts r set wake_at = clock_timestamp()
   where r.ctid in (
     select k.ctid from public.rollouts k
       join public.rollout_targets t on t.org_id = k.org_id and t.rollout_id = k.id
      where t.org_id = new.org_id and t.deployment_id = new.id
        for no key update of k skip locked);
  perform engine.announce_rollout(t.org_id, t.rollout_id) from public.rollout_targets t
   where t.org_id = new.org_id and t.deployment_id = new.id;
  return null;
end $$;
revoke all on function engine.wake_rollout_of_rollback() from public;
create or replace trigger wake_rollout after update of status on public.crm_deployments
  for each row when (new.status = 'rolled_back' and old.status <> 'rolled_back')
  execute function engine.wake_rollout_of_rollback();

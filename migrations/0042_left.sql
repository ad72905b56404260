-- A client that was off-boarded has left: it is shown as such, and the fleet goes on without it. The counts of a rollout
-- stay when a client is purged. Safe to run again, like 0001.

alter table public.clients
  -- An off-boarding has ended; until somebody activates the client again.
  add column if not exists left_at timestamptz;

-- As in 0027, but for what goes with its client: the past stays as it was, and what had not ended counts as skipped.
create or replace function engine.count_rollout_targets() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    insert into public.rollout_counts as c (org_id, rollout_id, wave, state, targets)
    select org_id, rollout_id, wave, state, count(*) from entered group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (org_id, rollout_id, wave, state) do update set targets = c.targets + excluded.targets;
  elsif tg_op = 'DELETE' then
    insert into public.rollout_counts as c (org_id, rollout_id, wave, state, targets)
    select d.org_id, d.rollout_id, d.wave, moved.state, sum(moved.change)
      from departed d
      join public.rollouts r on r.org_id = d.org_id and r.id = d.rollout_id
      join public.organizations o on o.id = d.org_id and o.purging_at is null
     cross join lateral (values (d.state, -1), ('skipped', 1)) as moved (state, change)
     where d.state not in ('deployed', 'unchanged', 'failed', 'skipped', 'excluded', 'rolled_back', 'rollback_partial')
     group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (org_id, rollout_id, wave, state) do update set targets = c.targets + excluded.targets;
  else
    insert into public.rollout_counts as c (org_id, rollout_id, wave, state, targets)
    select org_id, rollout_id, wave, state, sum(change)
      from (select org_id, rollout_id, wave, state, 1 as change from entered
            union all select org_id, rollout_id, wave, state, -1 from departed) moved
     group by 1, 2, 3, 4 having sum(change) <> 0 order by 1, 2, 3, 4
    on conflict (org_id, rollout_id, wave, state) do update set targets = c.targets + excluded.targets;
  end if;
  return null;
end $$;

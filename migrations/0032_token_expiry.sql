-- Who looks a token up also learns when it ends: agents are given only tokens that do, and a credential can
-- be told how long it is still good for. Safe to run again, like 0001.

-- A function of its own: one cannot get another column in place, and replicas of the previous version still
-- call `limited_token`.
create or replace function engine_lookup.token(hash bytea)
  returns table (token_id uuid, org_id uuid, user_id uuid, role text, client_id uuid, email text, stale boolean,
                 scopes text[], client_ids uuid[], approval text, expires_at timestamptz)
  language sql stable security definer set search_path = '' as $$
  select t.id, t.org_id, u.id, u.role::text, u.client_id, u.email,
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute',
         t.scopes, t.client_ids, t.approval, t.expires_at
    from public.api_tokens t
    join public.users u on u.id = t.user_id
    join public.organizations o on o.id = t.org_id
    left join public.clients c on c.id = u.client_id
   where t.token_hash = hash and t.is_active and u.is_active and o.is_active
     and coalesce(c.is_active, true) and (t.expires_at is null or t.expires_at > now())
$$;
call engine.protect_lookup('engine_lookup.token(bytea)');

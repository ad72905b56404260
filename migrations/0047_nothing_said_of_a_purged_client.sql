-- A purge of a client also takes it out of what was said of several clients at once: answers that are kept to be
-- repeated, choices of clients, and the words of approvals of rollouts. Safe to run again, like 0001.

-- Takes the client out of the lists of tokens and endpoints that also serve others, and out of what names it among
-- others.
create or replace function engine_lookup.purge_lists(purge uuid)
  returns table (gone integer) language plpgsql volatile security definer set search_path = '' as $$
declare
  p public.purges;
  line text;
begin
  select * into p from public.purges where id = purge and stage = 'delete' and client_id is not null;
  if found then
    update public.api_tokens set client_ids = array_remove(client_ids, p.client_id)
     where org_id = p.org_id and p.client_id = any(client_ids) and cardinality(client_ids) > 1;
    update public.webhook_endpoints set client_ids = array_remove(client_ids, p.client_id)
     where org_id = p.org_id and p.client_id = any(client_ids) and cardinality(client_ids) > 1;
    -- The key still belongs to what the call made, and a repetition is told how that is now. An answer about this client
    -- alone, or of a call that made nothing, goes with its key.
    update public.idempotency_keys k set response_status = null, response_body = null
     where k.org_id = p.org_id and k.client_id is distinct from p.client_id
       and k.resource_id is not null and k.resource_id <> p.client_id
       and k.response_body ->> 'client_id' is distinct from p.client_id::text
       and strpos(k.response_body::text, p.client_id::text) > 0;
    update public.fleet_drift_runs r
       set selector = r.selector || (
         select jsonb_object_agg(member, ids - p.client_id::text)
           from jsonb_each(r.selector) as one (member, ids) where member in ('client_ids', 'exclude'))
     where r.org_id = p.org_id
       and (r.selector -> 'client_ids' ? p.client_id::text or r.selector -> 'exclude' ? p.client_id::text);
    -- Names stand there as `plainName` writes them.
    select 'Client ' || left(regexp_replace(c.name, '[^A-Za-z0-9_.:% -]', '', 'g'), 120) into line
      from public.clients c where c.org_id = p.org_id and c.id = p.client_id;
    update public.approvals a
       set summary = (
         select jsonb_agg(case when told in (line, line || ', which has failed')
                               then 'A client whose data was deleted' else told end order by position)
           from jsonb_array_elements_text(a.summary) with ordinality as one (told, position))
     where a.org_id = p.org_id and a.client_id is null
       and (a.summary ? line or a.summary ? (line || ', which has failed'));
  end if;
  gone := 0;
  return next;
end $$;

create or replace function engine.purged_rows(purge uuid, name text) returns text
  language plpgsql stable set search_path = '' as $$
declare p public.purges;
begin
  select * into p from public.purges where id = purge and stage = 'delete';
  if not found then raise exception 'no purge % deletes', purge using errcode = 'no_data_found'; end if;
  if name in ('audit_log', 'purges', 'organizations')
     or not exists (select from engine_lookup.purge_tables() t where t.name = purged_rows.name) then
    raise exception 'a purge does not touch %', name using errcode = 'insufficient_privilege';
  end if;
  if p.client_id is null then return format('org_id = %L', p.org_id); end if;
  return format('org_id = %L and %s', p.org_id, case
    when name = 'clients' then format('id = %L', p.client_id)
    -- Tokens of the client's users, and those that see this client only.
    when name = 'api_tokens' then format(
      '(client_ids <@ array[%1$L::uuid] or user_id in (select u.id from public.users u where u.org_id = %2$L and u.client_id = %1$L))',
      p.client_id, p.org_id)
    -- What was answered to the org's own users about the client is kept a day, to be repeated.
    when name = 'idempotency_keys' then format(
      '(client_id = %1$L or response_body ->> ''client_id'' = %1$L or resource_id = %1$L
        or resource_id is null and strpos(response_body::text, %1$L) > 0)', p.client_id)
    when name = 'webhook_endpoints' then format('client_ids <@ array[%L::uuid]', p.client_id)
    when exists (select from engine_lookup.purge_tables() t where t.name = purged_rows.name and t.has_client)
      then format('client_id = %L', p.client_id)
      -- What the org keeps of an off-boarding is its certificate.
      || case when name = 'offboardings' then format(' and id is distinct from %L', p.offboarding_id) else '' end
    else 'false' end);
end $$;

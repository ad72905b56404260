-- Ids by the database's clock are in the order in which they were made, also within a millisecond: lists go by
-- id, and two events of one transaction (the last wave of a rollout, and the rollout itself) were listed in
-- either order. The twelve bits behind the milliseconds hold their fraction (RFC 9562, 6.2, method 3). Safe to
-- run again.

create or replace function engine.uuid_v7() returns uuid
  language sql volatile set search_path = '' as $$
  select encode(
    overlay(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send(floor(now.ms)::bigint) from 3) from 1 for 6)
      placing substring(int8send((7 << 12) | floor((now.ms - floor(now.ms)) * 4096)::bigint) from 7)
      from 7 for 2), 'hex')::uuid
    from (select extract(epoch from clock_timestamp()) * 1000 as ms) as now
$$;

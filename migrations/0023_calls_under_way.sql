-- Calls that were allowed and have no answer yet, beside the number that Salesforce last told: an answer
-- tells nothing of the calls that were sent after it, so that number alone let several lanes pass the last
-- free call at once. Safe to run again.

alter table engine.salesforce_org_usage
  add column if not exists under_way integer not null default 0,
  -- A replica that is killed never ends its calls: counted are only those of the last minutes.
  add column if not exists claimed_at timestamptz not null default now();

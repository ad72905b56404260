-- What a pull reads for drift beside the snapshot: the files of what the blueprints of a client name and no describe
-- shows (permission sets, layouts, queues …), and who changed a component last. Only the newest reading is kept, in
-- one row for each client. Safe to run again, like 0001.

create table if not exists public.fleet_readings (
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  sfdc_org_id text not null,
  read_at timestamptz not null,
  error jsonb, -- why Salesforce returned no files
  components jsonb not null default '{}', -- what was asked for: who changed it last, and when; null: not known
  files jsonb not null default '{}', -- by path in a package
  primary key (org_id, client_id),
  foreign key (org_id, client_id) references public.clients (org_id, id)
);
call engine.protect('public.fleet_readings', 'select, insert, update');

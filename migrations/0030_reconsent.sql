-- Asking clients to authorize again: which ones, and why. Who has done it is not stored: it follows from the
-- time at which the client's connection was connected. Safe to run again, like 0001.

create table if not exists public.reconsent_campaigns (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  name text not null,
  note text,
  created_by uuid,
  created_at timestamptz not null default now(),
  foreign key (org_id, created_by) references public.users (org_id, id)
);
create unique index if not exists reconsent_campaigns_of_org on public.reconsent_campaigns (org_id, id desc);
call engine.protect('public.reconsent_campaigns', 'select, insert, delete');

create table if not exists public.reconsent_clients (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  campaign_id uuid not null,
  reason text not null check (reason in ('scope', 'dead_grant', 'app_rules')),
  cause jsonb, -- the fault of the connection when it was asked for
  asked_at timestamptz not null default now(),
  unique (org_id, campaign_id, client_id),
  foreign key (org_id, client_id) references public.clients (org_id, id) on delete cascade,
  foreign key (org_id, campaign_id) references public.reconsent_campaigns (org_id, id) on delete cascade
);
create index if not exists reconsent_clients_by_client on public.reconsent_clients (org_id, client_id, id desc);
call engine.protect('public.reconsent_clients', 'select, insert, delete');

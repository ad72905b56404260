-- The fleet: clients are told apart by tags, and blueprints say what an org wants in the Salesforce orgs of
-- its clients. Safe to run again, like 0001.

-- ------------------------------------------------------------------------------- tags

alter table public.clients add column if not exists tags jsonb not null default '{}';
alter table public.clients
  drop constraint if exists clients_tags_are_an_object,
  add constraint clients_tags_are_an_object check (jsonb_typeof(tags) = 'object');

-- ------------------------------------------------------------------------------- blueprints

create table if not exists public.blueprints (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  slug text not null,
  name text not null,
  description text,
  latest_version integer not null default 0 check (latest_version >= 0), -- 0: it has none yet
  is_archived boolean not null default false,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (org_id, id),
  unique (org_id, slug),
  foreign key (org_id, created_by) references public.users (org_id, id)
);
call engine.protect('public.blueprints', 'select, insert, update');

-- A version never changes: by grant, no statement of the server can.
create table if not exists public.blueprint_versions (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  blueprint_id uuid not null,
  version integer not null check (version > 0),
  content_hash text not null, -- SHA-256 of the canonical JSON of content and parameters
  content jsonb not null, -- plan, workflows, mappings: as they came, with parameters in their places
  parameters jsonb not null, -- what is declared, in order
  notes text,
  created_by uuid,
  created_at timestamptz not null default now(),
  unique (org_id, blueprint_id, version),
  foreign key (org_id, blueprint_id) references public.blueprints (org_id, id),
  foreign key (org_id, created_by) references public.users (org_id, id)
);
create index if not exists blueprint_versions_pages on public.blueprint_versions (org_id, blueprint_id, id desc);
call engine.protect('public.blueprint_versions', 'select, insert');

-- This client should stand at this blueprint: at its newest version, or at a pinned one.
create table if not exists public.blueprint_bindings (
  id uuid primary key,
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  blueprint_id uuid not null,
  parameters jsonb not null default '{}', -- the client's own values
  pinned_version integer,
  overrides jsonb not null default '[]', -- differences that somebody accepted
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (org_id, blueprint_id, client_id),
  foreign key (org_id, client_id) references public.clients (org_id, id),
  foreign key (org_id, blueprint_id) references public.blueprints (org_id, id),
  foreign key (org_id, blueprint_id, pinned_version)
    references public.blueprint_versions (org_id, blueprint_id, version),
  foreign key (org_id, created_by) references public.users (org_id, id)
);
create index if not exists blueprint_bindings_pages on public.blueprint_bindings (org_id, id desc);
create index if not exists blueprint_bindings_by_client on public.blueprint_bindings (org_id, client_id, id desc);
call engine.protect('public.blueprint_bindings', 'select, insert, update, delete');

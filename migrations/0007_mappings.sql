-- Mappings: every version is kept, so that an accepted push continues with the mapping that it was
-- accepted with, and so that its history can be read. A deleted mapping is hidden for the same reason.
-- Safe to run again, like 0001.

alter table public.crm_field_mappings
  add column if not exists deleted_at timestamptz;

create table if not exists public.field_mapping_versions (
  org_id uuid not null references public.organizations,
  client_id uuid not null references public.clients,
  mapping_id uuid not null references public.crm_field_mappings,
  version integer not null,
  sfdc_object text not null,
  external_id_field text,
  fields jsonb not null,
  is_active boolean not null,
  created_by uuid references public.users,
  created_at timestamptz not null default now(),
  primary key (mapping_id, version)
);
create index if not exists field_mapping_versions_by_org on public.field_mapping_versions (org_id, mapping_id);
call engine.protect('public.field_mapping_versions', 'select, insert');

-- Other clients' mappings of the same canonical object, for proposals.
create index if not exists crm_field_mappings_by_canonical_object
  on public.crm_field_mappings (org_id, canonical_object) where is_active;

-- Contents of snapshots are compressed together: describes resemble each other, so fifty in one frame take
-- a fifth to a tenth of what they take one by one, and a whole snapshot is a few large reads. A content is
-- still one row, found by its hash; it says where in which frame it lies. Rows from before this keep
-- their own body. Safe to run again, like 0001.

create table if not exists public.topology_frames (
  org_id uuid not null references public.organizations,
  client_id uuid not null,
  id uuid not null,
  body bytea not null, -- contents, one after the other, compressed
  size_bytes integer not null, -- before compression
  created_at timestamptz not null default now(),
  primary key (org_id, client_id, id),
  foreign key (org_id, client_id) references public.clients (org_id, id)
);
alter table public.topology_frames alter column body set storage external; -- compressed already

alter table public.topology_blobs
  alter column body drop not null,
  add column if not exists frame_id uuid,
  add column if not exists starts_at integer, -- in bytes, in the frame before compression
  drop constraint if exists topology_blobs_frame,
  add constraint topology_blobs_frame foreign key (org_id, client_id, frame_id)
    references public.topology_frames (org_id, client_id, id),
  drop constraint if exists topology_blobs_is_somewhere,
  add constraint topology_blobs_is_somewhere
    check ((body is null) = (frame_id is not null) and (frame_id is null) = (starts_at is null));
-- A frame goes when its last content has gone.
create index if not exists topology_blobs_by_frame
  on public.topology_blobs (org_id, client_id, frame_id) where frame_id is not null;

call engine.protect('public.topology_frames', 'select, insert, delete');

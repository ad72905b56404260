-- A pull waits for an outage to pass, as other work does: its row says when it is tried again.

alter table public.crm_topology_snapshots add column if not exists resume_at timestamptz;

call engine.define_work('topology-pull', 'public.crm_topology_snapshots w', $$
  w.status = 'pulling' and (w.resume_at is null or w.resume_at <= now())$$);

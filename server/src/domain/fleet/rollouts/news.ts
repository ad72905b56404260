// What a report says beyond the one that a person was shown.

import { sql } from 'kysely'

/** The codes of what report `r` finds and report `o` does not, in whose place there may be none; null: nothing. */
export const NEWS = sql<string[] | null>`(
  select array_agg(distinct f ->> 'code') from jsonb_array_elements(r.findings) f
   where f ->> 'code' not like '%\\_unchanged' and not exists (
     select from jsonb_array_elements(o.findings) shown
      where shown ->> 'code' = f ->> 'code' and shown ->> 'path' = f ->> 'path'
        and shown ->> 'message' = f ->> 'message'))`

/** The wave of target `t` waits for an approval, or will: whoever approves it looks at its reports. */
export const IS_GATED = sql<boolean>`exists (
  select from rollout_waves w
   where w.org_id = t.org_id and w.rollout_id = t.rollout_id and w.position = t.wave
     and w.state = 'pending' and w.gate = 'manual' and w.approved_at is null)`

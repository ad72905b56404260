// What of the page stands in the address.

import { textParam, wholeParam } from '../../app/params.ts'

export interface DiffSearch {
  /** A version of this client. Absent: the one before the newest. */
  from?: number
  /** Absent: the newest. */
  to?: number
  /** The client that `to` is a version of. Absent: this one. */
  with?: string
  /** A part of the name of what is shown. */
  q?: string
}

export const diffSearchOf = (search: Record<string, unknown>): DiffSearch => ({
  ...wholeParam('from', search),
  ...wholeParam('to', search),
  ...textParam('with', search),
  ...textParam('q', search),
})

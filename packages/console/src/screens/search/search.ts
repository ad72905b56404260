import { type SearchKind } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

/** The form, in the address. */
export interface FleetSearch {
  kind?: SearchKind
  object?: string
  name?: string
  label?: string
  formula?: string
  /** A flag that has to be set. */
  flag?: string
  /** The clients in which nothing matches. */
  missing?: true
  /** Tags of the clients, as typed. */
  tags?: string
}

export const isKind = isWordOf<SearchKind>()(
  'field',
  'object',
  'picklist_value',
  'record_type',
  'automation',
)

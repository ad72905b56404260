import { type SearchKind } from '@sfdc-engine-x/client'

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

import { type EventType } from '@sfdc-engine-x/client'
import { type PeriodSearch } from '../../app/period.ts'

/** The filters, in the address. */
export interface EventsSearch extends PeriodSearch {
  client?: string
  type?: EventType
  /** The event that is open. */
  event?: string
}

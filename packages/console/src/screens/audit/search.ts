import { type PeriodSearch } from '../../app/period.ts'

/** The filters, in the address. */
export interface AuditSearch extends PeriodSearch {
  client?: string
  action?: string
}

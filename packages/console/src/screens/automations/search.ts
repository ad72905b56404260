import { type RecordEvent } from '@sfdc-engine-x/client'

export interface AutomationsSearch {
  object?: string
  event?: RecordEvent
  /** Asked from Salesforce now; otherwise from the newest snapshot. */
  live?: true
  /** The deployment that activates or deactivates one of them. */
  change?: string
}

import { type RecordEvent } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export interface AutomationsSearch {
  object?: string
  event?: RecordEvent
  /** Asked from Salesforce now; otherwise from the newest snapshot. */
  live?: true
  /** The deployment that activates or deactivates one of them. */
  change?: string
}

export const isRecordEvent = isWordOf<RecordEvent>()('create', 'update', 'delete', 'undelete')

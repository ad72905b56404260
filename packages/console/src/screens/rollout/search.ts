import { type RolloutTargetState } from '@sfdc-engine-x/client'

export interface RolloutSearch {
  /** Of the targets that are shown. */
  state?: RolloutTargetState
  wave?: number
  /** Of an error or a finding. */
  code?: string
  /** The client whose target is open. */
  target?: string
}

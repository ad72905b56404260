import { type RolloutTargetState } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export interface RolloutSearch {
  /** Of the targets that are shown. */
  state?: RolloutTargetState
  wave?: number
  /** Of an error or a finding. */
  code?: string
  /** The client whose target is open. */
  target?: string
}

export const isTargetState = isWordOf<RolloutTargetState>()(
  'pending',
  'checking',
  'ready',
  'blocked',
  'queued',
  'deploying',
  'waiting',
  'deployed',
  'unchanged',
  'failed',
  'unknown',
  'skipped',
  'excluded',
  'rolling_back',
  'rolled_back',
  'rollback_partial',
)

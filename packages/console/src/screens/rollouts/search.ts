import { type RolloutState } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export const isRolloutState = isWordOf<RolloutState>()(
  'draft',
  'checking',
  'ready',
  'running',
  'paused',
  'succeeded',
  'partial',
  'stopped',
  'failed',
  'rolling_back',
  'rolled_back',
  'rollback_partial',
)

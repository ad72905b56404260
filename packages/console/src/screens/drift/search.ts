import { type DriftClientState } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export interface DriftSearch {
  /** Runs about this blueprint only. */
  blueprint?: string
  /** Default: the newest. */
  run?: string
  state?: DriftClientState
  /** The result that is open. */
  result?: string
}

export const isClientState = isWordOf<DriftClientState>()(
  'drifted',
  'in_sync',
  'unknown',
  'waiting',
)

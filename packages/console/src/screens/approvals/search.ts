import { type ApprovalState } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export interface ApprovalsSearch {
  state?: ApprovalState | 'all'
}

export const isApprovalState = isWordOf<ApprovalState>()(
  'pending',
  'granted',
  'used',
  'refused',
  'expired',
)

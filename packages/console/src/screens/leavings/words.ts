// Off-boardings in words.

import { type OffboardingStatus, type OffboardingSummary } from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'

const STATES: Readonly<Record<OffboardingStatus, readonly [StatusTone, string]>> = {
  running: ['running', 'Under way'],
  complete: ['done', 'Complete'],
  partial: ['stopped', 'Ended; something stays'],
  failed: ['stopped', 'Failed'],
}

/** Of a preview nothing has happened, whatever it says. */
export const standing = ({
  status,
  is_preview: preview,
}: Pick<OffboardingSummary, 'status' | 'is_preview'>): readonly [StatusTone, string] =>
  preview && status !== 'running' && status !== 'failed' ? ['idle', 'Preview only'] : STATES[status]
